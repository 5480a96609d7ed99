"""`labq queue create`, `show`, `update`, `rename` and `delete`."""

from __future__ import annotations

import pytest

from labq.queue import WorkerName, claims, workers
from labq.store import Change, Now


def claim(queue):
    return claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)


def told(labq, *args):
    """The JSON of a queue, but for its times."""
    (one,) = labq("queue", *args, "--json").lines
    one.pop("created_at", None)
    return one


def test_a_queue_is_made_with_what_is_said_of_it(labq, queue):
    result = labq("queue", "create", "night", "--max-tasks", "5", "--description", "by night")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"created queue night in {queue.store.address}\n"
    shown = told(labq, "show", "night")
    assert shown == {
        "queue": "night",
        **dict.fromkeys(("draft", "waiting", "pending", "running"), 0),
        **dict.fromkeys(("success", "failed", "cancelled", "workers"), 0),
        "paused": False,
        "description": "by night",
        "max_tasks": 5,
    }
    assert told(labq, "create", "b", "--default-timeout", "1h") == {
        "queue": "b",
        "defaults": {"timeout": 3600},
    }


def test_a_queue_that_is_there_is_not_made_again(labq):
    labq("task", "submit", "-q")
    result = labq("queue", "create")
    assert (result.code, result.err) == (
        5,
        "labq: queue default is there already (labq queue update changes it)\n",
    )


def test_show_draws_it_up(labq, queue):
    labq("queue", "create", "--max-tasks", "5000", "--default-ttl", "7d", "--default-auto-delete")
    labq("queue", "update", "--default-timeout", "90", "--description", "x")
    labq("task", "submit", "-q", "--array", "3")
    claim(queue)
    labq("queue", "pause")
    workers.beat(queue.store, {"_id": "w", "queue": "default", "started_at": Now()}, 60)
    lines = [" ".join(line.split()) for line in labq("queue", "show").out.splitlines()]
    assert lines[0] == "queue default paused"
    assert lines[1:6] == [
        "description x",
        "max_tasks 5,000",
        "default timeout 1m 30s",
        "default ttl 7d",
        "default auto_delete yes",
    ]
    assert lines[6].startswith("created_at 20")
    assert lines[7:] == ["tasks 3", "pending 2", "running 1", "workers 1"]


def test_settings_are_changed_one_by_one_and_taken_back(labq):
    labq("queue", "create", "--max-tasks", "5", "--description", "x", "--default-ttl", "1h")
    assert labq("queue", "update", "--max-tasks", "6").err == "updated queue default\n"
    hour = {"retention": {"ttl": 3600}}
    assert told(labq, "update", "--default-auto-delete") == {
        "queue": "default",
        "description": "x",
        "max_tasks": 6,
        "defaults": {"retention": {"ttl": 3600, "auto_delete": True}},
    }
    assert told(labq, "update", "--no-default-auto-delete", "--description", "") == {
        "queue": "default",
        "max_tasks": 6,
        "defaults": hour,
    }
    assert told(labq, "update", "--max-tasks", "none", "--default-ttl", "none") == {
        "queue": "default"
    }
    assert told(labq, "update", "--max-tasks", "1", "--default-timeout", "none") == {
        "queue": "default",
        "max_tasks": 1,
    }


def test_new_tasks_have_what_the_queue_says_where_they_say_nothing(labq, queue):
    labq("queue", "create", "--default-timeout", "90", "--default-ttl", "7d")
    labq("task", "submit", "-q")
    labq("task", "submit", "-q", "--timeout", "5", "--ttl", "1d", "--auto-delete")
    tasks = list(queue.find({"queue": "default"}))
    assert [(one["timeout"], one["retention"]) for one in tasks] == [
        (90, {"ttl": 604800}),
        (5, {"ttl": 86400, "auto_delete": True}),
    ]


def test_ls_shows_what_a_queue_keeps_at_most(labq):
    labq("queue", "create", "a", "--max-tasks", "5000")
    labq("task", "submit", "-q", "--queue", "a")
    labq("task", "submit", "-q", "--queue", "b")
    head, _, *lines = labq("queue", "ls").out.splitlines()
    assert head.split() == ["queue", "pending", "all", "at", "most"]
    assert [line.split() for line in lines] == [["a", "1", "1", "5,000"], ["b", "1", "1"]]
    a, b = labq("queue", "ls", "--json").lines
    assert a["max_tasks"] == 5000
    assert "max_tasks" not in b


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["update", "no", "--max-tasks", "1"], 3, "no queue 'no' (there are default, other)"),
        (["show", "no"], 3, "no queue 'no' (there are default, other)"),
        (["rename", "no", "new"], 3, "no queue 'no' (there are default, other)"),
        (["delete", "no"], 3, "no queue 'no' (there are default, other)"),
        (["update"], 2, "update what? Give --max-tasks, --description, --on-finish or a --default-..."),
        (["delete"], 2, "delete which queue? Give its NAME"),
        (["rename", "default"], 2, "give the old name and the new one: labq queue rename OLD NEW"),
        (["rename", "a", "b", "c"], 2, "give the old name and the new one: labq queue rename OLD NEW"),
        (["rename", "default", "a b"], 2, "'a b' is not a queue name (printable, no spaces, no leading - or $, at most 120)"),
        (["create", "x", "--max-tasks", "1.5"], 2, "--max-tasks must be a whole number of 1 or more, or none, not '1.5'"),
        (["create", "x", "--max-tasks", "0"], 2, "--max-tasks must be a whole number of 1 or more, or none, not '0'"),
        (["update", "default", "--max-tasks", "00"], 2, "--max-tasks must be a whole number of 1 or more, or none, not '00'"),
        (["create", "x", "--max-tasks", "-1"], 2, "--max-tasks must be a whole number of 1 or more, or none, not '-1'"),
        (["create", "x", "--max-tasks", "9999999999"], 2, "max_tasks must be a whole number of 1 or more, not '9999999999'"),
        (["create", "x", "--default-ttl", "7x"], 2, "--default-ttl: '7x' is not a duration (write 90, 2s, 10m, 1h30m, 7d)"),
        (["rename", "default", "other"], 5, "cannot rename queue default: other is there already"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_a_line(labq, queue, args, code, said):
    for name in ("default", "other"):
        labq("task", "submit", "-q", "--queue", name)
    result = labq("queue", *args)
    assert (result.code, result.out, result.err) == (code, "", f"labq: {said}\n")
    assert [record["_id"] for record in queue.store.queues.find()] == ["default", "other"]


def test_a_renamed_queue_takes_its_tasks_along(labq, queue):
    labq("task", "submit", "-q", "--array", "2")
    workers.beat(queue.store, {"_id": "w", "queue": "default", "started_at": Now()}, 60)
    result = labq("queue", "rename", "default", "night")
    assert result.code == 0
    assert result.err == (
        "queue default is night now: moved 2 tasks\n"
        "labq: warning: 1 worker of default will find no tasks there\n"
    )
    assert labq("task", "count", "--queue", "night").out == "2\n"
    assert labq("queue", "rename", "--queue", "night", "day", "--json").lines == [
        {"queue": "day", "before": "night", "moved": 2}
    ]


def test_a_queue_whose_tasks_run_keeps_its_name_and_its_tasks(labq, queue):
    labq("task", "submit", "-q")
    claim(queue)
    result = labq("queue", "rename", "default", "night")
    assert result.code == 5
    assert result.err == (
        "labq: cannot rename queue default: 1 of its tasks run "
        "(labq task cancel --queue default -s running ends them)\n"
    )
    result = labq("queue", "delete", "default", "--yes")
    assert (result.code, result.err) == (
        5,
        "labq: cannot delete queue default: 1 of its tasks run (--force deletes them all the same)\n",
    )
    assert labq("queue", "delete", "default", "--yes", "--force").err == (
        "deleted queue default and its 1 task\n"
    )


def test_delete_asks_unless_it_was_told(labq, queue):
    labq("task", "submit", "-q", "--array", "2")
    result = labq("queue", "delete", "default")
    assert (result.code, result.err) == (2, "labq: this removes 2 tasks for good: add --yes\n")
    assert labq("queue", "delete", "default", "--yes", "--json").lines == [
        {"queue": "default", "deleted": 2}
    ]
    assert not list(queue.store.queues.find())
    labq("queue", "create", "empty")
    assert labq("queue", "delete", "empty").err == "deleted queue empty and its 0 tasks\n"


def test_a_full_queue_makes_room_or_refuses(labq, queue):
    labq("queue", "create", "--max-tasks", "2")
    first = labq("task", "submit", "-q", "--auto-delete", "--array", "2").ids
    refused = labq("task", "submit")
    assert (refused.code, refused.out) == (5, "")
    assert refused.err == (
        "labq: queue default keeps at most 2 tasks and has 2: 1 more does not fit (labq task delete "
        "makes room, labq queue update default --max-tasks N moves the limit)\n"
    )
    labq("worker", "run", "-q", "--max-tasks", "1", "--", "true")
    (third,) = labq("task", "submit", "-q").ids
    assert [one["_id"] for one in queue.find({"queue": "default"})] == [first[1], third]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--auto-delete"], "removed where its queue is full, once it has ended"),
        (["--ttl", "7d"], "removed 7d after it ends"),
        (
            ["--ttl", "7d", "--auto-delete"],
            "removed 7d after it ends, or where its queue is full, once it has ended",
        ),
    ],
)
def test_show_says_how_long_a_task_is_kept(labq, flags, words):
    labq("task", "submit", "-q", *flags)
    assert words in labq("task", "show", "1").out


def test_a_published_task_keeps_its_queue(labq, queue):
    labq("task", "submit", "-q")
    queue.store.update({"number": 1}, Change(set={"published_at": Now()}))
    result = labq("queue", "delete", "default", "--yes")
    assert result.code == 5
    assert "1 of its tasks are published (--force deletes them all the same)" in result.err
