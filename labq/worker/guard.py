"""A process that outlives its worker by a moment, to end the jobs that a killed worker leaves.

The worker tells it through a pipe of each job: `?TOKEN` before it starts, `+TOKEN PID` once it has,
`-TOKEN` when it has ended. At the pipe's end, which comes with the worker's however it dies, the
guard kills the process groups that are left. One that was just being started it finds by the token
in its environment. This file is both the worker's side of it and the program that the guard runs,
so it imports nothing of labq.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress


class Guard:
    """The worker's side: a guard process, for as long as this is open."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, read, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        command = [sys.executable, "-I", "-S", __file__]
        self._pid = os.posix_spawn(
            sys.executable, command, os.environ, file_actions=actions, setsid=True
        )
        os.close(read)

    def expect(self, token: str) -> None:
        """A job with this LABQ_TOKEN in its environment, or a LABQ_HOOK, is about to start."""
        self._tell(f"?{token}\n")

    def hold(self, token: str, pid: int) -> None:
        """Ends this process group with the worker, from now on."""
        self._tell(f"+{token} {pid}\n")

    def drop(self, token: str) -> None:
        """Leaves the job alone from now on: it has ended, or did not start."""
        self._tell(f"-{token}\n")

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # somebody killed the guard: the worker goes on without
            os.write(self._write, line.encode())

    def close(self) -> None:
        """Lets the guard go, and waits for it."""
        os.close(self._write)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def main() -> None:
    """The guard: keeps the list until its input ends, then kills what is on it."""
    held: dict[str, int] = {}
    for line in _lines():
        token, _, number = line[1:].partition(" ")
        if line[0] == "-":
            held.pop(token, None)
        else:
            held[token] = int(number or 0)
    for group in held.values():
        if group:
            _kill(group)
    starting = {token for token, group in held.items() if not group}
    for _ in range(TRIES if starting else 0):
        for group in _with_token(starting):
            _kill(group)
        time.sleep(BETWEEN)


MARKS = ("LABQ_TOKEN", "LABQ_HOOK")  # the variable of a job, and that of a hook
PAUSE = 0.03  # seconds between two reads
TRIES, BETWEEN = 20, 0.02  # a child that has just been made has not its own environment yet


def _lines() -> Iterator[str]:
    """What the worker tells, until it is gone; read in blocks, so that short tasks cost no turn."""
    rest = ""
    while block := os.read(0, 1 << 16).decode():
        *lines, rest = (rest + block).split("\n")
        yield from lines
        time.sleep(PAUSE)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _with_token(tokens: set[str]) -> Iterator[int]:
    """The leaders of process groups that have one of these tokens; none where there is no /proc."""
    from pathlib import Path  # imported when a worker has died, not before

    marks = {f"{name}={token}".encode() for name in MARKS for token in tokens}
    for path in Path("/proc").glob("[0-9]*/environ"):
        pid = int(path.parent.name)
        with suppress(OSError):
            if marks.intersection(path.read_bytes().split(b"\0")) and os.getpgid(pid) == pid:
                yield pid


if __name__ == "__main__":
    main()
