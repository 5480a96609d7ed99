"""No-op tasks per second: whole runs of a worker, from its start to the end of the queue.

Every side runs the command `true` so many times, as one process that starts, drains what was queued
before the clock, and ends. The floor is a Python that calls `subprocess.run` in a loop (with four
slots: in four threads). Peers, where they are installed: GNU parallel (reads the commands from a
file) and task-spooler (`tsp`: the queue waits behind a job that is let go when the clock starts).

Run: python tests/benchmarks/bench_worker.py [--quick]
2,000 tasks a run; with --quick 500, where labq's start-up weighs more. Wanted on one slot: 60 % of
the floor on SQLite, 30 % on MongoDB, where each claim and each end is in the journal.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import side_by_side as bench
from side_by_side import LABQ, NOTHING, Side

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store

LOOP = """
import subprocess, sys
from concurrent.futures import ThreadPoolExecutor
tasks, slots = int(sys.argv[1]), int(sys.argv[2])
run = lambda _: subprocess.run(["true"], stdin=subprocess.DEVNULL, check=True)
if slots == 1:
    for at in range(tasks):
        run(at)
else:
    with ThreadPoolExecutor(slots) as pool:
        list(pool.map(run, range(tasks)))
"""


def labq(uri: str, tasks: int, slots: int) -> Callable[[], float]:
    """A round of `labq worker run` on a queue of its own."""
    store = open_store(uri)
    names = (f"slots{slots}-{number}" for number in count())

    def run() -> float:
        queue = next(names)
        Queue(store, queue).submit([new({}) for _ in range(tasks)])
        argv = [LABQ, "worker", "run", "-q", "--slots", str(slots), "--uri", uri, "--queue", queue]
        spent = bench.process([*argv, "--", "true"])() / tasks
        assert store.counts()[queue, "success"] == tasks
        return spent

    return run


def loop(tasks: int, slots: int) -> Callable[[], float]:
    whole = bench.process([sys.executable, "-c", LOOP, str(tasks), str(slots)])
    return lambda: whole() / tasks


def parallel(folder: Path, program: str, tasks: int, slots: int) -> Callable[[], float]:
    listed = folder / f"commands-{tasks}"
    listed.write_text("true\n" * tasks)
    whole = bench.process([program, "-j", str(slots), "-a", str(listed)])
    return lambda: whole() / tasks


@contextmanager
def spooler(folder: Path, program: str, slots: int) -> Iterator[Callable[[int], float]]:
    """A task-spooler server of its own; what it yields drains so many jobs."""
    environment = {
        **os.environ,
        "TS_SOCKET": str(folder / f"tsp-{slots}"),
        "TS_MAXFINISHED": "10",
        "TMPDIR": str(folder),
    }

    def tsp(*words: str) -> str:
        return subprocess.check_output([program, *words], env=environment, text=True)

    def drain(tasks: int) -> float:
        gate = folder / f"gate-{slots}"
        os.mkfifo(gate)
        tsp("-N", str(slots), "cat", str(gate))  # takes every slot until the gate opens
        for _ in range(tasks):
            last = tsp("true").strip()

        def opened() -> None:
            gate.write_text("go")
            tsp("-w", last)

        spent = bench.timed(opened, tasks)
        gate.unlink()
        return spent

    tsp("-S", str(slots))
    try:
        yield drain
    finally:
        subprocess.run([program, "-K"], env=environment, check=False, stdout=NOTHING)


def contest(folder: Path, uri: str, slots: int, tasks: int, rounds: int) -> None:
    goals = ("wanted: 0.60 x or more", "wanted: 0.30 x or more") if slots == 1 else ("", "")
    sides = [
        Side("Python subprocess loop", loop(tasks, slots)),
        Side("labq, SQLite", labq(f"sqlite:{folder}/bench.db", tasks, slots), goals[0]),
        Side("labq, MongoDB", labq(uri, tasks, slots), goals[1]),
    ]
    if program := shutil.which("parallel"):
        sides.append(Side("GNU parallel", parallel(folder, program, tasks // 4, slots)))
    title = f"{tasks:,} x true, {'one slot' if slots == 1 else f'{slots} slots'}"
    if program := shutil.which("tsp"):
        with spooler(folder, program, slots) as drain:
            sides.append(Side("task-spooler", lambda: drain(tasks // 4)))
            bench.compare(title, sides, rounds, unit="tasks", faster=True)
    else:
        bench.compare(title, sides, rounds, unit="tasks", faster=True)


def main() -> None:
    quick = bench.arguments(__doc__).quick
    tasks, rounds = (500, 3) if quick else (2000, 7)
    with bench.place() as folder, bench.mongod() as uri:
        for slots in (1, 4):
            contest(folder, uri, slots, tasks, rounds)


if __name__ == "__main__":
    main()
