"""The guard: ends with its worker, and takes along what the worker held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from waiting import gone, until

from labq.worker.guard import Guard

WORKER = """
import os, sys, time
from labq.worker.guard import Guard
guard = Guard()
def start(token):
    guard.expect(token)
    environment = {**os.environ, "LABQ_TOKEN": token}
    return os.posix_spawn("/bin/sleep", ["sleep", "600"], environment, setsid=True)
held, left, starting = start("a"), start("b"), start("c")
guard.hold("a", held); guard.hold("b", left); guard.drop("b")
print(guard._pid, held, left, starting, flush=True)
time.sleep(600)
"""


def test_a_killed_workers_jobs_are_killed_even_while_they_start_and_the_guard_ends():
    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True
    ) as worker:
        guard, held, left, starting = map(int, worker.stdout.readline().split())
        worker.kill()
    until(lambda: gone(held) and gone(starting) and gone(guard), seconds=5)
    assert not gone(left)
    os.kill(left, signal.SIGKILL)


def test_it_goes_when_it_is_let_go_and_holds_no_descriptor():
    before = set(os.listdir("/proc/self/fd"))
    guard = Guard()
    guard.close()
    assert gone(guard._pid)
    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_guard_that_was_killed_is_done_without():
    guard = Guard()
    os.kill(guard._pid, signal.SIGKILL)
    until(lambda: gone(guard._pid))
    guard.hold("t", 1 << 22)
    guard.drop("t")
    guard.close()
    assert gone(guard._pid)
