"""Whole processes: what a person waits for at `labq --help`, `task submit` and `task ls`.

The floor is `python -c pass` with the interpreter that labq runs in; for MongoDB it is a script
that imports pymongo, inserts one document and ends. The peer is labtasker 2.8 where it is
installed: the program `labtasker` on the PATH, or the one that LABTASKER names; only its `--help`,
since its other commands want a server.

The script ends by `os._exit`, as labq does: an ordinary end waits half a second for pymongo's
threads, and its figure stands beside it.

Run: python tests/benchmarks/bench_startup.py [--quick]
Wanted: `--help` 7 x and `task submit` on SQLite 8 x `python -c pass`, `task submit` on MongoDB
1.3 x the script.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import side_by_side as bench
from repositories import made, write
from side_by_side import LABQ, Side

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store

SCRIPT = """
import sys
import pymongo
client = pymongo.MongoClient(sys.argv[1])
client.get_default_database()["script"].insert_one({"args": {"lr": 0.1}, "status": "pending"})
"""
AT_ONCE = "import os; os._exit(0)"
TASK = ["--", "--lr", "0.1", "--model.name", "a"]


def on_disk(folder: Path, rounds: int) -> None:
    """Everything that needs no server, against the bare interpreter."""
    uri = f"sqlite:{folder}/bench.db"
    Queue(open_store(uri), "default").submit([new({"lr": 0.1}) for _ in range(20)])
    sides = [
        Side("python -c pass", bench.process([sys.executable, "-c", "pass"])),
        Side("labq --help", bench.process([LABQ, "--help"]), "wanted: at most 7 x"),
        Side(
            "labq task submit, SQLite",
            bench.process([LABQ, "task", "submit", "--uri", uri, *TASK]),
            "wanted: at most 8 x",
        ),
        Side(
            "the same, in a git repository",
            bench.process([LABQ, "task", "submit", "--uri", uri, *TASK], folder=repository(folder)),
            "wanted: at most 8 x",
        ),
        Side("labq task submit --help", bench.process([LABQ, "task", "submit", "--help"])),
        Side(
            "labq task ls, SQLite",
            bench.process([LABQ, "task", "ls", "--uri", uri, "--limit", "20"]),
        ),
        Side("labq task ls -q, SQLite", bench.process([LABQ, "task", "ls", "--uri", uri, "-q"])),
    ]
    if program := os.environ.get("LABTASKER") or shutil.which("labtasker"):
        sides.append(Side("labtasker --help", bench.process([program, "--help"])))
    bench.compare("Start-up", sides, rounds, unit="runs", faster=False)


def on_server(uri: str, folder: Path, rounds: int) -> None:
    """The same on MongoDB, against a bare script."""
    Queue(open_store(uri), "default").submit([new({"lr": 0.1}) for _ in range(20)])
    sides = [
        Side("pymongo insert script", bench.process([sys.executable, "-c", SCRIPT + AT_ONCE, uri])),
        Side("the same, ordinary end", bench.process([sys.executable, "-c", SCRIPT, uri])),
        Side(
            "labq task submit, MongoDB",
            bench.process([LABQ, "task", "submit", "--uri", uri, *TASK]),
            "wanted: at most 1.3 x",
        ),
        Side(
            "the same, in a git repository",
            bench.process([LABQ, "task", "submit", "--uri", uri, *TASK], folder=repository(folder)),
            "wanted: at most 1.3 x",
        ),
        Side("labq task ls -q, MongoDB", bench.process([LABQ, "task", "ls", "--uri", uri, "-q"])),
    ]
    bench.compare("Start-up on MongoDB", sides, rounds, unit="runs", faster=False)


def repository(folder: Path) -> Path:
    """A git repository of 200 files, one of them changed and one unknown to git."""
    tree = folder / "repository"
    if not tree.exists():
        made(tree, **{f"package__file{number}.py": "pass\n" for number in range(200)})
        write(tree, **{"package__file0.py": "print(1)\n", "notes": "new\n"})
    return tree


def main() -> None:
    rounds = 7 if bench.arguments(__doc__).quick else 25
    with bench.place() as folder, bench.mongod() as uri:
        on_disk(folder, rounds)
        on_server(uri, folder, rounds)


if __name__ == "__main__":
    main()
