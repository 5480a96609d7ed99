"""What is done to many passes over none of them, whatever others change at that moment.

mongod reads along an index, and misses a task that somebody moves in it. So these go by one in
which no task moves, whatever index mongod would take.
"""

from __future__ import annotations

import uuid

import pytest
import servers

from labq.model.task import new
from labq.queue import Queue, Selection, settings
from labq.queue.edits import edit, parse_edit
from labq.store import Change, open_store

STEADY = {"IXSCAN { queue: 1, number: 1 }", "IXSCAN { _id: 1 }", "IDHACK", "EOF"}
TEXT = parse_edit("args.seed=1")


@pytest.fixture
def queue(lone_mongod):
    name = f"test_{uuid.uuid4().hex[:12]}"
    store = open_store(servers.with_database(lone_mongod, name))
    yield Queue(store, "q")
    store._client.drop_database(name)
    store.close()


def ended(queue):
    queue.store.update({"queue": "q"}, Change(set={"status": "failed"}))


def draft(queue):
    queue.store.update({"queue": "q"}, Change(set={"status": "draft"}))


@pytest.mark.parametrize(
    ("before", "do"),
    [
        (None, lambda queue, query: edit(queue.store, query, [TEXT]).changed),
        (None, lambda queue, query: queue.cancel(query, "why").ended),
        (None, lambda queue, query: queue.dequeue(query)),
        (draft, lambda queue, query: queue.enqueue(query)),
        (ended, lambda queue, query: queue.requeue(query)),
        (ended, lambda queue, query: queue.reset(query)),
        (ended, lambda queue, query: queue.publish(query, force=True)),
        (None, lambda queue, query: queue.tag(query, ["a"], [])),
        (None, lambda queue, query: queue.delete(query)),
        (None, lambda queue, query: len(list(queue.find(query, steady=True)))),
        (None, lambda queue, query: queue.store.count(query, steady=True)),
    ],
)
def test_it_goes_by_an_index_in_which_no_task_moves(queue, before, do):
    queue.submit([new({"x": x}) for x in range(30)])
    if before:
        before(queue)
    database = queue.store._tasks.database
    database.command("profile", 2)
    count = do(queue, queue.query(Selection(filters=["args.x >= 10"])))
    database.command("profile", 0)
    assert count == 20
    by = {"ns": f"{database.name}.tasks", "planSummary": {"$exists": True}}
    asked = [
        (one["planSummary"], one["command"])
        for one in database["system.profile"].find(by)
        if "$elemMatch" not in str(one["command"]) and "waiting_for" not in str(one["command"])
    ]
    assert asked
    assert [one for one in asked if one[0] not in STEADY] == []


def test_a_rename_does_too_though_mongod_has_had_a_better_plan(queue):
    queue.submit([new({}) for _ in range(300)])
    tasks, idle = queue.store._tasks, {"queue": "q", "status": {"$ne": "running"}}
    tasks.update_many({"number": {"$lte": 200}}, {"$set": {"status": "running"}})
    for _ in range(3):  # until it keeps the plan
        tasks.update_many(idle, {"$set": {"comment": "x"}})
    tasks.update_many({}, {"$set": {"status": "pending"}})
    tasks.database.command("profile", 2)
    assert settings.rename(queue.store, "q", "r") == 300
    tasks.database.command("profile", 0)
    by = {"ns": f"{tasks.database.name}.tasks", "op": "update"}
    (one,) = tasks.database["system.profile"].find(by)
    assert one["planSummary"] in STEADY


def test_a_database_without_indexes_is_read_as_it_is(queue):
    queue.submit([new({"x": x}) for x in range(3)])
    queue.store._tasks.drop_indexes()
    query = queue.query(Selection(filters=["args.x >= 1"]))
    assert [task["number"] for task in queue.find(query, steady=True)] == [2, 3]
    assert queue.store.count(query, steady=True) == 2
    assert queue.cancel(query, "why").ended == 2
    assert queue.delete(query) == 2
