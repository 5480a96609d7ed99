"""Tasks that another program wrote wrong, from Python."""

from __future__ import annotations

import json

import foreign
import pytest

import labq
from labq.errors import ConflictError


def spoilt(uri, field, mongodb, sqlite):
    foreign.overwrite(uri, 1, field, sqlite if uri.startswith("sqlite") else mongodb)


def test_a_field_that_is_wrong_is_not_there_and_a_save_mends_it(client, uri):
    task = client.submit({"lr": 0.1})
    spoilt(uri, "timeout", "1h", "1h")
    task.refresh()
    assert task.timeout is None
    assert task.malformed == {"timeout": "timeout must be seconds of 0 or more, not '1h'"}
    assert labq.Task.from_dict(client, task.to_dict()).number == 1
    task.timeout = 60
    task.save()
    assert (task.timeout, task.malformed) == (60, {})


def test_a_change_within_what_is_wrong_is_refused(client, uri):
    task = client.submit({"lr": 0.1})
    spoilt(uri, "env", {"A": 1}, '{"A": 1}')
    task.refresh()
    with pytest.raises(ConflictError, match=r"env\.A must be a text, not 1: set the whole of env"):
        client.update({"env.B": "2"}, 1)


def test_a_walk_finds_them_too_in_any_order(client, uri):
    for lr in (3, 1, 2):
        client.submit({"lr": lr})
    if uri.startswith("sqlite"):
        foreign.overwrite(uri, 1, "number", "one")
    else:
        foreign.overwrite(uri, 1, "number", foreign.MISSING)
    assert sorted(task.args["lr"] for task in client.tasks()) == [1, 2, 3]
    assert [task.args["lr"] for task in client.tasks(sort="args.lr")] == [1, 2, 3]
    (odd,) = [task for task in client.tasks() if task.malformed]
    assert "number" in odd.malformed


def test_a_loop_passes_them_over(client, uri, caplog):
    for lr in (1, 2):
        client.submit({"lr": lr})
    spoilt(uri, "args", [1], "[1]")
    done = []
    for task in labq.loop(uri=uri):
        with task:
            done.append(task.args["lr"])
    assert done == [2]
    assert "task 1 is malformed and passed over: args must be a dict, not a list" in caplog.text


def test_a_walk_finds_all_whatever_the_numbers_are(client, uri, monkeypatch):
    from labq.client import selection

    monkeypatch.setattr(selection, "PAGE", 2)
    for lr in range(14):
        client.submit({"lr": lr})
    odd = ("x", 1.5, 2.5, 2.75, 2.25, -1, 2**62, float("inf"))
    for number, value in enumerate(odd, start=3):
        foreign.overwrite(uri, number, "number", value)
    for sort in ("number", "number:desc", "args.lr"):
        found = [task.args["lr"] for task in client.tasks(sort=sort)]
        assert sorted(found) == list(range(14)), sort


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"": "x"}, "a key of env must be a variable's name, not ''"),
        ({"A=B": "x"}, "a key of env must be a variable's name, not 'A=B'"),
        ({"A": "x\0"}, "env.A must be a text, not 'x\\x00'"),
    ],
)
def test_a_loop_passes_over_what_no_process_can_be_given(client, uri, caplog, env, why):
    for lr in (1, 2):
        client.submit({"lr": lr}, cmd="true")
    spoilt(uri, "env", env, json.dumps(env))
    assert [task.args["lr"] for task in labq.loop(uri=uri)] == [2]
    assert f"task 1 is malformed and passed over: {why}" in caplog.text
