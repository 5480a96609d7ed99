"""Queues as a whole: their settings, how long their tasks stay, their room, their name."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest
from making import task

from labq.errors import ConflictError, NotFoundError, QuotaExceeded, UsageError
from labq.model.task import new
from labq.queue import Ending, Queue, WorkerName, claims
from labq.queue import settings as queue_settings
from labq.queue.recovery import expire
from labq.queue.retention import retention
from labq.store import Change, Now, open_store

KEPT = {"auto_delete": True}
LONG_AGO = datetime(2026, 1, 1, tzinfo=timezone.utc)


def limited(queue, most):
    queue_settings.create(queue.store, "q", {"max_tasks": most})


def submit(queue, count=1, **fields):
    return queue.submit([{**new({}), **fields} for _ in range(count)])


def run(queue, count=1):
    for _ in range(count):
        claim = claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)
        claims.finish(queue.store, claim, Ending(succeeded=True))


def numbers(queue):
    return [one["number"] for one in queue.find({"queue": "q"})]


# -- retention ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [
        ("7d", 604800),
        ("1h30m", 5400),
        ("12:30:00", 45000),
        ("1.12:30:00", 131400),
        ("10.00:00:01", 864001),
        (timedelta(days=1, seconds=0.5), 86400.5),
        (90, 90),
    ],
)
def test_a_time_to_live_is_a_text_seconds_or_a_timedelta(ttl, seconds):
    assert retention(ttl) == {"ttl": seconds}
    assert retention(ttl, auto_delete=True) == {"ttl": seconds, "auto_delete": True}


def test_without_either_a_task_is_kept_for_ever():
    assert retention(None) is None
    assert retention(None, auto_delete=True) == {"auto_delete": True}


@pytest.mark.parametrize(
    ("ttl", "told"),
    [
        ("1.12:30:00x", "'1.12:30:00x' is not a duration"),
        ("12:60:00", "'12:60:00' is not a duration"),
        ("24:00:00", "'24:00:00' is not a duration"),
        ("0", "'0' is out of range"),
        (0, "'0' is out of range"),
        (timedelta(seconds=-1), "'-1.0' is not a duration"),
        (True, "'True' is not a duration"),
    ],
)
def test_what_is_no_time_to_live(ttl, told):
    with pytest.raises(UsageError, match=told):
        retention(ttl)


# -- settings -------------------------------------------------------------------------------------


def test_a_queue_is_made_with_its_settings_and_changed(queue):
    made = queue_settings.create(queue.store, "q", {"max_tasks": 5, "description": None})
    assert (made["_id"], made["max_tasks"]) == ("q", 5)
    assert "description" not in made
    assert made["created_at"] <= queue.store.now()
    changed = queue_settings.update(
        queue.store, "q", {"max_tasks": None, "description": "two\nlines"}
    )
    assert "max_tasks" not in changed
    assert changed["description"] == "two\nlines"
    assert queue_settings.record_of(queue.store, "q") == changed


def test_the_settings_of_a_queue_that_a_submit_made(queue):
    submit(queue)
    with pytest.raises(ConflictError, match="queue q is there already"):
        queue_settings.create(queue.store, "q", {})
    queue_settings.update(queue.store, "q", {"max_tasks": 3, "defaults.timeout": 60})
    assert submit(queue) == [2]
    assert queue.get("2")["timeout"] == 60


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"max_tasks": 0}, "max_tasks must be a whole number of 1 or more, not '0'"),
        ({"max_tasks": -1}, "max_tasks must be a whole number of 1 or more, not '-1'"),
        ({"max_tasks": True}, "max_tasks must be a whole number of 1 or more, not 'True'"),
        ({"max_tasks": 1.5}, "max_tasks must be a whole number of 1 or more, not '1.5'"),
        ({"description": " "}, "description must be a text that is not empty"),
        ({"defaults.timeout": 0}, "timeout must be seconds above zero"),
        ({"defaults.retention": {"ttl": "x"}}, "'x' is not a duration"),
        ({"defaults.name": "x"}, "a queue has no 'defaults.name'"),
        ({"paused": True}, r"a queue has no 'paused' \(it has description, max_tasks, defaults"),
    ],
)
def test_settings_that_no_queue_has(queue, settings, told):
    queue_settings.create(queue.store, "q", {})
    for verb, name in ((queue_settings.create, "new"), (queue_settings.update, "q")):
        with pytest.raises(UsageError, match=told):
            verb(queue.store, name, settings)
    assert queue_settings.record_of(queue.store, "new") is None


def test_an_update_makes_no_queue(queue):
    with pytest.raises(
        NotFoundError,
        match=r"^there is no store .* yet \(labq task sub|^no queue 'q' yet \(labq task sub",
    ):
        queue_settings.update(queue.store, "q", {"max_tasks": 1})


def test_counts_are_of_one_queue(queue):
    submit(queue, 3)
    run(queue)
    Queue(queue.store, "other").submit([new({})])
    found = queue_settings.counts(queue.store, "q")
    assert {status: count for status, count in found.items() if count} == {
        "pending": 2,
        "success": 1,
    }


# -- room -----------------------------------------------------------------------------------------


def test_the_oldest_ended_tasks_that_may_go_make_room(queue):
    limited(queue, 4)
    submit(queue, 1)
    submit(queue, 3, retention=KEPT)
    run(queue, 4)
    assert submit(queue, 2) == [5, 6]
    assert numbers(queue) == [1, 4, 5, 6]


def test_the_one_that_ended_first_goes_first_whatever_its_number_and_status(queue):
    limited(queue, 3)
    submit(queue, 3, retention=KEPT)
    queue.cancel({"queue": "q", "number": 2})
    run(queue, 2)
    queue.store.update({"queue": "q", "number": 2}, Change(set={"ended_at": LONG_AGO}))
    submit(queue)
    assert numbers(queue) == [1, 3, 4]


def test_of_those_that_ended_at_one_moment_the_lowest_number_goes_first(queue):
    limited(queue, 4)
    submit(queue, 4, retention=KEPT)
    queue.cancel({"queue": "q", "number": {"$in": [4, 3]}})
    run(queue, 2)
    queue.store.update({"queue": "q"}, Change(set={"ended_at": LONG_AGO}))
    submit(queue)
    assert numbers(queue) == [2, 3, 4, 5]
    submit(queue, 2)
    assert numbers(queue) == [4, 5, 6, 7]


def test_of_those_whose_time_ended_at_one_moment_the_lowest_number_is_removed_first(queue):
    submit(queue, 4, retention={"ttl": 1})
    queue.cancel({"queue": "q"})
    queue.store.update({"queue": "q"}, Change(set={"ended_at": LONG_AGO}))
    assert expire(queue.store, "q", limit=2) == 2
    assert numbers(queue) == [3, 4]


def test_where_too_few_may_go_none_goes_and_nothing_is_stored(queue):
    limited(queue, 4)
    submit(queue, 2, retention=KEPT)
    submit(queue, 2)
    run(queue, 1)
    with pytest.raises(QuotaExceeded, match="has 4: 2 more do not fit"):
        submit(queue, 2)
    assert numbers(queue) == [1, 2, 3, 4]


def test_what_is_published_or_has_not_ended_makes_no_room(queue):
    limited(queue, 2)
    submit(queue, 2, retention=KEPT)
    run(queue, 1)
    queue.store.update({"number": 1}, Change(set={"published_at": Now()}))
    with pytest.raises(QuotaExceeded):
        submit(queue)
    assert numbers(queue) == [1, 2]


def test_a_task_that_comes_after_another_does_not_push_it_out(queue):
    limited(queue, 2)
    submit(queue, 2, retention=KEPT)
    run(queue, 2)
    queue.submit([{**new({}), "after": [queue.get("1")["_id"]]}])
    assert numbers(queue) == [1, 3]
    assert queue.get("3")["status"] == "pending"


def test_a_task_whose_end_was_not_told_yet_tells_before_it_goes(queue):
    limited(queue, 2)
    submit(queue, retention=KEPT)
    queue.submit([{**new({}), "after": [queue.get("1")["_id"]]}])
    queue.store.update({"number": 1}, Change(set={"status": "success", "ended_at": Now()}))
    submit(queue)
    assert numbers(queue) == [2, 3]
    assert queue.get("2")["status"] == "pending"


def test_a_queue_without_a_limit_keeps_all(queue):
    submit(queue, 2, retention=KEPT)
    run(queue, 2)
    submit(queue, 5)
    assert len(numbers(queue)) == 7


def test_many_that_submit_at_once_share_a_full_queue(queue, uri):
    """Each task pushes an older one out; never is there one too many, and none is refused."""
    limited(queue, 20)
    submit(queue, 20, retention=KEPT)
    run(queue, 20)
    most, over = [], threading.Event()

    def push(name):
        store = open_store(uri)
        here = Queue(store, "q")
        for _ in range(5):
            here.submit([{**new({}), "name": name}])
        store.close()

    def watch():
        store = open_store(uri)
        while not over.is_set():
            most.append(store.count({"queue": "q"}))
        store.close()

    pushing = [threading.Thread(target=push, args=(f"t{n}",)) for n in range(4)]
    watching = threading.Thread(target=watch)
    for thread in (watching, *pushing):
        thread.start()
    for thread in pushing:
        thread.join()
    over.set()
    watching.join()
    assert max(most) <= 20
    assert queue.count({"queue": "q", "status": "pending"}) == 20
    with pytest.raises(QuotaExceeded):
        submit(queue)


def test_room_for_many_is_asked_for_before_the_first(queue):
    limited(queue, 10)
    submit(queue, 6, retention=KEPT)
    run(queue, 2)
    there = [one["_id"] for one in queue.find({"queue": "q"})]
    queue_settings.require_room(queue.store, "q", map(str, range(6)))
    queue_settings.require_room(queue.store, "q", [*there, *map(str, range(6))])
    with pytest.raises(QuotaExceeded, match="keeps at most 10 tasks and has 6: 7 more do not fit"):
        queue_settings.require_room(queue.store, "q", map(str, range(7)))
    queue_settings.require_room(queue.store, "other", map(str, range(7)))


# -- rename and delete ----------------------------------------------------------------------------


def test_a_renamed_queue_has_its_tasks_and_goes_on(queue):
    submit(queue, 2)
    queue.submit([{**new({}), "after": [queue.get("1")["_id"]]}])
    assert queue_settings.rename(queue.store, "q", "r") == 3
    there = Queue(queue.store, "r")
    claim = claims.claim(queue.store, {"queue": "r"}, WorkerName("w", "h"), 60)
    claims.finish(queue.store, claim, Ending(succeeded=True))
    assert there.get("3")["status"] == "pending"
    assert there.submit([new({})]) == [4]


def test_a_queue_whose_tasks_run_is_not_renamed(queue):
    submit(queue)
    claims.claim(queue.store, {"queue": "q"}, WorkerName("w", "h"), 60)
    with pytest.raises(ConflictError) as caught:
        queue_settings.rename(queue.store, "q", "r")
    assert str(caught.value) == (
        "cannot rename queue q: 1 of its tasks run (labq task cancel --queue q -s running ends them)"
    )


@pytest.mark.parametrize("name", ["", "a b", "-x", "$x", "x" * 121])
def test_a_queue_cannot_be_renamed_to_what_is_no_name(queue, name):
    submit(queue)
    with pytest.raises(UsageError, match="is not a queue name"):
        queue_settings.rename(queue.store, "q", name)


def test_a_deleted_queue_is_gone_with_its_tasks_and_may_come_again(queue):
    submit(queue, 3)
    run(queue)
    assert queue_settings.delete(queue.store, "q") == 3
    assert queue_settings.record_of(queue.store, "q") is None
    with pytest.raises(NotFoundError):
        queue_settings.delete(queue.store, "q")
    assert submit(queue) == [1]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": "running"}, "cannot delete queue q: 1 of its tasks run (--force deletes them"),
        (
            {"status": "success", "published_at": Now()},
            "cannot delete queue q: 1 of its tasks are published (--force deletes them",
        ),
    ],
)
def test_a_queue_with_what_must_not_go_is_deleted_by_force_alone(queue, fields, told):
    queue.store.insert("q", [task(**fields), task()])
    with pytest.raises(ConflictError) as caught:
        queue_settings.delete(queue.store, "q")
    assert str(caught.value).startswith(told)
    assert len(numbers(queue)) == 2
    assert queue_settings.delete(queue.store, "q", force=True) == 2
    assert numbers(queue) == []
