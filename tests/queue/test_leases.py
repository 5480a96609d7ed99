"""Claim, renew, finish, release, sweep: every write fenced by the token."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labq.errors import ConflictError
from labq.queue import Ending, Selection, WorkerName, leases
from labq.store import Change, Now
from labq.task import Status, new

ANY = {"queue": "q"}
WORKER = WorkerName("w1", "host", 2)
OK = Ending(succeeded=True, record={"exit_code": 0})
BAD = Ending(
    succeeded=False, reason="exit code 3", record={"exit_code": 3}, error={"message": "exit code 3"}
)


def claim(queue, lease=60.0, **query):
    return leases.claim(queue.store, {**ANY, **query}, WORKER, lease)


def expire(queue):
    """Lets every lease have run out a second ago."""
    running = {**ANY, "status": "running"}
    queue.store.update(running, Change(set={"lease.expires_at": Now(-1)}))


def test_a_claim_is_a_running_task_with_a_lease(queue):
    queue.submit([new({"x": 1}, timeout=5)])
    granted = claim(queue)
    task = queue.get("1")
    assert (task["status"], task["attempt"]) == ("running", 1)
    assert (task["lease"]["token"], task["lease"]["worker"], task["lease"]["host"]) == (
        granted.token,
        "w1",
        "host",
    )
    assert granted.task["args"] == {"x": 1}
    assert granted.task["timeout"] == 5
    assert claim(queue) is None


def test_tokens_differ(queue):
    queue.submit([new({}), new({})])
    assert claim(queue).token != claim(queue).token


def test_a_success_is_written_once_with_its_attempt(queue):
    queue.submit([new({})])
    granted = claim(queue)
    assert leases.finish(queue.store, granted, OK) is Status.SUCCESS
    assert leases.finish(queue.store, granted, BAD) is None
    task = queue.get("1")
    assert task["status"] == "success"
    assert "lease" not in task
    assert "errors" not in task
    (record,) = task["attempts"]
    assert (record["attempt"], record["worker"], record["host"], record["slot"]) == (
        1,
        "w1",
        "host",
        2,
    )
    assert record["exit_code"] == 0
    assert task["started_at"] == record["started"] <= record["ended"] <= task["ended_at"]


def test_a_failure_without_retries_is_failed_with_its_error(queue):
    queue.submit([new({})])
    assert leases.finish(queue.store, claim(queue), BAD) is Status.FAILED
    task = queue.get("1")
    assert (task["status"], task["reason"]) == ("failed", "exit code 3")
    assert task["errors"] == [{"attempt": 1, "message": "exit code 3"}]


def test_a_failure_with_retries_goes_back_until_they_are_used_up(queue):
    queue.submit([new({}, max_retries=2)])
    became = [leases.finish(queue.store, claim(queue), BAD) for _ in range(3)]
    assert became == [Status.PENDING, Status.PENDING, Status.FAILED]
    task = queue.get("1")
    assert (task["attempt"], task["retries"], len(task["attempts"])) == (3, 2, 3)
    assert claim(queue) is None


def test_a_release_costs_nothing(queue):
    queue.submit([new({}, max_retries=1)])
    granted = claim(queue)
    assert leases.release(queue.store, granted, "the worker was stopped")
    assert not leases.release(queue.store, granted, "the worker was stopped")
    task = queue.get("1")
    assert (task["status"], task["retries"], task["reason"]) == (
        "pending",
        0,
        "the worker was stopped",
    )
    assert task["attempts"][0]["reason"] == "the worker was stopped"
    assert "reason" not in claim(queue).task
    assert "reason" not in queue.get("1")


def test_a_renewal_holds_what_is_held_and_names_what_is_lost(queue):
    queue.submit([new({}), new({}), new({})])
    held = [claim(queue), claim(queue), claim(queue)]
    assert leases.renew(queue.store, held, 600) == set()
    assert queue.get("1")["lease"]["expires_at"] - queue.store.now() > timedelta(seconds=500)
    leases.finish(queue.store, held[1], OK)
    assert leases.renew(queue.store, held, 600) == {held[1].token}


def test_a_sweep_gives_back_what_a_lost_worker_held(queue):
    queue.submit([new({}, max_retries=1), new({})])
    lost, kept = claim(queue), claim(queue)
    expire(queue)
    assert leases.renew(queue.store, [kept], 60) == set()
    assert leases.sweep(queue.store, "q") == 1
    assert leases.sweep(queue.store, "q") == 0
    task = queue.get("1")
    assert (task["status"], task["reason"], task["retries"]) == ("pending", "worker w1 was lost", 0)
    assert task["attempts"][0]["reason"] == "worker w1 was lost"
    assert queue.get("2")["status"] == "running"
    assert leases.finish(queue.store, lost, OK) is None  # the fence


def test_the_second_holder_alone_may_finish(queue):
    queue.submit([new({})])
    first = claim(queue)
    expire(queue)
    leases.sweep(queue.store, "q")
    second = claim(queue)
    assert leases.finish(queue.store, first, BAD) is None
    assert leases.release(queue.store, first, "x") is False
    assert leases.finish(queue.store, second, OK) is Status.SUCCESS
    assert queue.get("1")["attempt"] == 2


def test_a_task_that_kills_its_workers_fails_in_the_end(queue):
    queue.submit([new({})])
    for _ in range(leases.MAX_CRASHES):
        assert claim(queue) is not None
        expire(queue)
        leases.sweep(queue.store, "q")
    task = queue.get("1")
    assert task["status"] == "failed"
    assert task["reason"] == "worker w1 was lost, the 5th worker that this task lost"
    assert len(task["attempts"]) == 5


def test_the_newest_20_attempts_are_kept(queue):
    queue.submit([new({}, max_retries=30)])
    for _ in range(25):
        leases.finish(queue.store, claim(queue), BAD)
    assert [record["attempt"] for record in queue.get("1")["attempts"]] == list(range(6, 26))


def test_a_report_merges_and_is_fenced(queue):
    queue.submit([new({})])
    granted = claim(queue)
    identity = granted.task["_id"]
    queue.report(identity, granted.token, {"acc": 0.9, "by": {"a": 1}})
    queue.report(identity, granted.token, {"by.b": 2, "acc": 0.95})
    assert queue.get("1")["summary"] == {"acc": 0.95, "by": {"a": 1, "b": 2}}
    leases.finish(queue.store, granted, OK)
    refused = r"^the report is refused: this attempt no longer holds the task's lease$"
    with pytest.raises(ConflictError, match=refused):
        queue.report(identity, granted.token, {"acc": 0})
    queue.report(identity, "", {"note": "from outside"})
    assert queue.get("1")["summary"]["acc"] == 0.95


def test_what_does_not_fit_is_noted_and_the_note_goes_with_the_claim(queue):
    queue.submit([new({"lr": 1}), new({"lr": 1, "seed": 2})])
    fits, every = {"args_signature": '["lr"]'}, queue.query(Selection())
    assert queue.pass_over(fits, every, "the worker's command takes exactly the args lr") == 1
    assert queue.pass_over(fits, every, "the worker's command takes exactly the args lr") == 1
    assert "reason" not in queue.get("1")
    assert queue.get("2")["reason"] == "passed over: the worker's command takes exactly the args lr"
    assert queue.get("2")["status"] == "pending"
    claim(queue, args_signature='["lr","seed"]')
    assert "reason" not in queue.get("2")


def test_a_running_task_is_not_deleted(queue):
    queue.submit([new({}), new({})])
    claim(queue)
    assert queue.delete(queue.query(Selection())) == 1
    assert queue.get("1")["status"] == "running"


def test_reports_into_lists_and_their_order_are_alike_on_every_store(queue):
    queue.submit([new({})])
    identity = queue.get("1")["_id"]
    queue.report(identity, "", {"l": [1, 2], "z": 1})
    queue.report(identity, "", {"l.0": 7, "l.4": 9, "b": 2, "10": 3, "9": 4})
    summary = queue.get("1")["summary"]
    assert summary["l"] == [7, 2, None, None, 9]
    assert list(summary) == ["l", "z", "9", "10", "b"]
