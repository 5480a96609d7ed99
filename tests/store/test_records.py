"""The small tables beside the tasks: what every store does with the records of workers and queues."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from making import task

from labq.errors import ConflictError
from labq.store import Change, Now, open_store


@pytest.fixture(params=["workers", "queues"])
def records(request, store):
    return getattr(store, request.param)


def test_a_put_makes_the_record_and_changes_it_later(records):
    assert records.put("a", Change(set={"host": "h", "slots": 2})) == {
        "_id": "a",
        "host": "h",
        "slots": 2,
    }
    assert records.put("a", Change(set={"slots": 3})) == {"_id": "a", "host": "h", "slots": 3}
    assert list(records.find()) == [{"_id": "a", "host": "h", "slots": 3}]


def test_a_put_of_nothing_makes_an_empty_record_and_leaves_one_as_it_is(records):
    assert records.put("a", Change()) == {"_id": "a"}
    records.put("a", Change(set={"x": 1}))
    assert records.put("a", Change()) == {"_id": "a", "x": 1}


def test_what_was_never_there_is_unset_from_a_new_record(records):
    assert records.put("a", Change(unset=("paused", "deep.down"))) == {"_id": "a"}


OLD = {"a": {"b": 1, "c": [1, 2]}, "n": 5}
CHANGES = {
    "a value": (Change(set={"n": [None, True, 0.5, "ä"]}), {**OLD, "n": [None, True, 0.5, "ä"]}),
    "a dict, whole": (Change(set={"a": {}}), {**OLD, "a": {}}),
    "a value within": (Change(set={"a.b": 2, "x.y.z": 3}), {"a": {**OLD["a"], "b": 2}, "n": 5}
                       | {"x": {"y": {"z": 3}}}),
    "the item of a list": (Change(set={"a.c.1": 7}), {"a": {"b": 1, "c": [1, 7]}, "n": 5}),
    "sums": (Change(inc={"n": 2, "a.b": -1, "m": 1, "d.e": 4}),
             {"a": {"b": 0, "c": [1, 2]}, "n": 7, "m": 1, "d": {"e": 4}}),
    "lists": (Change(push={"a.c": {"k": 3}, "l": "x"}, keep=2),
              {"a": {"b": 1, "c": [2, {"k": 3}]}, "n": 5, "l": ["x"]}),
    "fields away": (Change(unset=("a.b", "n", "no", "x.y")), {"a": {"c": [1, 2]}}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_reaches_any_path(records, name):
    change, expected = CHANGES[name]
    records.put("it", Change(set=OLD))
    assert records.put("it", change) == {"_id": "it", **expected}
    assert list(records.find()) == [{"_id": "it", **expected}]


@pytest.mark.parametrize("name", CHANGES)
def test_an_update_changes_as_a_put_does(records, name):
    change, expected = CHANGES[name]
    records.put("it", Change(set=OLD))
    assert records.update({"n": 5}, change) == 1
    assert list(records.find()) == [{"_id": "it", **expected}]


def test_now_is_the_stores_time_at_any_depth(store, records):
    before = store.now()
    change = Change(
        set={"at": Now(), "lease": {"token": "$t", "until": Now(60)}}, push={"log": {"at": Now()}}
    )
    record = records.put("a", change)
    after = store.now()
    assert before <= record["at"] <= after
    assert before <= record["log"][0]["at"] <= after
    assert record["lease"] == {"token": "$t", "until": record["at"] + timedelta(seconds=60)}
    assert list(records.find({"lease.until": {"$gt": after}})) == [record]
    assert not list(records.find({"lease.until": {"$lt": after}}))


def test_dates_come_back(records):
    date = datetime(2026, 11, 21, 8, 0, 0, 123000, tzinfo=timezone.utc)
    assert records.put("a", Change(set={"x": [{"at": date}]}))["x"] == [{"at": date}]
    assert next(records.find())["x"] == [{"at": date}]


def test_a_path_through_a_value_is_refused_and_nothing_changes(records):
    records.put("a", Change(set={"x": 1}))
    with pytest.raises(ConflictError, match="something on the way to it is not a dict"):
        records.put("a", Change(set={"y": 2, "x.z": 2}))
    assert list(records.find()) == [{"_id": "a", "x": 1}]


QUERIES = [
    ({}, ["B", "a", "ab", "b"]),
    ({"_id": "a"}, ["a"]),
    ({"_id": "a", "n": 2}, []),
    ({"_id": {"$in": ["b", "a", "no"]}}, ["a", "b"]),
    ({"n": {"$gte": 2}}, ["ab", "b"]),
    ({"n": {"$exists": False}}, ["B"]),
    ({"tags": "x"}, ["a", "b"]),
    ({"$or": [{"n": 1}, {"deep.k": {"$gt": 1}}]}, ["a", "ab"]),
    ({"n": {"$ne": 1}}, ["B", "ab", "b"]),
]


@pytest.fixture
def four(records):
    records.put("b", Change(set={"n": 3, "tags": ["x", "y"]}))
    records.put("a", Change(set={"n": 1, "tags": "x"}))
    records.put("ab", Change(set={"n": 2, "deep": {"k": 2}}))
    records.put("B", Change())
    return records


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=str)
def test_find_gives_what_matches_by_identity_as_mongodb_would(four, query, expected):
    assert [record["_id"] for record in four.find(query)] == expected


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=str)
def test_update_changes_what_matches_and_says_how_many(four, query, expected):
    assert four.update(query, Change(set={"mark": 1})) == len(expected)
    assert [record["_id"] for record in four.find({"mark": 1})] == expected


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=str)
def test_delete_removes_what_matches_and_says_how_many(four, query, expected):
    assert four.delete(query) == len(expected)
    left = {"B", "a", "ab", "b"} - set(expected)
    assert [record["_id"] for record in four.find()] == sorted(left)


@pytest.mark.parametrize("table", ["workers", "queues"])
def test_every_put_counts_when_many_put_at_once(uri, table):
    stores = [open_store(uri) for _ in range(4)]

    def put_often(store):
        for _ in range(25):
            getattr(store, table).put("a", Change(inc={"n": 1}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put_often, stores))
    assert list(getattr(stores[0], table).find()) == [{"_id": "a", "n": 100}]
    for store in stores:
        store.close()


def test_a_queue_is_there_from_its_first_task_or_its_first_record(store):
    store.insert("b", [task()])
    store.queues.put("a", Change(set={"paused": True}))
    assert list(store.queues.find()) == [{"_id": "a", "paused": True}, {"_id": "b"}]


def test_a_queues_record_and_its_numbers_leave_each_other_alone(store):
    store.queues.put("q", Change(set={"paused": True}))
    assert store.insert("q", [task(), task()]) == [1, 2]
    assert list(store.queues.find()) == [{"_id": "q", "paused": True}]
    assert store.queues.put("q", Change(unset=("paused",))) == {"_id": "q"}
    assert store.insert("q", [task()]) == [3]


def test_workers_and_queues_of_one_name_are_two_records(store):
    store.queues.put("a", Change(set={"x": 1}))
    store.workers.put("a", Change(set={"x": 2}))
    assert store.workers.delete({}) == 1
    assert list(store.queues.find()) == [{"_id": "a", "x": 1}]
