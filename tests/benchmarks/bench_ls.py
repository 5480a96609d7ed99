"""Filtering 100,000 tasks: `labq task ls -f` (first page) and `task count -f`, whole processes.

One task in three matches. The floor is a Python script that asks the driver the same of the same
data: sqlite3 with `json_extract`, pymongo with the query that labq makes of the filter.

Run: python tests/benchmarks/bench_ls.py [--quick]
100,000 tasks; with --quick 10,000. Wanted: the first page within 500 ms.
"""

from __future__ import annotations

import sys

import side_by_side as bench
from side_by_side import LABQ, Side

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store

FILTER = "args.lr > 0.5"
PAGE = "100"  # what `task ls` shows at a terminal
BATCH = 10_000
SQLITE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
where = "queue = 'default' AND json_extract(args, '$.lr') > 0.5"
if sys.argv[2] == "count":
    print(db.execute(f"SELECT count(*) FROM tasks WHERE {where}").fetchone())
else:
    for row in db.execute(f"SELECT * FROM tasks WHERE {where} ORDER BY number LIMIT {sys.argv[2]}"):
        print(row)
"""
MONGODB = """
import os, sys
import pymongo
tasks = pymongo.MongoClient(sys.argv[1]).get_default_database()["tasks"]
query = {"queue": "default", "args.lr": {"$gt": 0.5}}
if sys.argv[2] == "count":
    print(tasks.count_documents(query))
else:
    for task in tasks.find(query).sort("number").limit(int(sys.argv[2])):
        print(task)
sys.stdout.flush()
os._exit(0)
"""


def fill(uri: str, count: int) -> None:
    queue = Queue(open_store(uri), "default")
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        queue.submit([new({"lr": at % 75 / 100, "seed": at}) for at in range(size)])


def contest(name: str, uri: str, script: str, target: str, count: int, rounds: int) -> None:
    fill(uri, count)
    python = [sys.executable, "-c", script, target]
    task = [LABQ, "task"]
    where = ["--uri", uri, "-f", FILTER]
    page = [
        Side("script", bench.process([*python, PAGE])),
        Side(
            "labq task ls",
            bench.process([*task, "ls", *where, "--limit", PAGE]),
            "wanted: 500 ms at most",
        ),
        Side(
            "labq task ls --json", bench.process([*task, "ls", *where, "--limit", PAGE, "--json"])
        ),
    ]
    bench.compare(f"{name}: first page of {count:,} tasks", page, rounds, unit="runs", faster=False)
    counted = [
        Side("script", bench.process([*python, "count"])),
        Side("labq task count", bench.process([*task, "count", *where])),
    ]
    bench.compare(f"{name}: count of {count:,} tasks", counted, rounds, unit="runs", faster=False)


def main() -> None:
    quick = bench.arguments(__doc__).quick
    count, rounds = (10_000, 3) if quick else (100_000, 11)
    with bench.place() as folder, bench.mongod() as uri:
        path = str(folder / "bench.db")
        contest("SQLite", f"sqlite:{path}", SQLITE, path, count, rounds)
        contest("MongoDB", uri, MONGODB, uri, count, rounds)


if __name__ == "__main__":
    main()
