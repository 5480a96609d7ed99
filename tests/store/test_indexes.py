"""What a worker asks for again and again is served by an index, in both stores."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import servers
from making import task

from labq.store import open_store
from labq.store.sqlite import store as sqlite

ENDED = {"$in": ["success", "failed", "cancelled"]}
NO_ONE = {"$exists": False}
OVER = object()  # where a lease is over
# what asks -> its query, its order, and the index of each store
QUESTIONS = {
    "a claim": (
        {"status": "pending"},
        sqlite.CLAIM_ORDER,
        ("tasks_claim", "claim"),
    ),
    "a claim of some args": (
        {"status": "pending", "args_signature": '["x"]'},
        sqlite.CLAIM_ORDER,
        ("tasks_fit", "fit"),
    ),
    "promote, by time": (
        {"status": "waiting", "waiting_for": NO_ONE},
        [("available_at", 1)],
        ("tasks_due", "waiting"),
    ),
    "promote, what is due": (
        {"status": "waiting", "waiting_for": NO_ONE, "available_at": {"$lte": ...}},
        (),
        ("tasks_due", "waiting"),
    ),
    "a dependency's end": (
        {"status": "waiting", "waiting_for": {"$in": ["1", "2"]}},
        (),
        ("tasks_blocked", "waiting"),
    ),
    "the sweep for expired leases": (
        {"status": "running", "lease.expires_at": OVER},
        (),
        ("tasks_claim", "claim"),
    ),
    "the removal of what is kept for a time": (
        {"status": ENDED, "retention.ttl": {"$exists": True}, "published_at": NO_ONE},
        (),
        ("tasks_expiring", "expiring"),
    ),
    "what may be removed to make room": (
        {"status": "success", "retention.auto_delete": True, "published_at": NO_ONE},
        [("ended_at", 1)],
        ("tasks_expiring", "evictable"),
    ),
    "the members of a group": (
        {"group": "g"},
        [("index", 1)],
        ("tasks_group", "group"),
    ),
    "a task by its short name": (
        {"short": {"$in": ["s3"]}},
        (),
        ("tasks_short", "short"),
    ),
    "tasks by their short names": (
        {"short": {"$in": ["s3", "s5"]}},
        (),
        ("tasks_short", "short"),
    ),
}


def filled(store):
    """The store with so many tasks of each kind that a scan would not pay."""
    now = store.now()
    lease = {"token": "t", "expires_at": now + timedelta(hours=1)}
    kinds = [
        *({"args": {"y": 1}} for _ in range(300)),
        *({"args_signature": '["x"]'} for _ in range(3)),
        *({"status": "waiting", "waiting_for": [str(n)]} for n in range(300)),
        *({"status": "waiting", "available_at": now + timedelta(hours=n)} for n in range(300)),
        *({"status": "running", "lease": lease} for _ in range(5)),
        *({"status": "success", "ended_at": now} for _ in range(300)),
        *({"status": "failed", "ended_at": now, "retention": {"ttl": 5}} for _ in range(5)),
        *(
            {"status": "success", "ended_at": now, "retention": {"auto_delete": True}}
            for _ in range(5)
        ),
        *({"group": "g", "index": at} for at in range(5)),
        *({"short": f"s{at}"} for at in range(300)),
    ]
    store.insert("q", [task(**fields) for fields in kinds])
    return store


@pytest.fixture(scope="module")
def mongodb(lone_mongod):
    name = f"test_{uuid.uuid4().hex[:12]}"
    store = filled(open_store(servers.with_database(lone_mongod, name)))
    yield store
    store._client.drop_database(name)
    store.close()


@pytest.fixture(scope="module", params=["a new file", "a file of schema 1"])
def file(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("indexes") / "labq.db"
    if request.param != "a new file":
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.executescript((Path(__file__).parent / "sqlite" / "schema_1.sql").read_text())
            db.execute("PRAGMA user_version = 1")
    store = filled(open_store(f"sqlite:{path}"))
    yield store
    store.close()


def question(store, name):
    """Query and order of what is asked; `...` in a query is now."""
    asked, order, _ = QUESTIONS[name]
    now = store.now()
    over = {} if OVER not in asked.values() else store.over("lease.expires_at")
    query = over | {
        field: {op: now if bound is ... else bound for op, bound in held.items()}
        if isinstance(held, dict)
        else held
        for field, held in asked.items()
        if held is not OVER
    }
    return {"queue": "q", **query}, list(order)


def plan(store, query, order):
    """SQLite's plan, a line a step."""
    compiled = store._query(query)
    select = compiled.select(("_id",), sqlite._order(order))
    lines = store._file.db.execute(f"EXPLAIN QUERY PLAN {select.sql}", compiled.params(query))
    return [line[3] for line in lines]


@pytest.mark.parametrize("name", QUESTIONS)
def test_sqlite_serves_it_by_an_index_and_in_its_order(file, name):
    (first, *rest) = plan(file, *question(file, name))
    assert first.startswith("SEARCH tasks USING ")
    assert f"INDEX {QUESTIONS[name][2][0]} (queue=?" in first
    assert not [line for line in rest if "B-TREE" in line]


@pytest.mark.parametrize("name", QUESTIONS)
def test_mongodb_serves_it_by_an_index_and_in_its_order(mongodb, name):
    query, order = question(mongodb, name)
    cursor = mongodb._tasks.find(query)
    explained = (cursor.sort(order) if order else cursor).explain()
    stages = str(explained["queryPlanner"]["winningPlan"])
    assert f"'indexName': '{QUESTIONS[name][2][1]}'" in stages
    assert "'stage': 'SORT'" not in stages
    found = explained["executionStats"]
    assert found["totalDocsExamined"] <= max(10, found["nReturned"])


def test_one_task_is_found_by_its_identity_and_not_sorted(file):
    fence = {"_id": "x", "status": "running", "lease.token": "t"}
    first, *_ = plan(file, fence, ())
    assert first == "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (_id=?)"


IDS = {
    "$and": [{"queue": "q", "status": "success"}, {"_id": {"$in": [str(n) for n in range(250)]}}]
}


def test_tasks_of_given_ids_are_found_by_these_in_sqlite(file):
    first, *_ = plan(file, IDS, ())
    assert first == "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (_id=?)"
