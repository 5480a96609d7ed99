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
    words = ["--update", "args.lr=1.5", "-u", "priority=3", "--name", "next", "--enqueue"]
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
        (["1", "--update", "lr=1"], 2, "no field 'lr' (write args.lr for an argument)"),
        (["1", "--update", "args.lr"], 2, "'args.lr' is not FIELD=VALUE (such as args.lr=0.3)"),
        (["1", "--update", "args.lr.x=1"], 5, "args.lr has no key 'x': it is not a dict"),
        (["1", "1", "--update", "args.lr.x=1"], 5, "args.lr has no key 'x': it is not a dict"),
        ([], 2, "clone what? Give REF..., -s or -f (every task: -f '{}')\n"),
        (["--name", "base"], 2, "clone what? Give REF..., -s or -f (every task: -f '{}')\n"),
        (["7"], 3, "no task '7' in queue 'default' (labq task ls shows what is there)"),
    ],
)
def test_what_is_wrong_copies_nothing(labq, queue, done, words, code, told):
    result = labq("task", "clone", *words)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"labq: {told}")
    assert queue.count({"queue": "default"}) == 1


@pytest.fixture
def three(labq):
    """Tasks 1 to 3, whose `n` is their number."""
    for n in (1, 2, 3):
        labq("task", "submit", "-q", "--", "--n", n)


MANY = [
    (["1", "3"], [1, 3], "copied 2 tasks: 2 draft (labq task enqueue sets them going)\n"),
    (["3", "1", "3"], [1, 3], "copied 2 tasks: 2 draft (labq task enqueue sets them going)\n"),
    (["-f", "args.n > 1", "--enqueue"], [2, 3], "copied 2 tasks: 2 pending\n"),
    (
        ["-s", "pending", "--name", "twin"],
        [1, 2, 3],
        "copied 3 tasks: 3 draft (labq task enqueue sets them going)\n",
    ),
    (["-s", "failed"], [], "copied 0 tasks\n"),
    ([""], [], "copied 0 tasks\n"),
]


@pytest.mark.parametrize(("words", "copied", "told"), MANY)
def test_several_are_copied_once_each(labq, queue, three, words, copied, told):
    result = labq("task", "clone", *words)
    assert (result.code, result.err) == (0, told)
    assert result.ids == [str(4 + at) for at in range(len(copied))]
    copies = [queue.get(number) for number in result.ids]
    assert [copy["args"]["n"] for copy in copies] == copied
    assert {copy["parent"] for copy in copies} == {queue.get(str(n))["_id"] for n in copied}
    assert {copy.get("name") for copy in copies} <= {"twin" if "--name" in words else None}


def test_several_clones_as_json_are_a_line_each(labq, three):
    result = labq("task", "clone", "-f", "{}", "--update", "args.m=1", "--enqueue", "--json")
    assert [told["number"] for told in result.lines] == [4, 5, 6]
    assert {told["status"] for told in result.lines} == {"pending"}
    assert result.err == ""
    assert labq("task", "count", "-f", "args.m == 1").out == "3\n"


def test_where_one_of_several_cannot_be_copied_none_is(labq, queue, three):
    labq("task", "update", "2", "-q", "-u", "args.n=x")
    labq("task", "update", "1", "-q", "-u", "args.n={'x': 1}")
    result = labq("task", "clone", "1", "2", "3", "--update", "args.n.x=2")
    assert (result.code, result.out) == (5, "")
    assert result.err == "labq: cannot copy task 2: args.n has no key 'x': it is not a dict\n"
    labq("queue", "update", "default", "--max-tasks", "5", "-q")
    result = labq("task", "clone", "-f", "{}")
    assert (result.code, result.out) == (5, "")
    assert "queue default" in result.err
    assert queue.count({"queue": "default"}) == 3
