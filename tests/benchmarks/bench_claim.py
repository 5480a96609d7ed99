"""Claim and finish on one connection, and bulk submit, against the raw drivers.

The floors are what one would write without labq: for SQLite two BEGIN IMMEDIATE transactions (take
the first pending row of the claim order; write its end where the token still fits), for MongoDB two
`find_one_and_update`, and for the bulk `executemany` and `insert_many`. Each floor comes twice:

- lean: a table or collection of its own with just the fields that this needs and one index;
- same: on documents, columns and indexes as labq keeps them, so that only labq's code differs.

Each write of a MongoDB floor is in the journal when it returns, as labq's is.

Run: python tests/benchmarks/bench_claim.py [--quick]
1,000 and 1,000,000 pending tasks; with --quick 1,000 and 20,000. Wanted: 40 % of the raw pair on
SQLite, 60 % on MongoDB, 60 % of the raw bulk insert; a claim at 1,000,000 in 1.2 x the time of one
at 1,000.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import side_by_side as bench
from pymongo import DESCENDING, MongoClient
from pymongo.collection import Collection
from side_by_side import Side

from labq.model.task import new
from labq.queue import Ending, Queue, WorkerName, claims
from labq.store import open_store

PAIRS = 500  # claims and finishes in one round of one side
BATCH = 10_000  # tasks in one bulk submit
LEASE = 60.0
WORKER = WorkerName("bench-1", "bench")
QUERY = {"queue": "bench"}
ORDER = (("priority", DESCENDING), ("number", 1))
LEAN = """CREATE TABLE tasks (_id TEXT PRIMARY KEY, queue TEXT, number INTEGER, status TEXT,
    priority INTEGER, args TEXT, lease TEXT, started_at REAL, ended_at REAL)"""
LEAN_INDEX = "CREATE INDEX claim ON tasks (queue, status, priority DESC, number)"
LEAN_INSERT = "INSERT INTO tasks VALUES (?, 'bench', ?, 'pending', 0, ?, NULL, NULL, NULL)"
TAKE = """SELECT _id, number, args FROM tasks WHERE queue = 'bench' AND status = 'pending'
    ORDER BY priority DESC, number LIMIT 1"""
MARK = "UPDATE tasks SET status = 'running', lease = ?, started_at = ? WHERE _id = ?"
END = """UPDATE tasks SET status = 'success', ended_at = ?, lease = NULL
    WHERE _id = ? AND status = 'running' AND lease = ?"""


@dataclass(frozen=True)
class Contest:
    """The sides of one store with so many tasks pending."""

    labq: Callable[[], object]
    same: Callable[[], object]
    lean: Callable[[], object]


def documents(count: int) -> list[dict[str, Any]]:
    return [new({"lr": at / count, "model": {"name": "a"}}) for at in range(count)]


def fill(queue: Queue, count: int) -> None:
    for start in range(0, count, BATCH):
        queue.submit(documents(min(BATCH, count - start)))


def labq_pair(uri: str, pending: int) -> Callable[[], object]:
    """Claims and finishes a task by labq's own verbs, on a queue with `pending` tasks."""
    store = open_store(uri)
    fill(Queue(store, "bench"), pending)
    ending = Ending(True, "", {"pid": 1, "argv": ["true"], "wall": 0.1, "exit_code": 0})

    def pair() -> None:
        claim = claims.claim(store, QUERY, WORKER, LEASE)
        assert claim is not None
        assert claims.finish(store, claim, ending)

    return pair


def raw_sqlite_pair(db: sqlite3.Connection) -> Callable[[], object]:
    """The two transactions, on either table."""

    def pair() -> None:
        token = f'"{uuid.uuid4().hex}"'  # JSON, as a lease is
        db.execute("BEGIN IMMEDIATE")
        task = db.execute(TAKE).fetchone()
        db.execute(MARK, (token, time.time(), task[0]))
        db.execute("COMMIT")
        db.execute("BEGIN IMMEDIATE")
        assert db.execute(END, (time.time(), task[0], token)).rowcount == 1
        db.execute("COMMIT")

    return pair


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def lean_table(path: Path) -> sqlite3.Connection:
    db = connect(path)
    db.execute(LEAN)
    db.execute(LEAN_INDEX)
    return db


def sqlite_contest(folder: Path, pending: int) -> Contest:
    pair = labq_pair(f"sqlite:{folder}/labq-{pending}.db", pending)
    fill(Queue(open_store(f"sqlite:{folder}/same-{pending}.db"), "bench"), pending)
    lean = lean_table(folder / f"lean-{pending}.db")
    in_one(lean, LEAN_INSERT, ((uuid.uuid4().hex, at, '{"lr":0.1}') for at in range(pending)))
    same = connect(folder / f"same-{pending}.db")
    return Contest(pair, raw_sqlite_pair(same), raw_sqlite_pair(lean))


def raw_mongodb_pair(tasks: Collection[Any]) -> Callable[[], object]:
    def pair() -> None:
        token = uuid.uuid4().hex
        task = tasks.find_one_and_update(
            {**QUERY, "status": "pending"},
            {
                "$set": {"status": "running", "lease.token": token},
                "$currentDate": {"started_at": True},
            },
            sort=ORDER,
        )
        fence = {"_id": task["_id"], "status": "running", "lease.token": token}
        end = {
            "$set": {"status": "success"},
            "$currentDate": {"ended_at": True},
            "$unset": {"lease": ""},
        }
        assert tasks.find_one_and_update(fence, end)

    return pair


def mongodb_contest(uri: str, pending: int) -> Contest:
    client: MongoClient[Any] = MongoClient(uri, w=1, journal=True)
    pair = labq_pair(uri.replace("/bench", f"/labq{pending}"), pending)
    fill(Queue(open_store(uri.replace("/bench", f"/same{pending}")), "bench"), pending)
    lean = client[f"lean{pending}"]["tasks"]
    lean.create_index([("queue", 1), ("status", 1), *ORDER])
    for start in range(0, pending, BATCH):
        lean.insert_many(
            {
                "queue": "bench",
                "number": at,
                "status": "pending",
                "priority": 0,
                "args": {"lr": 0.1},
            }
            for at in range(start, min(pending, start + BATCH))
        )
    same = client[f"same{pending}"]["tasks"]
    return Contest(pair, raw_mongodb_pair(same), raw_mongodb_pair(lean))


def repeated(action: Callable[[], object], times: int) -> Callable[[], float]:
    """A round of so many; the seconds of one."""

    def all_of_them() -> None:
        for _ in range(times):
            action()

    return lambda: bench.timed(all_of_them, times)


def pairs(name: str, contests: dict[int, Contest], goal: str, rounds: int) -> None:
    for pending, contest in contests.items():
        sides = [
            Side("raw, lean", repeated(contest.lean, PAIRS)),
            Side("raw, same documents", repeated(contest.same, PAIRS)),
            Side("labq", repeated(contest.labq, PAIRS), goal),
        ]
        title = f"{name}: claim + finish, {pending:,} pending"
        bench.compare(title, sides, rounds, unit="pairs", faster=True)
    few, many = contests
    sides = [
        Side(f"labq, {few:,} pending", repeated(contests[few].labq, PAIRS)),
        Side(
            f"labq, {many:,} pending", repeated(contests[many].labq, PAIRS), "wanted: at most 1.2 x"
        ),
    ]
    bench.compare(f"{name}: queue size", sides, rounds, unit="pairs", faster=False)


def bulk_sqlite(folder: Path, rounds: int) -> None:
    queue = Queue(open_store(f"sqlite:{folder}/bulk.db"), "bench")
    same, lean = connect(folder / "bulk.db"), lean_table(folder / "bulk-lean.db")
    queue.submit(documents(1))
    (row,) = same.execute("SELECT * FROM tasks")
    every = "INSERT INTO tasks VALUES (?)".replace("?", ", ".join("?" * len(row)))
    numbers = iter(range(10**9, 2 * 10**9))

    def raw_same() -> float:
        rows = [(uuid.uuid4().hex, row[1], number, *row[3:]) for number in islice(numbers, BATCH)]
        return bench.timed(lambda: in_one(same, every, rows), BATCH)

    def raw_lean() -> float:
        rows = [(uuid.uuid4().hex, number, '{"lr":0.1}') for number in islice(numbers, BATCH)]
        return bench.timed(lambda: in_one(lean, LEAN_INSERT, rows), BATCH)

    sides = [
        Side("raw, lean", raw_lean),
        Side("raw, same documents", raw_same),
        Side("labq", labq_bulk(queue), "wanted: 0.60 x or more"),
    ]
    bench.compare("SQLite: bulk submit", sides, rounds, unit="tasks", faster=True)


def in_one(db: sqlite3.Connection, text: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Inserts the rows in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany(text, rows)
    db.execute("COMMIT")


def labq_bulk(queue: Queue) -> Callable[[], float]:
    def run() -> float:
        tasks = documents(BATCH)
        return bench.timed(lambda: queue.submit(tasks), BATCH)

    return run


def bulk_mongodb(uri: str, rounds: int) -> None:
    queue = Queue(open_store(uri.replace("/bench", "/bulk")), "bench")
    client: MongoClient[Any] = MongoClient(uri, w=1, journal=True)
    same, lean = client["bulk"]["tasks"], client["bulklean"]["tasks"]
    lean.create_index([("queue", 1), ("status", 1), *ORDER])
    queue.submit(documents(1))
    stored = same.find_one()
    assert stored is not None
    numbers = iter(range(10**9, 2 * 10**9))
    small = {"queue": "bench", "status": "pending", "priority": 0, "args": stored["args"]}

    def raw(tasks: Collection[Any], document: dict[str, Any]) -> float:
        rows = [
            {**document, "_id": uuid.uuid4().hex, "number": next(numbers)} for _ in range(BATCH)
        ]
        return bench.timed(lambda: tasks.insert_many(rows, ordered=False), BATCH)

    sides = [
        Side("raw, lean", lambda: raw(lean, small)),
        Side("raw, same documents", lambda: raw(same, stored)),
        Side("labq", labq_bulk(queue), "wanted: 0.60 x or more"),
    ]
    bench.compare("MongoDB: bulk submit", sides, rounds, unit="tasks", faster=True)


def main() -> None:
    quick = bench.arguments(__doc__).quick
    sizes, rounds = ((1000, 20_000), 5) if quick else ((1000, 1_000_000), 15)
    with bench.place() as folder, bench.mongod() as uri:
        # so many stay pending to the end: what the rounds finish comes on top
        extra = PAIRS * (rounds + 1) * 2
        on_file = {size: sqlite_contest(folder, size + extra) for size in sizes}
        pairs("SQLite", on_file, "wanted: 0.40 x or more", rounds)
        bulk_sqlite(folder, rounds)
        on_server = {size: mongodb_contest(uri, size + extra) for size in sizes}
        pairs("MongoDB", on_server, "wanted: 0.60 x or more", rounds)
        bulk_mongodb(uri, rounds)


if __name__ == "__main__":
    main()
