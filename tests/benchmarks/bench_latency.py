"""How soon an idle worker starts a new task, and a running task that is cancelled has ended.

The worker is a process of its own (`labq worker run --forever`), the submitter and canceller this
one. A start is over when the job's first bytes come through a pipe; an end when the job's process is
gone. Between two rounds there is a pause of its own length each time, so that no poll is met at a
fixed phase. The floor is `subprocess` starting the same job, and `kill` ending it.

Run: python tests/benchmarks/bench_latency.py [--quick]
100 rounds; with --quick 20. Wanted, at the 95th percentile: to the start 100 ms on SQLite, 50 ms on
a replica set, 500 ms on a lone mongod.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import side_by_side as bench
from side_by_side import LABQ, NOTHING

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store

JOB = ["sh", "-c", 'echo $$ > "$0"; exec sleep 600']


@contextmanager
def working(folder: Path, uri: str, *options: str) -> Iterator[Queue]:
    """The queue of an idle worker that runs JOB."""
    command = [LABQ, "worker", "run", "-q", "--forever", *options, "--uri", uri, "--", *JOB]
    worker = subprocess.Popen([*command, str(folder / "pipe")], stdout=NOTHING, stderr=NOTHING)
    store = open_store(uri)
    try:
        while not list(store.workers.find({})):
            time.sleep(0.01)
        yield Queue(store, "default")
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()
        store.close()


def rounds(
    pipe: int, count: int, start: Callable[[], object], end: Callable[[int], object]
) -> tuple[list[float], list[float]]:
    """Seconds from `start` to the job's first bytes, and from `end` of its pid until it is gone."""
    starts, ends = [], []
    for _ in range(count):
        time.sleep(random.uniform(0.2, 1.2))  # noqa: S311
        began = time.perf_counter()
        start()
        select.select([pipe], [], [])
        starts.append(time.perf_counter() - began)
        pid = int(os.read(pipe, 100))
        gone = os.pidfd_open(pid)
        began = time.perf_counter()
        end(pid)
        select.select([gone], [], [])
        ends.append(time.perf_counter() - began)
        os.close(gone)
    return starts, ends


def told(name: str, seconds: list[float], goal: str = "") -> None:
    worst = quantiles(seconds, n=20)[-1]
    figures = f"median {median(seconds) * 1e3:7.1f} ms   p95 {worst * 1e3:7.1f} ms"
    print(f"  {name:<28}  {figures}  {goal}".rstrip(), flush=True)


def floor(pipe: int, path: Path, count: int) -> None:
    jobs: list[subprocess.Popen[bytes]] = []

    def end(pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        jobs.pop().wait()

    start = lambda: jobs.append(subprocess.Popen([*JOB, str(path)]))  # noqa: E731
    starts, ends = rounds(pipe, count, start, end)
    told("subprocess: start", starts)
    told("kill: end", ends)


def contest(folder: Path, pipe: int, name: str, uri: str, goal: str, count: int) -> None:
    with working(folder, uri) as queue:

        def settled() -> None:
            while queue.count({"status": "running"}):
                time.sleep(0.005)

        def start() -> None:
            queue.submit([new({})])

        def end(_: int) -> None:
            queue.cancel({"queue": "default", "status": "running"})

        starts, ends = [], []
        for _ in range(count):
            first, last = rounds(pipe, 1, start, end)
            starts += first
            ends += last
            settled()
    told(f"{name}: submit to start", starts, goal)
    told(f"{name}: cancel to end", ends)


def main() -> None:
    count = 20 if bench.arguments(__doc__).quick else 100
    with bench.place() as folder, bench.servers.serving():
        path = folder / "pipe"
        os.mkfifo(path)
        pipe = os.open(path, os.O_RDWR)
        print(f"\nlatency ({count} rounds)")
        floor(pipe, path, count)
        contest(folder, pipe, "SQLite", f"sqlite:{folder}/l.db", "wanted: p95 100 ms", count)
        for kind, goal in (("replica", 50), ("lone", 500)):
            uri = bench.servers.with_database(bench.servers.shared_uri(kind), "latency")
            contest(folder, pipe, kind, uri, f"wanted: p95 {goal} ms", count)


if __name__ == "__main__":
    main()
