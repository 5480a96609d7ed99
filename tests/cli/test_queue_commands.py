"""`labq queue ls`, `pause`, `resume` and `sweep`."""

from __future__ import annotations

import pytest
from books import statuses, submit, wait_for
from waiting import until

from labq.queue import WorkerName, claims, workers
from labq.store import Change, Now


def card(queue, name, of, lifetime=60):
    workers.beat(queue.store, {"_id": name, "queue": of, "started_at": Now()}, lifetime)


def test_ls_shows_workers_and_what_is_paused(labq, queue):
    labq("task", "submit", "-q")
    labq("task", "submit", "-q", "--queue", "night")
    head, _, *lines = labq("queue", "ls").out.splitlines()
    assert head.split() == ["queue", "pending", "all"]
    for name in ("a", "b"):
        card(queue, name, "default")
    labq("queue", "pause", "night")
    head, _, *lines = labq("queue", "ls").out.splitlines()
    assert head.split() == ["queue", "pending", "all", "workers", "paused"]
    assert [line.split() for line in lines] == [
        ["default", "1", "1", "2"],
        ["night", "1", "1", "yes"],
    ]
    default, night = labq("queue", "ls", "--json").lines
    assert (default["pending"], default["workers"], default["paused"]) == (1, 2, False)
    assert (night["workers"], night["paused"]) == (0, True)


PAUSED = "no worker takes its tasks until labq queue resume"


def test_pause_and_resume_tell_what_they_changed(labq, queue):
    labq("task", "submit", "-q")
    for args, told in (
        (["resume"], "queue default was not paused\n"),
        (["pause"], f"paused queue default: {PAUSED} default\n"),
        (["pause", "default"], "queue default was paused already\n"),
        (["resume", "default"], "resumed queue default\n"),
        (["pause", "--queue", "new"], f"paused queue new, which has no tasks yet: {PAUSED} new\n"),
        (["resume", "new", "-q"], ""),
    ):
        result = labq("queue", *args)
        assert (result.code, result.out, result.err) == (0, "", told)
    told = [labq("queue", word, "new", "--json").lines for word in ("pause", "pause", "resume")]
    assert [(one["paused"], one["changed"]) for (one,) in told] == [
        (True, True),
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["resume", "nihgt"], 3, "labq: "),
        (["pause", "a", "--queue", "b"], 2, "labq: two queues are named: a and --queue b\n"),
        (["pause", "a b"], 2, "labq: --queue: 'a b' is not a queue name"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(labq, queue, args, code, told):
    result = labq("queue", *args)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(told)
    assert not list(queue.store.queues.find())


def test_no_worker_takes_a_task_of_a_paused_queue(labq, queue, process):
    labq("queue", "pause")
    submit(labq, {})
    worker = process("worker", "run", "--forever", "--", "true")
    until(lambda: "is paused" in worker.stderr.readline())
    assert statuses(queue) == ["pending"]
    labq("queue", "resume")
    wait_for(queue, "success")


def lapse(labq, queue):
    labq("task", "submit", "-q")
    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), -1)


def be_due(labq, queue):
    labq("task", "submit", "-q", "--delay", "1h")
    queue.store.update({"number": 1}, Change(set={"available_at": Now(-1)}))


def fail(labq, queue):
    labq("task", "submit", "-q")
    labq("task", "submit", "-q", "--after", "1")
    queue.store.update({"number": 1}, Change(set={"status": "failed"}))


def outlive(labq, queue):
    labq("task", "submit", "-q", "--ttl", "1s")
    queue.store.update({"number": 1}, Change(set={"status": "success", "ended_at": Now(-2)}))


def die(labq, queue):
    card(queue, "dead", "default", lifetime=-1)


@pytest.mark.parametrize(
    ("happened", "told", "after"),
    [
        (lapse, "gave back 1 task of lost workers", ["pending"]),
        (be_due, "made 1 task pending", ["pending"]),
        (fail, "told 1 task what became of those before them", ["failed", "cancelled"]),
        (outlive, "removed 1 task whose time was over", []),
        (die, "removed 1 dead worker", []),
    ],
)
def test_sweep_puts_right_what_nobody_finished_and_tells_of_it(labq, queue, happened, told, after):
    happened(labq, queue)
    result = labq("queue", "sweep")
    assert (result.code, result.out, result.err) == (0, "", f"{told}\n")
    assert statuses(queue) == after
    assert labq("queue", "sweep").err == "nothing to put right in queue default\n"


def test_a_sweep_tells_of_all_that_it_did(labq, queue):
    lapse(labq, queue)
    die(labq, queue)
    counts = {"recovered": 1, "promoted": 0, "settled": 0, "expired": 0, "workers": 1}
    counts |= {"contents": 0, "folders": 0}
    assert labq("queue", "sweep", "--json").lines == [counts]
    lapse(labq, queue)
    die(labq, queue)
    told = "gave back 1 task of lost workers, removed 1 dead worker\n"
    assert labq("queue", "sweep").err == told
    assert labq("queue", "sweep", "-q").err == ""


def test_a_sweep_goes_on_while_there_may_be_more(labq, queue):
    from labq.model.task import new

    queue.submit([new({}) for _ in range(2500)])
    lapsed = {"token": "t", "worker": "w", "expires_at": Now(-1)}
    values = {"status": "running", "lease": lapsed, "started_at": Now(), "attempt": 1}
    queue.store.update({"queue": "default"}, Change(set=values))
    assert labq("queue", "sweep").err == "gave back 2,500 tasks of lost workers\n"


@pytest.mark.parametrize("how", [["--cmd", "true"], ["--array", "2", "--cmd", "true"]])
def test_a_key_goes_with_its_queue_through_a_rename(labq, queue, how):
    submit = ["task", "submit", "--key", "k", *how]
    first = labq(*submit, "--queue", "old").out
    labq("queue", "rename", "old", "mid")
    labq("queue", "rename", "mid", "new")
    assert labq(*submit, "--queue", "new").out == first
    again = labq(*submit, "--queue", "old")
    told = "a task of this key or id is in queue new: submit it there, or by another key"
    assert (again.code, again.err.splitlines()[-1]) == (5, f"labq: {told}")
    count = len(first.split())
    assert (queue.store.count({"queue": "new"}), queue.store.count({})) == (count, count)
