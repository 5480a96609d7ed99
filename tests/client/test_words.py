"""Commands from Python: `argv` is what `labq task submit` takes, word for word."""

from __future__ import annotations

import os

import pytest

from labq.command.line import argv
from labq.errors import TemplateError, UsageError


def words_of(client, task):
    return argv(client.queue.get(task.id))


def test_argv_is_a_command_word_for_word(client):
    words = ["python", "train.py", "in.txt", "-b", "32", "--v", "1.10", "x=1", "--", "--b"]
    task = client.submit(argv=["A=1", *words])
    assert (task.args, task.cmd) == ({"b": 32, "v": 1.1, "x": 1}, ["python", "train.py"])
    assert (task.env, task.cwd) == ({"A": "1"}, os.getcwd())
    assert words_of(client, task) == words


def test_an_attribute_respells_its_own_words(client):
    task = client.task(argv=["./x", "--lr", "0.10", "--n", "2"], cwd="/tmp")
    task.args["n"] = 3
    task.submit()
    assert words_of(client, task) == ["./x", "--lr", "0.10", "--n", "3"]
    task.args["lr"] = 0.2
    task.args["new"] = "a"
    task.save()
    assert words_of(client, task) == ["./x", "--lr", "0.2", "--n", "3", "--new", "a"]
    assert task.cwd == "/tmp"
    assert words_of(client, task.clone()) == words_of(client, task)


def test_args_lie_below_argv_and_fill_its_placeholders(client):
    task = client.submit({"lr": 0.5, "n": 1}, argv=["./x", "%{lr}", "--n", "2"])
    assert task.args == {"lr": 0.5, "n": 2}
    assert words_of(client, task) == ["./x", "0.5", "--n", "2"]


def test_many_dicts_lie_above_argv(client):
    command = ["./x", "%{lr}", "--n", "2"]
    one, other = client.submit_many([{"lr": 1}, {"lr": 2, "n": 5}], argv=command)
    assert words_of(client, one) == ["./x", "1", "--n", "2"]
    assert words_of(client, other) == ["./x", "2", "--n", "5"]
    with pytest.raises(TemplateError, match="the command does not fit: the task lacks lr"):
        client.submit_many([{"lr": 1}, {"n": 5}], argv=command)


def test_argv_and_cmd_are_not_given_together(client):
    with pytest.raises(UsageError, match="give argv or cmd, not both"):
        client.task(argv=["./x"], cmd="./x")
