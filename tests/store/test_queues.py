"""What a queue's record says of its tasks, in every store: its limit, its defaults, its name; and the runs of a group."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from making import task

from labq.errors import ConflictError, NotFoundError, QuotaExceeded
from labq.store import Change, Now, Run, open_store
from labq.store.sqlite.store import SQLiteStore

ALL = {"queue": "q"}
END = Change(set={"status": "success", "ended_at": Now()})


def limited(store, most):
    store.queues.put("q", Change(set={"max_tasks": most}))


# -- the limit ------------------------------------------------------------------------------------


def test_a_queue_takes_as_many_tasks_as_it_may_and_not_one_more(store):
    limited(store, 3)
    assert store.insert("q", [task(), task()]) == [1, 2]
    with pytest.raises(QuotaExceeded) as caught:
        store.insert("q", [task(), task(), task()])
    assert caught.value.over == 2
    assert str(caught.value) == (
        "queue q keeps at most 3 tasks and has 2: 3 more do not fit "
        "(labq task delete makes room, labq queue update q --max-tasks N moves the limit)"
    )
    assert store.count(ALL) == 2
    assert store.insert("q", [task()]) == [3]
    with pytest.raises(QuotaExceeded, match="has 3: 1 more does not fit"):
        store.insert("q", [task()])


def test_room_comes_back_with_what_is_deleted(store):
    limited(store, 2)
    store.insert("q", [task(), task()])
    store.delete({**ALL, "number": 1})
    assert len(store.insert("q", [task()])) == 1
    assert store.count(ALL) == 2


def test_a_repeated_insert_needs_no_room(store):
    limited(store, 2)
    both = [task(), task()]
    assert store.insert("q", both) == [1, 2]
    assert store.insert("q", both) == [1, 2]
    with pytest.raises(QuotaExceeded, match="1 more does not fit"):
        store.insert("q", [*both, task()])


def test_other_queues_have_room_of_their_own(store):
    limited(store, 1)
    store.insert("q", [task()])
    assert store.insert("other", [task(), task()]) == [1, 2]


def test_a_limit_of_none_at_all_takes_nothing(store):
    limited(store, 0)
    with pytest.raises(QuotaExceeded):
        store.insert("q", [task()])


def test_a_limit_below_what_is_there_removes_nothing(store):
    store.insert("q", [task() for _ in range(3)])
    limited(store, 1)
    with pytest.raises(QuotaExceeded, match="has 3"):
        store.insert("q", [task()])
    store.queues.put("q", Change(unset=("max_tasks",)))
    assert len(store.insert("q", [task()])) == 1
    assert store.count(ALL) == 4


def test_many_that_submit_at_once_never_pass_the_limit(uri):
    stores = [open_store(uri) for _ in range(6)]
    limited(stores[0], 100)

    def refused(store, size):
        try:
            store.insert("q", [task() for _ in range(size)])
        except QuotaExceeded:
            return True
        return False

    def fill(store):
        return sum([refused(store, size) for size in (1, 7, 3, 5, 2) * 6])

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(fill, stores))
    assert stores[0].count(ALL) == 100
    numbers = [found["number"] for found in stores[0].find(ALL)]
    assert len(set(numbers)) == 100
    for store in stores:
        store.close()


def test_what_is_about_to_be_stored_counts_until_it_is_given_up(store):
    """MongoDB reserves places, so that a submit that died leaves one, for a time."""
    if isinstance(store, SQLiteStore):
        return
    limited(store, 2)
    counters = store._counters
    taken = counters.take("q", [task()["_id"]])
    assert store.insert("q", [task()]) == [2]
    with pytest.raises(QuotaExceeded, match="has 2"):
        store.insert("q", [task()])
    over = store.now() - timedelta(seconds=1)
    queues = store._tasks.database["queues"]
    queues.update_one({"reserved.token": taken.place}, {"$set": {"reserved.$.until": over}})
    assert store.insert("q", [task()]) == [3]
    assert queues.find_one({"_id": "q"})["reserved"] == []


# -- defaults -------------------------------------------------------------------------------------


def test_a_task_that_does_not_say_has_the_queues_defaults(store):
    defaults = {"timeout": 60, "retention": {"ttl": 5, "auto_delete": True}}
    store.queues.put("q", Change(set={"defaults": defaults}))
    store.insert("q", [task(timeout=1.5), task(retention={"ttl": 9}), task()])
    found = list(store.find(ALL, sort=[("number", 1)]))
    assert [one["timeout"] for one in found] == [1.5, 60, 60]
    ttl = {"ttl": 5, "auto_delete": True}
    assert [one["retention"] for one in found] == [ttl, {"ttl": 9}, ttl]


# -- rename ---------------------------------------------------------------------------------------


def test_a_renamed_queue_keeps_its_tasks_its_numbers_and_its_record(store):
    limited(store, 9)
    store.insert("q", [task({"a": 1}), task(status="success"), task()])
    store.insert("other", [task()])
    store.delete({**ALL, "number": 3})
    assert store.rename("q", "r") == 2
    assert [one["number"] for one in store.find({"queue": "r"}, sort=[("number", 1)])] == [1, 2]
    record = {"_id": "r", "max_tasks": 9, "keyed_as": "q"}
    assert list(store.queues.find()) == [{"_id": "other"}, record]
    assert store.insert("r", [task()]) == [4]
    assert store.insert("q", [task()]) == [1]
    assert store.count({"queue": "other"}) == 1


REFUSED = [
    ("no", "new", NotFoundError, r"no queue 'no' \(labq queue ls shows what is there\)"),
    ("q", "other", ConflictError, "cannot rename queue q: other is there already"),
    ("q", "empty", ConflictError, "cannot rename queue q: empty is there already"),
    ("q", "q", ConflictError, "cannot rename queue q: q is there already"),
    ("busy", "new", ConflictError, "cannot rename queue busy: 1 of its tasks run"),
]


@pytest.mark.parametrize(("queue", "new", "kind", "told"), REFUSED)
def test_a_rename_that_cannot_be_changes_nothing(store, queue, new, kind, told):
    store.insert("q", [task()])
    store.insert("other", [task()])
    store.insert("busy", [task(status="running"), task()])
    store.queues.put("empty", Change())
    with pytest.raises(kind, match=told):
        store.rename(queue, new)
    assert [record["_id"] for record in store.queues.find()] == ["busy", "empty", "other", "q"]
    assert store.insert("busy", [task()]) == [3]
    assert store.count({"queue": "q"}) == 1


class KilledError(Exception):
    pass


def killed(*_args, **_options):
    raise KilledError


@pytest.mark.parametrize("step", ["update_many", "delete_one"])
def test_a_rename_that_was_killed_goes_on_and_takes_no_task_meanwhile(store, monkeypatch, step):
    """In an SQLite file it is one transaction; MongoDB moves the tasks one by one."""
    if isinstance(store, SQLiteStore):
        return
    store.insert("q", [task(), task()])
    place = store._counters._tasks if step == "update_many" else store._counters._queues
    original = getattr(type(place), step)
    monkeypatch.setattr(type(place), step, killed)
    with pytest.raises(KilledError):
        store.rename("q", "r")
    monkeypatch.setattr(type(place), step, original)
    with pytest.raises(ConflictError, match="queue q is being renamed to r: submit there, once it"):
        store.insert("q", [task()])
    with pytest.raises(ConflictError, match="cannot rename queue q: it is being renamed to r"):
        store.rename("q", "s")
    assert store.insert("r", [task()]) == [3]
    assert store.rename("q", "r") == (2 if step == "update_many" else 0)
    assert store.count({"queue": "r"}) == 3
    assert [record["_id"] for record in store.queues.find()] == ["r"]
    with pytest.raises(NotFoundError):
        store.rename("q", "r")


def test_a_task_that_was_submitted_while_its_queue_was_renamed_is_moved_by_a_second_call(store):
    if isinstance(store, SQLiteStore):
        return
    store.insert("q", [task()])
    late = store._counters.take("q", [task()["_id"]])
    store.rename("q", "r")
    store._tasks.insert_one({"_id": "late", "queue": "q", "number": late.first})
    assert store.rename("q", "r") == 1
    assert [one["number"] for one in store.find({"queue": "r"}, sort=[("number", 1)])] == [1, 2]


def test_a_queue_whose_record_is_gone_goes_on_behind_the_tasks_that_it_has(store):
    store.insert("q", [task(), task(), task()])
    store.delete({**ALL, "number": 1})
    store.queues.delete({"_id": "q"})
    first = store.insert("q", [task(), task()])
    assert sorted(first) == first
    assert store.count(ALL) == 4
    assert len({one["number"] for one in store.find(ALL)}) == 4


# -- runs -----------------------------------------------------------------------------------------


def runs(store, *members):
    """The runs of a group with these members, as (status, first, last, count)."""
    store.insert("q", [task(group="g", **member) for member in members])
    return [(run.status, run.first, run.last, run.count) for run in store.runs("q", "g")]


def test_runs_are_of_one_status_and_without_a_gap(store):
    statuses = {0: "success", 1: "success", 2: "failed", 3: "success", 7: "success", 8: "pending"}
    members = [{"status": status, "index": at} for at, status in reversed(statuses.items())]
    store.insert("q", [task(group="other", index=4), task(index=2)])
    store.insert("r", [task(group="g", index=5)])
    assert runs(store, *members) == [
        ("failed", 2, 2, 1),
        ("pending", 8, 8, 1),
        ("success", 0, 1, 2),
        ("success", 3, 3, 1),
        ("success", 7, 7, 1),
    ]


def test_members_may_share_an_index_or_have_none(store):
    members = [{"index": 1}, {"index": 1}, {"index": 2}, {}, {}, {"index": 4}]
    assert runs(store, *members) == [
        ("pending", None, None, 2),
        ("pending", 1, 2, 3),
        ("pending", 4, 4, 1),
    ]


def test_a_run_adds_up_progress_and_cores_and_knows_its_times(store):
    now = store.now()
    ago = {hours: now - timedelta(hours=hours) for hours in range(5)}
    running = [
        {"progress": 12.5, "resources": {"cpus": 2}, "created_at": ago[4], "started_at": ago[2]},
        {"progress": 50, "resources": {"memory": 5}, "created_at": ago[3], "started_at": ago[3]},
        {"resources": {"cpus": 0.5}, "created_at": ago[3], "ended_at": ago[1]},
        {"created_at": ago[3], "ended_at": ago[0]},
    ]
    store.insert("q", [task(group="g", index=at, **one) for at, one in enumerate(running)])
    assert store.runs("q", "g") == [
        Run("pending", 0, 3, 4, 62.5, 4.5, ago[4], ago[3], ago[0]),
    ]


def test_a_group_that_is_not_there_has_no_runs(store):
    assert store.runs("q", "g") == []
