"""`labq worker run`: when a worker ends by itself, and what it waits for."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from books import statuses, submit, wait_for
from waiting import until

from labq.model.task import new
from labq.queue import workers


def test_an_idle_worker_ends_after_its_timeout(labq, queue, process):
    worker = process("worker", "run", "--idle-timeout", "300ms", "--", "true")
    submit(labq, {})
    _, err = worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert "labq: no work for 0.3 s: ending\n" in err
    assert statuses(queue) == ["success"]


STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


@pytest.mark.parametrize("command", [["sleep", "600"], ["sh", "-c", STUBBORN]])
def test_a_time_limit_ends_what_runs_in_time_and_at_no_cost(labq, queue, command):
    submit(labq, {}, {})
    done = labq("worker", "run", "--time-limit", "300ms", "--", *command)
    assert "labq: the time limit is near: stopping what runs and giving the tasks back" in done.err
    assert statuses(queue) == ["pending", "pending"]
    task = queue.get("1")
    assert (task["retries"], task["reason"]) == (0, "the worker's time was over")
    assert task["attempts"][0]["wall"] < 5  # not the grace of 10 s


def test_a_task_that_may_take_longer_than_what_is_left_is_not_begun(labq, queue):
    queue.submit([new({}, timeout=7200), new({}, timeout=60), new({})])
    done = labq("worker", "run", "--time-limit", "1h", "--", "true")
    assert statuses(queue) == ["pending", "success", "success"]
    why = "passed over: a timeout of 7200 s is more than is left of --time-limit"
    assert f"labq: 1 task {why}\n" in done.err
    assert queue.get("1")["reason"] == why


def test_a_draining_worker_tells_of_what_it_leaves_waiting(labq):
    labq("task", "submit", "--delay", "1h")
    done = labq("worker", "run", "--", "true")
    told = "labq: 1 task left waiting for a time or for others (labq task ls -s waiting)\n"
    assert told in done.err


def stopped(why, number):
    """The last line of a worker that gave up after that task."""
    return (
        f"labq: stopped: {why}: labq task show --queue default {number} says why; once that is "
        "mended, labq task requeue --queue default -s failed runs what failed again\n"
    )


ROW = "tasks that failed, in a row: {} (--max-consecutive-failures)"


def test_a_broken_machine_does_not_empty_a_queue(labq, queue):
    submit(labq, *[{}] * 12)
    done = labq("worker", "run", "--forever", "--", "false")
    assert done.code == 1
    assert done.err.endswith(stopped(ROW.format(10), 10))
    assert statuses(queue) == ["failed"] * 10 + ["pending"] * 2


def test_a_success_begins_the_row_of_failures_anew(labq, queue):
    submit(labq, *[{}] * 7)
    third = '[ "$LABQ_TASK_NUMBER" = 3 ]'
    done = labq("worker", "run", "--max-consecutive-failures", "3", "--", "sh", "-c", third)
    assert done.code == 1
    assert done.err.endswith(stopped(ROW.format(3), 6))
    assert statuses(queue) == ["failed"] * 2 + ["success"] + ["failed"] * 3 + ["pending"]


def test_a_task_that_fails_again_and_again_is_no_broken_machine(labq, queue):
    queue.submit([new({}, max_retries=4, retry_delay=0)])
    done = labq("worker", "run", "--max-consecutive-failures", "2", "--", "false")
    assert done.code == 0
    assert (queue.get("1")["status"], queue.get("1")["attempt"]) == ("failed", 5)


def test_tasks_that_are_tried_again_count_in_a_row(labq, queue):
    queue.submit([new({}, max_retries=1, retry_delay=60) for _ in range(4)])
    done = labq("worker", "run", "--max-consecutive-failures", "3", "--", "false")
    assert done.err.endswith(stopped(ROW.format(3), 3))
    assert statuses(queue) == ["waiting"] * 3 + ["pending"]


def test_no_limit_of_failures_in_a_row(labq, queue):
    submit(labq, *[{}] * 12)
    done = labq("worker", "run", "--max-consecutive-failures", "0", "--", "false")
    assert done.code == 0
    assert statuses(queue) == ["failed"] * 12


def test_what_is_given_back_is_no_failure(labq, queue):
    queue.submit([{**new({"a": 1}), "cmd": ["echo", "%(b)"]} for _ in range(3)])
    assert labq("worker", "run", "--max-consecutive-failures", "1").code == 0
    assert statuses(queue) == ["pending"] * 3


def test_failures_in_a_row_are_counted_across_slots_and_what_runs_goes_on(
    labq, queue, process, tmp_path
):
    submit(labq, *[{}] * 9)
    job = '[ "$LABQ_TASK_NUMBER" != 1 ] && exit 1; until [ -e go ]; do sleep 0.01; done'
    options = ("--max-consecutive-failures", "4", "--slots", "3")
    worker = process("worker", "run", *options, "--", "sh", "-c", job)
    until(lambda: statuses(queue).count("failed") >= 4)
    (tmp_path / "go").touch()
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert ROW.format(4) in err
    assert statuses(queue)[0] == "success"
    assert statuses(queue).count("failed") in (4, 5)  # one more may have been running


def test_too_many_failures_stop_the_worker(labq, queue):
    submit(labq, {}, {}, {})
    done = labq("worker", "run", "--max-failures", "2", "--", "false")
    assert done.code == 1
    assert done.err.endswith(stopped("attempts that failed: 2 (--max-failures)", 2))
    assert statuses(queue) == ["failed", "failed", "pending"]


def test_the_number_of_start_failures_can_be_set(labq, queue):
    queue.submit([new({}, cmd="no-such-command") for _ in range(3)])
    done = labq("worker", "run", "--max-start-failures", "1")
    assert done.code == 1
    assert done.err.endswith(
        stopped("tasks that could not start, in a row: 1 (--max-start-failures)", 1)
    )
    assert statuses(queue) == ["failed", "pending", "pending"]


def test_a_draining_worker_waits_for_its_retries(labq, queue):
    queue.submit([new({}, max_retries=2, retry_delay=0.1)])
    began = time.monotonic()
    assert labq("worker", "run", "--", "false").code == 0
    assert time.monotonic() - began >= 0.3
    task = queue.get("1")
    assert (task["status"], task["attempt"]) == ("failed", 3)


def test_a_retry_that_waits_holds_nothing_up(labq, queue, tmp_path):
    queue.submit([new({}, max_retries=1, retry_delay=0.3), new({}), new({})])
    log = 'echo $LABQ_TASK_NUMBER >> order; [ "$LABQ_TASK_NUMBER$LABQ_ATTEMPT" != 11 ]'
    assert labq("worker", "run", "-q", "--", "sh", "-c", log).code == 0
    assert (tmp_path / "order").read_text().split() == ["1", "2", "3", "1"]
    assert statuses(queue) == ["success"] * 3


def test_a_draining_worker_does_not_wait_for_tomorrow(labq, queue):
    tomorrow = queue.store.now() + timedelta(days=1)
    queue.submit([{**new({}), "available_at": tomorrow}])
    assert labq("worker", "run", "--", "true").code == 0
    assert statuses(queue) == ["waiting"]


def test_a_waiting_worker_begins_a_task_at_its_time(labq, queue, process):
    soon = queue.store.now() + timedelta(seconds=1)
    queue.submit([{**new({}), "available_at": soon}])
    process("worker", "run", "--forever", "--", "true")
    wait_for(queue, "success")
    late = queue.get("1")["started_at"] - soon
    assert timedelta(0) <= late < timedelta(seconds=5)


def test_slots_that_find_nothing_wait_for_what_the_others_set_free(labq, queue, process, tmp_path):
    queue.submit([new({})])
    parent = queue.get("1")["_id"]
    queue.submit([{**new({}), "after": [parent]} for _ in range(3)])
    meet = "touch s$LABQ_TASK_NUMBER; [ $LABQ_TASK_NUMBER = 1 ] || "
    meet += "until [ -e s2 ] && [ -e s3 ] && [ -e s4 ]; do sleep 0.01; done"
    worker = process("worker", "run", "--slots", "3", "--", "sh", "-c", meet)
    assert worker.wait(timeout=30) == 0
    assert statuses(queue) == ["success"] * 4


@pytest.mark.parametrize("what", ["worker", "queue"])
def test_a_paused_worker_claims_nothing_until_it_is_resumed(labq, queue, process, what):
    if what == "queue":
        workers.pause_queue(queue.store, "default", paused=True)
    worker = process("worker", "run", "--forever", "--", "true", env={"LABQ_HEARTBEAT": "100ms"})
    if what == "queue":
        assert worker.stderr.readline() == (
            "labq: queue default is paused: claiming nothing until labq queue resume default\n"
        )
        submit(labq, {})
        assert statuses(queue) == ["pending"]
        workers.pause_queue(queue.store, "default", paused=False)
    else:
        submit(labq, {})
        wait_for(queue, "success")
        (card,) = workers.listed(queue.store)
        workers.command(queue.store, [card["_id"]], workers.PAUSE)
        assert " is paused: claiming nothing until labq worker resume " in said(worker)
        submit(labq, {})
        assert queue.get("2")["status"] == "pending"
        workers.command(queue.store, [card["_id"]], workers.RESUME)
        wait_for(queue, "success", 2)
    assert " is resumed\n" in said(worker)
    wait_for(queue, "success")


def said(worker):
    """The next line that is about the worker, not about a task."""
    while (line := worker.stderr.readline()).startswith("labq: task "):
        pass
    return line


@pytest.mark.parametrize(
    ("word", "told", "status"),
    [
        (workers.STOP, "asked to stop: stopping what runs and giving the tasks back", "pending"),
        (workers.DRAIN, "asked to drain: finishing what runs, claiming no more", "success"),
    ],
)
def test_a_worker_does_what_it_is_asked(labq, queue, process, word, told, status):
    submit(labq, {}, {})
    worker = process("worker", "run", "--", "sleep", "1", env={"LABQ_HEARTBEAT": "100ms"})
    wait_for(queue, "running")
    (card,) = workers.listed(queue.store)
    assert workers.command(queue.store, [card["_id"]], word) == 1
    _, err = worker.communicate(timeout=30)
    assert f"labq: {told}\n" in err
    assert worker.returncode == 0
    assert statuses(queue) == [status, "pending"]


def test_a_running_task_that_is_cancelled_ends_soon(labq, queue, process):
    submit(labq, {})
    worker = process("worker", "run", "--", "sleep", "600", env={"LABQ_HEARTBEAT": "500ms"})
    wait_for(queue, "running")
    queue.cancel({"queue": "default", "number": 1}, "a mistake")
    _, err = worker.communicate(timeout=30)
    assert "labq: task 1 cancelled in " in err
    task = queue.get("1")
    assert (task["status"], task["reason"]) == ("cancelled", "a mistake")
    assert task["attempts"][0]["signal"] == 15


def test_a_cancel_with_no_grace_kills(labq, queue, process):
    submit(labq, {})
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    process("worker", "run", "--", "sh", "-c", stubborn, env={"LABQ_HEARTBEAT": "500ms"})
    wait_for(queue, "running")
    queue.cancel({"queue": "default", "number": 1}, grace=0)
    wait_for(queue, "cancelled")
    assert queue.get("1")["attempts"][0]["signal"] == 9
