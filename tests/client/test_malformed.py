"""Tasks that another program wrote wrong, from Python."""

from __future__ import annotations

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
