"""`labq task requeue`, and what a stalled task is called."""

from __future__ import annotations

import pytest

from labq.queue import WorkerName, claims
from labq.store import Change


@pytest.fixture
def ended(labq):
    """Two failures and a success; a third failure waits to be made."""
    for code in (1, 1, 0):
        labq("task", "submit", "--cmd", f"sh -c 'exit {code}'")
    labq("worker", "run", "-q")


def statuses(queue):
    return [task["status"] for task in queue.find({"queue": "default"})]


def test_an_ended_task_runs_again_with_its_attempts_kept(labq, queue, ended):
    assert labq("task", "requeue", "1").err == "requeued 1 task\n"
    task = queue.get("1")
    assert (task["status"], task["attempt"], len(task["attempts"])) == ("pending", 1, 1)
    assert not {"ended_at", "reason"} & set(task)
    labq("worker", "run", "-q", "--override-cmd", "--", "true")
    assert (queue.get("1")["status"], queue.get("1")["attempt"]) == ("success", 2)


def test_many_by_status_and_filter(labq, queue, ended):
    assert labq("task", "requeue", "-s", "failed", "--json").lines == [{"requeued": 2, "left": 0}]
    assert statuses(queue) == ["pending", "pending", "success"]
    assert labq("task", "requeue", "-f", "{}", "-q").err == ""
    assert statuses(queue) == ["pending"] * 3


def test_retries_begin_anew(labq, queue):
    labq("task", "submit", "--max-retries", "1")
    labq("worker", "run", "-q", "--", "false")
    labq("task", "requeue", "1")
    labq("worker", "run", "-q", "--", "false")
    assert (queue.get("1")["status"], queue.get("1")["attempt"]) == ("failed", 4)


def test_what_has_not_ended_or_is_published_is_left(labq, queue, ended):
    labq("task", "submit")
    queue.store.update({"number": 3}, Change(set={"published_at": queue.store.now()}))
    assert labq("task", "requeue", "-f", "{}").err == (
        "requeued 2 tasks, left 2: 1 pending (labq worker run runs it),"
        " 1 published (clone it instead)\n"
    )
    for ref, why in (
        ("3", "it is published (clone it instead)"),
        ("4", "it is pending (labq worker run runs it)"),
    ):
        result = labq("task", "requeue", ref)
        assert (result.code, result.err) == (5, f"labq: cannot requeue task {ref}: {why}\n")


def test_requeue_wants_to_know_what(labq):
    result = labq("task", "requeue")
    assert (result.code, result.err) == (
        2,
        "labq: requeue what? Give REF..., -s, --name or -f (every task: -f '{}')\n",
    )
    assert labq("task", "requeue", "").err == "requeued 0 tasks\n"


def test_stalled_is_a_running_task_whose_lease_is_over(labq, queue):
    labq("task", "submit")
    labq("task", "submit")
    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), -1)
    claims.claim(queue.store, {"queue": "default"}, WorkerName("w", "h"), 60)
    assert [task["number"] for task in labq("task", "ls", "-s", "stalled", "--json").lines] == [1]
    assert "stalled" in labq("task", "ls").out.splitlines()[2]
    assert labq("task", "show", "1").out.startswith("task 1  stalled")
