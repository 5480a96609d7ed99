"""Files of an older labq: they open, and keep what they hold."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest
from making import task

from labq.errors import ConflictError, StoreError
from labq.store import Change, Now, open_store
from labq.store.sqlite import schema as sqlite_schema
from labq.store.sqlite.codec import encode, quoted

SCHEMAS = {
    version: Path(__file__).with_name(f"schema_{version}.sql").read_text()
    for version in (1, 2, 3, 4, 5)
}
COUNTED = {"args": {}, "priority": 0, "attempt": 0, "rev": 0}
UNTIL = datetime(2026, 11, 21, 8, tzinfo=timezone.utc)
TASKS = [
    COUNTED
    | {"_id": "a" * 32, "queue": "q", "number": 1, "status": "pending", "args": {"lr": 0.1, "n": 5}}
    | {"args_signature": '["lr","n"]', "priority": 3, "tags": ["x"], "timeout": 5.0},
    COUNTED
    | {"_id": "b" * 32, "queue": "q", "number": 2, "status": "running", "attempt": 2}
    | {"lease": {"token": "t", "worker": "w", "expires_at": UNTIL}, "attempts": [{"attempt": 1}]},
    COUNTED
    | {
        "_id": "c" * 32,
        "queue": "q",
        "number": 4,
        "status": "failed",
        "args": {"ä": None},
        "rev": 7,
    },
    COUNTED
    | {"_id": "d" * 32, "queue": "r", "number": 1, "status": "success", "summary": {"loss": 1e-05}},
]
COUNTERS = {"q": 5, "r": 2, "empty": 9}  # of a queue: its next number
PENDING = {"queue": "q", "status": "pending"}


@pytest.fixture(params=SCHEMAS)
def path(request, tmp_path):
    """A file of an older schema with tasks in it."""
    path = tmp_path / "labq.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(SCHEMAS[request.param])
    columns = {1: "name, next_number"}.get(request.param, '"_id", "next_number"')
    db.executemany(f"INSERT INTO queues ({columns}) VALUES (?, ?)", COUNTERS.items())
    for one in TASKS:
        marks = ", ".join("?" * len(one))
        values = [encode(field, value) for field, value in one.items()]
        db.execute(f"INSERT INTO tasks ({quoted(one)}) VALUES ({marks})", values)
    db.execute(f"PRAGMA user_version = {request.param}")
    db.commit()
    db.close()
    return path


def schema(path):
    """Every table's columns and every index's text; in a file that grew, columns stand last."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        tables = [
            name
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE sql > '' ORDER BY name")
        ]
        columns = {
            name: {row[1:] for row in db.execute(f"PRAGMA table_info({name})")} for name in tables
        }
        indexes = set(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
        (version,) = db.execute("PRAGMA user_version").fetchone()
    return version, columns, indexes


def test_an_older_file_keeps_its_tasks_and_its_numbers(path):
    store = open_store(f"sqlite:{path}")
    assert list(store.find({}, sort=[("_id", 1)])) == TASKS
    assert [queue["_id"] for queue in store.queues.find()] == ["empty", "q", "r"]
    assert [store.insert(queue, [task()]) for queue in ("q", "r", "empty", "new")] == [
        [5],
        [2],
        [9],
        [1],
    ]
    store.close()


def test_it_takes_what_only_the_newer_schema_holds(path):
    store = open_store(f"sqlite:{path}")
    newer = {"require": [{"key": "a", "op": "exists"}], "retry_delay": 1.5, "after_any": ["x"]}
    newer |= {"waiting_for": ["x"], "dependants": 2, "publish_on_success": True}
    newer |= {"group": "g", "index": 3, "count": 5, "raw_args": "| tee log", "short": "best"}
    store.insert("q", [task(**newer)])
    (found,) = store.find({"waiting_for": "x"}, fields=tuple(newer))
    assert {field: found[field] for field in newer} == newer
    with pytest.raises(ConflictError, match="has the short name best already"):
        store.insert("q", [task(short="best")])
    claimed = store.update_first(PENDING, Change(set={"status": "running", "started_at": Now()}))
    assert claimed["number"] == 1
    assert store.queues.put("q", Change(set={"paused": True})) == {"_id": "q", "paused": True}
    assert store.workers.put("w", Change()) == {"_id": "w"}
    store.close()


def test_it_has_the_schema_of_a_new_file_then(path, tmp_path):
    open_store(f"sqlite:{path}").close()
    open_store(f"sqlite:{tmp_path / 'new.db'}").close()
    assert schema(path) == schema(tmp_path / "new.db")


def test_processes_that_open_it_at_once_agree(path):
    code = "import sys; from labq.store import open_store; print(open_store(sys.argv[1]).count({}))"
    command = [sys.executable, "-c", code, f"sqlite:{path}"]
    openers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    told = [(*opener.communicate(timeout=60), opener.returncode) for opener in openers]
    assert told == [("4\n", "", 0)] * 6
    assert schema(path)[0] == sqlite_schema.VERSION


def test_a_step_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    before = schema(path)
    last = sqlite_schema.VERSION - 1
    step = sqlite_schema.STEPS[last] + "INSERT INTO nowhere VALUES (1);"
    monkeypatch.setitem(sqlite_schema.STEPS, last, step)
    with pytest.raises(StoreError, match=r"labq\.db: no such table: nowhere"):
        open_store(f"sqlite:{path}")
    assert schema(path) == before
    monkeypatch.undo()
    store = open_store(f"sqlite:{path}")
    assert store.count({}) == len(TASKS)
    store.close()
