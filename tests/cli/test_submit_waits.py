"""`labq task submit --after, --after-any, --at, --delay`: tasks that wait."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from labq import clock
from labq.store import Change


def end(queue, number, status):
    queue.store.update({"number": number}, Change(set={"status": status}))


@pytest.fixture
def sources(labq, queue):
    """Tasks 1 to 3: a success, a failure, and one that is pending, called third."""
    for name in ("first", "second", "third"):
        labq("task", "submit", "--name", name)
    end(queue, 1, "success")
    end(queue, 2, "failed")


def ids(queue, *numbers):
    return [queue.get(str(number))["_id"] for number in numbers]


@pytest.mark.parametrize(
    ("args", "status", "told"),
    [
        (["--after", "1"], "pending", ""),
        (["--after", "third"], "waiting", " waits for 3"),
        (["--after", "1", "--after", "third"], "waiting", " waits for 3"),
        (["--after", "1 third"], "waiting", " waits for 3"),
        (["--after", "1", "--after-any", "2"], "pending", ""),
        (["--after-any", "2", "--after-any", "3"], "waiting", " waits for 3"),
        (["--after", "2"], "cancelled", " is cancelled: dependency: task 2 failed"),
    ],
)
def test_a_task_waits_for_those_it_comes_after(labq, queue, sources, args, status, told):
    result = labq("task", "submit", *args)
    assert result.code == 0
    assert result.err == f"task 4 in queue default ({queue.store.address}){told}\n"
    task = queue.get("4")
    assert (task["_id"], task["status"]) == (result.out.strip(), status)
    assert labq("task", "submit", "--quiet", *args).err == ""


def test_what_it_comes_after_is_stored_as_ids(labq, queue, sources):
    labq("task", "submit", "--after", "1", "--after", "third", "--after-any", "2", "--after", "1")
    task = queue.get("4")
    assert task["after"] == ids(queue, 1, 3)
    assert task["after_any"] == ids(queue, 2)


@pytest.mark.parametrize(
    ("ref", "code", "told"),
    [
        ("9", 3, "labq: no task '9' in queue default (labq task ls shows what is there)\n"),
        ("twin", 5, "labq: 'twin' names several tasks: 4 (twin), 5 (twin): use the number\n"),
    ],
)
def test_a_task_cannot_come_after_what_is_not_there(labq, queue, sources, ref, code, told):
    for _ in range(2):
        labq("task", "submit", "--name", "twin")
    result = labq("task", "submit", "--after", "1", "--after-any", ref)
    assert (result.code, result.out) == (code, "")
    assert result.err == told.replace("queue default", "queue 'default'")
    assert queue.count({"queue": "default"}) == 5


def test_a_start_time_in_words_or_as_iso_8601_with_or_without_a_zone(labq, queue):
    for at in ("2100-01-02T03:04:05+02:00", "2100-01-02 03:04", "in 2 hours"):
        result = labq("task", "submit", "--at", at)
        assert re.search(
            r" waits until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(in \d+[dh]( \d+[hm])?\)\n", result.err
        )
    zoned, local, words = (queue.get(str(number)) for number in (1, 2, 3))
    assert zoned["available_at"] == datetime(2100, 1, 2, 1, 4, 5, tzinfo=timezone.utc)
    assert local["available_at"] == datetime(2100, 1, 2, 3, 4).astimezone()
    left = words["available_at"] - queue.store.now()
    assert timedelta(hours=1, minutes=59) < left <= timedelta(hours=2)
    assert {zoned["status"], local["status"], words["status"]} == {"waiting"}


def test_a_delay_counts_from_the_store_s_clock(labq, queue, monkeypatch):
    before = queue.store.now()
    if not queue.store.address.startswith("sqlite:"):  # there the store's clock is this machine's
        monkeypatch.setattr(clock, "now", lambda: before - timedelta(days=30))
    labq("task", "submit", "--delay", "1h30m", "-q")
    begins = queue.get("1")["available_at"]
    assert timedelta(hours=1.5) <= begins - before < timedelta(hours=1.6)


@pytest.mark.parametrize("delay", ["0", "0s"])
def test_no_delay_is_none(labq, queue, delay):
    labq("task", "submit", "--delay", delay)
    task = queue.get("1")
    assert (task["status"], "available_at" in task) == ("pending", False)


def test_a_time_that_is_over_means_now_and_is_told(labq, queue):
    result = labq("task", "submit", "--at", "2020-01-02 03:04")
    told = "--at 2020-01-02 03:04: 2020-01-02 03:04:00 is over, so the task does not wait"
    assert result.err.endswith(f"labq: warning: {told}\n")
    assert queue.get("1")["status"] == "pending"
    result = labq("task", "submit", "--at", "now")
    assert "warning" not in result.err
    assert labq("task", "submit", "-q", "--at", "2020-01-02").err == ""


def test_a_time_and_tasks_are_waited_for_together(labq, queue, sources):
    result = labq("task", "submit", "--delay", "1h", "--after", "third", "--after", "1")
    assert re.search(r" waits until [-\d]+ [:\d]+ \(in (1h|59m \d+s)\) and for 3\n", result.err)


def test_of_many_tasks_the_first_few_are_named(labq, queue):
    for _ in range(6):
        labq("task", "submit", "-q")
    assert (
        " waits for 1, 2, 3, 4 and 2 more\n" in labq("task", "submit", "--after", "1 2 3 4 5 6").err
    )


def test_a_chain_runs_in_its_order(labq, queue):
    first = labq("task", "submit", "-q", "--cmd", "true").out.strip()
    second = labq("task", "submit", "-q", "--cmd", "true", "--after", first).out.strip()
    labq("task", "submit", "-q", "--cmd", "true", "--after-any", second, "--priority", "9")
    assert labq("worker", "run", "-q", "--forever", "--max-tasks", "3").code == 0
    started = [queue.get(str(number))["started_at"] for number in (1, 2, 3)]
    assert started == sorted(started)
    assert [queue.get(str(number))["status"] for number in (1, 2, 3)] == ["success"] * 3
