"""Workers that are killed, again and again, lose no task, run none twice and leave nothing."""

from __future__ import annotations

import random
import signal

import pytest
from fleet import (
    APPEND,
    TASKS,
    Fleet,
    check_books,
    ended,
    nothing_is_left,
    pause,
    until_all_end,
)
from waiting import gone, until


def test_a_random_worker_is_killed_every_fifth_of_a_second(uri, submitted, tmp_path):
    queue = submitted(uri, TASKS)
    chance = random.Random(TASKS)  # noqa: S311
    with Fleet(uri, tmp_path, 8) as fleet:
        while queue.count({"status": "success"}) < TASKS * 0.9:
            pause(0.2)
            fleet.kill_one(chance)
        until_all_end(queue)
    check_books(queue, tmp_path, TASKS)
    nothing_is_left(queue, tmp_path)


def test_a_killed_worker_takes_its_job_with_it_and_its_task_is_pending_within_the_lease(
    uri, submitted, tmp_path
):
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, "echo $$ > pid; exec sleep 3600") as fleet:
        pid = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
        with fleet.workers.pop() as worker:
            worker.kill()
        until(lambda: gone(pid), seconds=1)
        until(lambda: queue.sweep().recovered, seconds=2 + 1)
        assert queue.get("1")["status"] == "pending"
    nothing_is_left(queue, tmp_path)


def test_a_worker_frozen_past_its_lease_may_not_finish(uri, submitted, tmp_path):
    """Its job ran to its end while it was frozen; another had the task by then."""
    queue = submitted(uri, 1)
    with Fleet(uri, tmp_path, 1, f"{APPEND}; sleep 1") as fleet:
        until(lambda: queue.get("1")["status"] == "running")
        (frozen,) = fleet.workers
        frozen.send_signal(signal.SIGSTOP)
        fleet.start()
        until(lambda: queue.get("1")["attempt"] == 2)
        frozen.send_signal(signal.SIGCONT)
        until(lambda: ended(queue))
        task = queue.get("1")
        assert (task["status"], task["attempt"]) == ("success", 2)
        assert [one.get("exit_code") for one in task["attempts"]] == [None, 0]
    nothing_is_left(queue, tmp_path)


@pytest.mark.parametrize("ladder", [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGINT,) * 2])
def test_stopped_workers_give_everything_back(uri, submitted, tmp_path, ladder):
    queue = submitted(uri, 8)
    with Fleet(uri, tmp_path, 4, "sleep 3600") as fleet:
        until(lambda: queue.count({"status": "running"}) == 4)
        for number in ladder:
            for worker in fleet.workers:
                worker.send_signal(number)
            pause(0.1)
        for worker in fleet.workers:
            worker.wait(timeout=30)
    assert {task["status"] for task in queue.find({"queue": "default"})} == {"pending"}
    nothing_is_left(queue, tmp_path)
