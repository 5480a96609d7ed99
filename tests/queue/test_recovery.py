"""The sweep: start times, retention, dead workers, and requests that nobody was there to hear."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from math import inf

import pytest

from labq.model.task import new
from labq.queue import Ending, Queue, WorkerName, claims, dependencies, recovery, workers
from labq.store import Change, Now, open_store

W = WorkerName("w", "h")
SOON = timedelta(seconds=1)


def claim(queue):
    return claims.claim(queue.store, {"queue": "q"}, W, 60)


def let_leases_run_out(queue):
    queue.store.update({"status": "running"}, Change(set={"lease.expires_at": Now(-1)}))


def test_a_task_waits_for_its_time(queue):
    soon, later = (queue.store.now() + timedelta(seconds=s) for s in (100, 1000))
    queue.submit([{**new({}), "available_at": later}, {**new({}), "available_at": soon}])
    count, due = dependencies.promote(queue.store, "q")
    assert count == 0
    assert 95 < due <= 100
    assert claim(queue) is None
    queue.store.update({"number": 2}, Change(set={"available_at": Now(-1)}))
    count, due = dependencies.promote(queue.store, "q")
    assert count == 1
    assert 990 < due <= 1000
    assert claim(queue).task["number"] == 2


def test_a_retry_waits_no_longer_than_its_delay_after_the_clock_was_set_back(queue):
    ahead = queue.store.now() + timedelta(hours=1)
    times = {"modified_at": ahead, "available_at": ahead + timedelta(seconds=100)}
    queue.submit([new({}), new({})])
    queue.store.update({}, Change(set={"status": "waiting", **times}))
    queue.store.update({"number": 2}, Change(set={"retries": 1}))
    assert dependencies.promote(queue.store, "q") == (0, 0.0)  # looks again at once
    count, due = dependencies.promote(queue.store, "q")
    assert (count, 95 < due <= 100) == (0, True)
    first, second = queue.store.find({}, sort=[("number", 1)])
    assert first["available_at"] - first["modified_at"] == timedelta(seconds=100)
    assert first["modified_at"] == times["modified_at"]  # a time of the calendar stays
    assert second["modified_at"] < times["modified_at"]
    assert abs(second["available_at"] - second["modified_at"] - timedelta(seconds=100)) < SOON


def test_a_time_that_is_past_is_now(queue):
    queue.submit([{**new({}), "available_at": queue.store.now() - timedelta(days=1)}])
    assert claim(queue) is not None


def test_a_pass_takes_at_most_its_limit(queue):
    past = queue.store.now() - timedelta(days=1)
    queue.submit([new({}) for _ in range(5)])
    for _ in range(5):
        claim(queue)
    let_leases_run_out(queue)
    assert [recovery.recover(queue.store, "q", 2) for _ in range(4)] == [2, 2, 1, 0]
    queue.store.update({}, Change(set={"status": "waiting", "available_at": past}))
    assert [dependencies.promote(queue.store, "q", 2) for _ in range(4)] == [
        (2, 0.0),
        (2, 0.0),
        (1, inf),
        (0, inf),
    ]


@pytest.mark.parametrize(("ttl", "left"), [(3600, 1), (0.5, 0)])
def test_an_ended_task_is_removed_when_its_retention_is_over(queue, ttl, left):
    queue.submit([{**new({}), "retention": {"ttl": ttl}}])
    claims.finish(queue.store, claim(queue), Ending(succeeded=True))
    queue.store.update({}, Change(set={"ended_at": Now(-1)}))
    assert queue.sweep().expired == 1 - left
    assert queue.count({"queue": "q"}) == left


def test_what_has_not_ended_or_is_published_outlives_its_retention(queue):
    queue.submit([{**new({}), "retention": {"ttl": 0.001}} for _ in range(2)])
    claims.finish(queue.store, claim(queue), Ending(succeeded=True))
    queue.store.update({"number": 1}, Change(set={"ended_at": Now(-9), "published_at": Now()}))
    assert queue.sweep().expired == 0


def test_a_lost_worker_whose_task_was_asked_to_stop_leaves_it_cancelled(queue):
    queue.submit([new({})])
    claim(queue)
    queue.cancel({"queue": "q"}, "not needed")
    let_leases_run_out(queue)
    assert queue.sweep().recovered == 1
    task = queue.get("1")
    assert (task["status"], task["reason"]) == ("cancelled", "not needed; worker w was lost")


def test_a_cancel_ends_the_tasks_of_dead_workers_itself(queue):
    queue.submit([new({})])
    claim(queue)
    let_leases_run_out(queue)
    assert queue.cancel({"queue": "q"}) == (0, 1) or queue.get("1")["status"] == "cancelled"
    assert queue.get("1")["status"] == "cancelled"


def test_ten_sweeps_at_once_give_each_task_back_once(queue, uri):
    queue.submit([new({}) for _ in range(60)])
    for _ in range(60):
        claim(queue)
    let_leases_run_out(queue)

    def one(_):
        store = open_store(uri)
        try:
            return Queue(store, "q").sweep().recovered
        finally:
            store.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(one, range(10))) == 60
    tasks = list(queue.find({"queue": "q"}))
    assert {(task["status"], task["crashes"], len(task["attempts"])) for task in tasks} == {
        ("pending", 1, 1)
    }


def test_the_records_of_dead_workers_go(queue):
    workers.beat(queue.store, {"_id": "alive", "queue": "q", "started_at": Now()}, 60)
    workers.beat(queue.store, {"_id": "dead", "queue": "q", "started_at": Now()}, -1)
    assert queue.sweep().workers == 1
    assert [card["_id"] for card in workers.listed(queue.store)] == ["alive"]


def test_others_may_write_while_what_is_over_is_removed(queue, monkeypatch):
    queue.submit([new({}, retention={"ttl": 1}) for _ in range(5)])
    queue.store.update({}, Change(set={"status": "success", "ended_at": Now(-5)}))
    whole = recovery.remove

    def remove(*given):
        with ThreadPoolExecutor() as other:  # as the slots of a worker do
            other.submit(queue.submit, [new({})]).result()
        return whole(*given)

    monkeypatch.setattr(recovery, "remove", remove)
    assert recovery.expire(queue.store, "q", 3) == 3


def test_who_waits_for_a_success_learns_of_it_before_that_is_removed(queue):
    first = new({}, retention={"ttl": 1})
    queue.submit([first])
    queue.submit([{**new({}), "after": [first["_id"]]}])
    queue.store.update({"number": 1}, Change(set={"status": "success", "ended_at": Now(-5)}))
    assert recovery.expire(queue.store, "q") == 1
    assert [task["status"] for task in queue.find({})] == ["pending"]


def test_what_was_put_off_after_it_was_found_due_waits_on(queue, monkeypatch):
    queue.submit([{**new({}), "available_at": queue.store.now() + timedelta(hours=1)}])
    queue.store.update({}, Change(set={"available_at": Now(-1)}))
    whole = queue.store.now

    def now():
        monkeypatch.setattr(queue.store, "now", whole)
        queue.store.update({}, Change(set={"available_at": Now(100)}))
        return whole()

    monkeypatch.setattr(queue.store, "now", now)
    assert dependencies.promote(queue.store, "q")[0] == 0


def test_a_malformed_one_that_was_put_off_by_another_clock_holds_nobody_up(queue):
    ahead = queue.store.now() + timedelta(hours=1)
    times = {"modified_at": ahead, "available_at": ahead + timedelta(seconds=100)}
    queue.submit([new({})])
    odd = {"status": "waiting", "retries": 1, "rev": "x", **times}
    queue.store.update({}, Change(set=odd))
    assert dependencies.promote(queue.store, "q")[0] == 0
