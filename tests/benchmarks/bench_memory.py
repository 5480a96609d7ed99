"""A worker's memory while it runs task after task: flat, or it leaks.

The resident set of one `labq worker run -- true` is read from /proc at the first tenth of its tasks
and when it has run nearly all.

Run: python tests/benchmarks/bench_memory.py [--quick]
20,000 tasks; with --quick 2,000. Wanted: 60 MiB at most, and 1.0 x from the first to the last.
"""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import side_by_side as bench
from side_by_side import LABQ, NOTHING

from labq.model.task import new
from labq.queue import Queue
from labq.store import open_store


def resident(pid: int) -> float:
    """MiB of a process's resident set."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def contest(name: str, uri: str, tasks: int) -> None:
    store = open_store(uri)
    queue = Queue(store, "default")
    queue.submit([new({"x": at}) for at in range(tasks)])
    worker = subprocess.Popen(
        [LABQ, "worker", "run", "-q", "--uri", uri, "--", "true"], stdout=NOTHING, stderr=NOTHING
    )
    sizes = []
    for share in (0.1, 0.95):
        while queue.count({"queue": "default", "status": "success"}) < tasks * share:
            time.sleep(0.05)
        sizes.append(resident(worker.pid))
    worker.wait()
    store.close()
    ratio = sizes[1] / sizes[0]
    print(
        f"  {name:<10} {sizes[0]:6.1f} MiB after {tasks // 10:,}, {sizes[1]:6.1f} MiB after "
        f"{tasks * 19 // 20:,} tasks  {ratio:5.2f} x  wanted: 60 MiB, 1.0 x",
        flush=True,
    )


def main() -> None:
    tasks = 2_000 if bench.arguments(__doc__).quick else 20_000
    with bench.place() as folder, bench.mongod() as uri:
        print(f"\na worker's memory ({tasks:,} tasks)")
        contest("SQLite", f"sqlite:{folder}/m.db", tasks)
        contest("MongoDB", uri, tasks)


if __name__ == "__main__":
    main()
