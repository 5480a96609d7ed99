"""`labq task submit --short`: a name that no other task of the queue has."""

from __future__ import annotations

import json
import sys

import pytest
from books import statuses, tasks

from labq.model.task import new
from labq.spool import Spool


@pytest.fixture
def best(labq):
    """A task with a short name."""
    assert labq("task", "submit", "-q", "--short", "best", "--", "--lr", "1").code == 0


def test_a_task_is_named_by_it_everywhere(labq, queue, best):
    labq("task", "submit", "-q")
    assert json.loads(labq("task", "show", "best", "--json").out)["short"] == "best"
    assert ["short", "best"] in [
        line.split() for line in labq("task", "show", "1").out.splitlines()
    ]
    shown = labq("task", "ls", "--cols", "short").out.splitlines()
    assert [line.split() for line in (shown[0], *shown[2:])] == [
        ["#", "short"],
        ["1", "best"],
        ["2", "-"],
    ]
    assert labq("task", "ls", "-q", "-f", "short == 'best'").ids == [queue.get("1")["_id"]]
    assert labq("task", "submit", "-q", "--after", "best").code == 0
    assert queue.get("3")["after"] == [queue.get("1")["_id"]]
    assert labq("task", "update", "best", "-q", "-u", "args.lr=2").code == 0
    assert queue.get("best")["args"] == {"lr": 2}
    assert labq("task", "tag", "best", "+a", "-q").code == 0
    assert labq("task", "cancel", "best", "-q").code == 0
    assert labq("wait", "best", "-q").code == 1
    assert labq("task", "delete", "best", "--yes", "-q").code == 0
    assert len(tasks(queue)) == 2


def test_one_that_another_task_has_is_refused_and_names_it(labq, queue, best):
    for words in ((), ("--key", "k"), ("--array", "1"), ("--draft",)):
        result = labq("task", "submit", "--short", "best", *words)
        assert (result.code, result.out) == (5, "")
        assert result.err == "labq: task 1 of queue default has the short name best already\n"
    assert len(tasks(queue)) == 1
    assert labq("task", "submit", "-q", "--short", "best", "--queue", "other").code == 0


def test_one_that_is_no_dns_label_is_refused_with_the_rule(labq, queue):
    result = labq("task", "submit", "--short", "Best_lr")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "labq: short must be a DNS label (1 to 63 of a-z, 0-9 and -, a letter or digit first and"
        " last) that is no number and no id, not 'Best_lr'\n"
    )
    assert tasks(queue) == []


def test_it_is_one_tasks_alone(labq, queue, tmp_path):
    (tmp_path / "two.jsonl").write_text("{}\n{}\n")
    for words in (("--array", "2"), ("--file", "two.jsonl"), ("--file", "two.jsonl", "--key", "k")):
        result = labq("task", "submit", "--short", "best", *words)
        assert (result.code, result.out) == (2, "")
        assert result.err == "labq: short names one task, and these are 2\n"
    assert tasks(queue) == []
    (tmp_path / "one.jsonl").write_text("{}\n")
    assert labq("task", "submit", "-q", "--short", "a", "--file", "one.jsonl").code == 0
    assert labq("task", "submit", "-q", "--short", "b", "--array", "1").code == 0
    assert [task["short"] for task in tasks(queue)] == ["a", "b"]


def test_a_submit_of_a_key_may_be_repeated(labq, queue):
    for told in ("task 1 in queue default", "was there already"):
        result = labq("task", "submit", "--short", "best", "--key", "k")
        assert result.code == 0
        assert told in result.err
    assert len(tasks(queue)) == 1


def test_it_is_edited_until_the_submit(labq, queue, best):
    assert labq("task", "update", "best", "-u", "short=other").err == (
        "labq: cannot edit task 1: it is pending, its short name is settable until the submit"
        " (labq task dequeue makes it draft)\n"
    )
    labq("task", "dequeue", "best", "-q")
    assert labq("task", "update", "best", "-q", "-u", "short=other").code == 0
    labq("task", "submit", "-q", "--draft", "--short", "next")
    result = labq("task", "update", "next", "-u", "short=other")
    assert (result.code, result.err) == (
        5,
        "labq: cannot edit task 2: task 1 of queue default has the short name other already\n",
    )
    assert labq("task", "enqueue", "other", "next", "-q").code == 0
    assert statuses(queue) == ["pending", "pending"]


def test_a_clone_has_none_unless_it_is_given_one(labq, queue, best):
    assert labq("task", "clone", "best", "-q").code == 0
    assert "short" not in queue.get("2")
    assert labq("task", "clone", "best", "-q", "--update", "short=copy").code == 0
    assert queue.get("copy")["args"] == {"lr": 1}
    assert labq("task", "diff", "best", "copy", "--json").lines[0]["differs"].keys() == {"status"}
    result = labq("task", "clone", "best", "--update", "short=copy")
    assert (result.code, result.out) == (5, "")
    assert result.err == "labq: task 3 of queue default has the short name copy already\n"


def test_it_stays_while_the_task_is_run_reset_and_its_queue_renamed(labq, queue, best):
    labq("worker", "run", "-q", "--", "true")
    assert labq("task", "reset", "best", "--yes", "-q").code == 0
    assert statuses(queue) == ["draft"]
    assert labq("queue", "rename", "default", "night", "-q").code == 0
    assert labq("task", "show", "best", "--queue", "night").code == 0


def test_a_run_that_was_recorded_offline_keeps_it(labq, queue, tmp_path):
    folders = []
    for _ in range(2):
        task = {**new({}, short="best"), "cwd": str(tmp_path), "cmd": [sys.executable]}
        spool = Spool.create(tmp_path / "away", "default", task)
        spool.tell(end={"status": "success"})
        folders.append(spool.folder)
    assert labq("import", folders[0]).code == 0
    assert labq("import", folders[0]).code == 0
    assert queue.get("best")["_id"] == folders[0].name
    result = labq("import", folders[1])
    assert (result.code, result.out) == (5, "")
    assert result.err == "labq: task 1 of queue default has the short name best already\n"
