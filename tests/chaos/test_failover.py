"""A replica set of three loses its primary, or all of it for a while; no task is lost or doubled."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from fleet import (
    APPEND,
    TASKS,
    Fleet,
    ReplicaSet,
    check_books,
    nothing_is_left,
    pause,
    until_all_end,
)
from waiting import until

SECONDS = 20.0 if TASKS >= 2000 else 5.0  # how long all nodes are away


@pytest.fixture
def nodes(tmp_path_factory):
    whole = ReplicaSet(tmp_path_factory.mktemp("mongod"))
    yield whole
    whole.signal(signal.SIGKILL)


def test_the_primary_is_killed_and_comes_back_and_the_workers_carry_on(nodes, submitted, tmp_path):
    queue = submitted(nodes.uri, TASKS)
    with Fleet(nodes.uri, tmp_path, 4, LABQ_LEASE="20s", LABQ_HEARTBEAT="1s") as fleet:
        until(lambda: queue.count({"status": "success"}) > TASKS / 4)
        first = int(nodes.primary())
        nodes.signal(signal.SIGKILL, first)
        until(lambda: nodes.primary() not in ("", str(first)), seconds=60)
        pause(1)
        nodes.restart(first)
        until_all_end(queue)
        assert [worker.poll() for worker in fleet.workers] == [None] * 4
    check_books(queue, tmp_path, TASKS)
    nothing_is_left(queue, tmp_path)


def test_workers_wait_while_no_node_answers_and_carry_on(nodes, submitted, tmp_path):
    queue = submitted(nodes.uri, 40)
    command = f"{APPEND}; sleep 0.3"
    with Fleet(nodes.uri, tmp_path, 2, command, LABQ_LEASE="60s", LABQ_HEARTBEAT="1s") as fleet:
        until(lambda: queue.count({"status": "success"}) > 5)
        nodes.signal(signal.SIGSTOP)
        pause(SECONDS)
        nodes.signal(signal.SIGCONT)
        until_all_end(queue)
        assert [worker.poll() for worker in fleet.workers] == [None] * 2
    check_books(queue, tmp_path, 40)
    tasks = list(queue.find({"queue": "default"}))
    assert not [task for task in tasks if task["retries"] or "crashes" in task]
    told = {one["reason"] for task in tasks for one in task["attempts"] if "reason" in one}
    assert told <= {"the answer to the claim was lost or late"}  # it was granted, and nobody knew


def test_a_removal_rides_out_a_change_of_the_primary(nodes, submitted):
    queue = submitted(nodes.uri, 10 * TASKS)
    with ThreadPoolExecutor() as pool:
        removal = pool.submit(queue.delete, {"queue": "default"})
        until(lambda: queue.count({}) < 10 * TASKS)
        nodes.step_down()
        assert removal.result() == 10 * TASKS
    assert queue.count({}) == 0
    ends = [event["task"] for event in queue.events() if event["to"] == "deleted"]
    assert len(ends) == len(set(ends)) == 10 * TASKS


def test_jobs_are_stopped_when_the_lease_is_over_though_no_node_answers(nodes, submitted, tmp_path):
    queue = submitted(nodes.uri, 1)
    command = "echo $$ > pid; [ $LABQ_ATTEMPT -gt 1 ] || exec sleep 3600"
    with Fleet(nodes.uri, tmp_path, 1, command) as fleet:
        pid = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
        nodes.signal(signal.SIGSTOP)
        until(lambda: not os.path.exists(f"/proc/{pid}"), seconds=4)
        nodes.signal(signal.SIGCONT)
        until_all_end(queue)
        assert fleet.workers[0].poll() is None
    task = queue.get("1")
    assert (task["status"], task["attempt"], task["retries"]) == ("success", 2, 0)
    assert "the lease was lost" in task["attempts"][0]["reason"] or "was lost" in fleet.said
