"""`labq task clone`: what the copy has, what it has not, and what is told of it."""

from __future__ import annotations

import pytest


@pytest.fixture
def done(labq):
    """A success with all that may come of a task."""
    labq(
        "task", "submit", "-q", "--name", "base", "--tag", "a", "--", "--lr", "1", "--deep.er", "x"
    )
    labq("worker", "run", "-q", "--", "true")
    labq("task", "report", "1", "acc=0.5")


def test_a_clone_is_a_draft_and_prints_its_number(labq, queue, done):
    result = labq("task", "clone", "base")
    assert (result.code, result.out) == (0, "2\n")
    assert result.err == (
        "task 2 in queue default, a copy of task 1: draft (labq task enqueue 2 sets it going)\n"
    )
    parent, copy = queue.get("1"), queue.get("2")
    assert (copy["status"], copy["parent"], copy["tags"]) == ("draft", parent["_id"], ["a"])
    assert copy["args"] == parent["args"]
    assert not {"name", "summary", "attempts", "started_at", "ended_at"} & set(copy)


def test_a_clone_may_be_edited_named_and_set_going(labq, queue, done):
    words = ["--set", "args.lr=1.5", "-u", "priority=3", "--name", "next", "--enqueue"]
    assert labq("task", "clone", "1", *words).err == (
        "task 2 in queue default, a copy of task 1: pending\n"
    )
    copy = queue.get("next")
    assert copy["args"] == {"lr": 1.5, "deep": {"er": "x"}}
    assert (copy["priority"], copy["status"]) == (3, "pending")
    assert labq("task", "clone", "1", "-q").err == ""


def test_a_clone_as_json(labq, queue, done):
    (told,) = labq("task", "clone", "1", "--json").lines
    copy = queue.get("2")
    assert told == {
        "_id": copy["_id"],
        "number": 2,
        "queue": "default",
        "status": "draft",
        "parent": queue.get("1")["_id"],
    }


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["1", "--set", "lr=1"], 2, "no field 'lr' (write args.lr for an argument)"),
        (["1", "--set", "args.lr"], 2, "'args.lr' is not FIELD=VALUE (such as args.lr=0.3)"),
        (["1", "--set", "args.lr.x=1"], 5, "args.lr has no key 'x': it is not a dict"),
        (["7"], 3, "no task '7' in queue 'default' (labq task ls shows what is there)"),
    ],
)
def test_what_is_wrong_copies_nothing(labq, queue, done, words, code, told):
    result = labq("task", "clone", *words)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"labq: {told}")
    assert queue.count({"queue": "default"}) == 1
