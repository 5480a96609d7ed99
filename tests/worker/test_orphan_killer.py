"""The guard: ends with its worker, and takes along what the worker held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import gone, until

from labq.worker.orphan_killer import Guard

WORKER = """
import os, sys, time
from labq.worker.orphan_killer import Guard
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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_is_killed_or_does_not_read_is_replaced_and_told_all(number):
    said = []
    guard = Guard(said.append)
    guard.hold("t", 1 << 22)
    first = guard._pid
    os.kill(first, number)
    if number == signal.SIGKILL:
        until(lambda: gone(first))
    while not said:  # of one that stands still, once its pipe is full
        guard.hold("u", 1 << 22)
    assert said == ["the guard, which ends the jobs of a killed worker, is replaced: it was gone"]
    assert gone(first)
    assert guard._pid != first
    guard.close()
    assert gone(guard._pid)


def test_no_signal_that_can_be_blocked_ends_it_and_its_command_line_does_not_name_labq():
    guard = Guard()
    line = until(Path(f"/proc/{guard._pid}/cmdline").read_bytes).split(b"\0")
    assert line[1:-1] == [b"-I", b"-S", b"/dev/fd/3", b"job-guard-of-%d" % os.getpid()]
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGXCPU):
        os.kill(guard._pid, number)
    guard.check()
    assert not gone(guard._pid)
    guard.close()
