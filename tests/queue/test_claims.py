"""Claim, renew, finish, release: every write fenced by the token."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labq.errors import ConflictError
from labq.model.task import Status, new
from labq.queue import Ending, Selection, WorkerName, claims, dependencies, recovery
from labq.store import Change, Now

ANY = {"queue": "q"}
WORKER = WorkerName("w1", "host", 2)
OK = Ending(succeeded=True, record={"exit_code": 0})
BAD = Ending(
    succeeded=False, reason="exit code 3", record={"exit_code": 3}, error={"message": "exit code 3"}
)
STOPPED = Ending(succeeded=False, reason="the worker was stopped")


def claim(queue, lease=60.0, **query):
    return claims.claim(queue.store, {**ANY, **query}, WORKER, lease)


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


def test_what_a_claim_took_whose_answer_was_lost_is_given_back(queue):
    queue.submit([new({}), new({})])
    claims.claim(queue.store, ANY, WORKER, 60, "unheard")
    kept = claim(queue)
    assert claims.disown(queue.store, "q", ["unheard", "never granted"], WORKER) == 1
    task = queue.get("1")
    assert (task["status"], task["reason"]) == (
        "pending",
        "the answer to the claim was lost or late",
    )
    assert claims.renew(queue.store, [kept], 60) == claims.Renewal()


def test_an_end_whose_answer_was_lost_is_found_in_the_books(queue):
    queue.submit([new({}, max_retries=1)])
    granted = claim(queue)
    assert claims.landed(queue.store, granted, OK) is None
    claims.finish(queue.store, granted, OK)
    assert claims.landed(queue.store, granted, OK) is Status.SUCCESS


def test_a_success_is_written_once_with_its_attempt(queue):
    queue.submit([new({})])
    granted = claim(queue)
    assert claims.finish(queue.store, granted, OK) is Status.SUCCESS
    assert claims.finish(queue.store, granted, BAD) is None
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
    assert claims.finish(queue.store, claim(queue), BAD) is Status.FAILED
    task = queue.get("1")
    assert (task["status"], task["reason"]) == ("failed", "exit code 3")
    assert task["errors"] == [{"attempt": 1, "message": "exit code 3"}]


def test_a_failure_with_retries_goes_back_until_they_are_used_up(queue):
    queue.submit([new({}, max_retries=2)])
    became = [claims.finish(queue.store, claim(queue), BAD) for _ in range(3)]
    assert became == [Status.PENDING, Status.PENDING, Status.FAILED]
    task = queue.get("1")
    assert (task["attempt"], task["retries"], len(task["attempts"])) == (3, 2, 3)
    assert claim(queue) is None


def test_a_retry_waits_its_delay_and_twice_as_long_each_time(queue):
    queue.submit([new({}, max_retries=3, retry_delay=10), new({})])
    first = claim(queue)
    assert claims.finish(queue.store, first, BAD) is Status.WAITING
    task = queue.get("1")
    delay = (task["available_at"] - task["modified_at"]).total_seconds()
    assert 10 <= delay <= 12.5
    assert (task["retries"], task["reason"]) == (1, "exit code 3")
    assert claim(queue).task["number"] == 2  # what is behind it is not held up
    assert claim(queue) is None
    queue.store.update({"_id": task["_id"]}, Change(set={"available_at": Now(-1)}))
    assert dependencies.promote(queue.store, "q") == (1, float("inf"))
    assert claims.finish(queue.store, claim(queue), BAD) is Status.WAITING
    task = queue.get("1")
    assert 20 <= (task["available_at"] - task["modified_at"]).total_seconds() <= 25


@pytest.mark.parametrize(
    ("base", "retries", "least", "most"),
    [
        (0, 5, 0, 0),
        (1, 0, 1, 1.25),
        (1, 3, 8, 10),
        (1, 40, 3600, 4500),
        (7200, 2, 7200, 9000),
        (1, 10**6, 3600, 4500),
    ],
)
def test_backoff_doubles_up_to_an_hour_and_is_never_sooner_than_asked(base, retries, least, most):
    delays = {claims.backoff(base, retries) for _ in range(50)}
    assert all(least <= delay <= most for delay in delays)
    assert len(delays) > 1 or not base


def asked_to_stop(queue):
    queue.submit([new({}, max_retries=2)])
    granted = claim(queue)
    queue.cancel({"queue": "q"}, "not needed")
    return granted


def test_a_request_to_stop_reaches_the_holder_with_its_renewal(queue):
    granted = asked_to_stop(queue)
    queue.submit([new({})])
    other = claim(queue)
    renewal = claims.renew(queue.store, [granted, other], 600)
    assert renewal == claims.Renewal(stopping={granted.token: {"reason": "not needed"}})
    assert queue.get("1")["lease"]["expires_at"] - queue.store.now() > timedelta(seconds=500)
    requests = claims.stop_requests(queue.store, [granted, other])
    assert requests == {granted.token: {"reason": "not needed"}}


@pytest.mark.parametrize(
    ("verb", "ending", "became"),
    [
        (claims.cancel, STOPPED, "cancelled"),
        (claims.finish, BAD, "cancelled"),  # no retry
        (claims.release, STOPPED, "cancelled"),  # nor another run
        (claims.finish, OK, "success"),  # it was done before it was told
    ],
)
def test_a_task_that_was_asked_to_stop_does_not_run_again(queue, verb, ending, became):
    granted = asked_to_stop(queue)
    assert verb(queue.store, granted, ending) == became
    task = queue.get("1")
    assert task["status"] == became
    assert "ended_at" in task
    assert "lease" not in task
    assert claim(queue) is None


def test_a_release_costs_nothing(queue):
    queue.submit([new({}, max_retries=1)])
    granted = claim(queue)
    assert claims.release(queue.store, granted, STOPPED) is Status.PENDING
    assert claims.release(queue.store, granted, STOPPED) is None
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
    assert claims.renew(queue.store, held, 600) == claims.Renewal()
    assert queue.get("1")["lease"]["expires_at"] - queue.store.now() > timedelta(seconds=500)
    claims.finish(queue.store, held[1], OK)
    assert claims.renew(queue.store, held, 600).lost == {held[1].token}


def test_a_sweep_gives_back_what_a_lost_worker_held(queue):
    queue.submit([new({}, max_retries=1), new({})])
    lost, kept = claim(queue), claim(queue)
    expire(queue)
    assert claims.renew(queue.store, [kept], 60) == claims.Renewal()
    assert recovery.recover(queue.store, "q") == 1
    assert recovery.recover(queue.store, "q") == 0
    task = queue.get("1")
    assert (task["status"], task["reason"], task["retries"]) == ("pending", "worker w1 was lost", 0)
    assert task["attempts"][0]["reason"] == "worker w1 was lost"
    assert queue.get("2")["status"] == "running"
    assert claims.finish(queue.store, lost, OK) is None  # the fence


def test_the_second_holder_alone_may_finish(queue):
    queue.submit([new({})])
    first = claim(queue)
    expire(queue)
    recovery.recover(queue.store, "q")
    second = claim(queue)
    assert claims.finish(queue.store, first, BAD) is None
    assert claims.release(queue.store, first, STOPPED) is None
    assert claims.finish(queue.store, second, OK) is Status.SUCCESS
    assert queue.get("1")["attempt"] == 2


def test_a_task_that_kills_its_workers_fails_in_the_end(queue):
    queue.submit([new({})])
    for _ in range(recovery.MAX_CRASHES):
        assert claim(queue) is not None
        expire(queue)
        recovery.recover(queue.store, "q")
    task = queue.get("1")
    assert task["status"] == "failed"
    assert task["reason"] == "worker w1 was lost, the 5th worker that this task lost"
    assert len(task["attempts"]) == 5


def test_the_newest_20_attempts_are_kept(queue):
    queue.submit([new({}, max_retries=30)])
    for _ in range(25):
        claims.finish(queue.store, claim(queue), BAD)
    assert [record["attempt"] for record in queue.get("1")["attempts"]] == list(range(6, 26))


def test_a_report_merges_and_is_fenced(queue):
    queue.submit([new({})])
    granted = claim(queue)
    identity = granted.task["_id"]
    queue.report(identity, granted.token, {"acc": 0.9, "by": {"a": 1}})
    queue.report(identity, granted.token, {"by.b": 2, "acc": 0.95})
    assert queue.get("1")["summary"] == {"acc": 0.95, "by": {"a": 1, "b": 2}}
    claims.finish(queue.store, granted, OK)
    refused = r"^the report is refused: this attempt no longer holds the task's lease$"
    with pytest.raises(ConflictError, match=refused):
        queue.report(identity, granted.token, {"acc": 0})
    queue.report(identity, "", {"note": "from outside"})
    assert queue.get("1")["summary"]["acc"] == 0.95


def test_what_does_not_fit_is_noted_and_the_note_goes_with_the_claim(queue):
    queue.submit([new({"lr": 1}), new({"lr": 1, "seed": 2})])
    fits, every = {"args_signature": '["lr"]'}, queue.query(Selection())
    why = "the worker's command takes exactly the args lr"
    for _ in range(2):
        assert queue.pass_over(fits, every, lambda _task: why) == {why: 1}
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
