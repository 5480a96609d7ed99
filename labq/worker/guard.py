"""A process that outlives its worker by a moment, to end the jobs that a killed worker leaves.

The worker writes `+PID` and `-PID` lines into a pipe; at the pipe's end, which comes with the
worker's however it dies, the guard kills the process groups that were not taken back. This file is
both the worker's side of it and the program that the guard runs, so it imports nothing of labq.
"""

from __future__ import annotations

import os
import signal
import sys
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

    def hold(self, pid: int) -> None:
        """Ends this process group with the worker, from now on."""
        self._tell(f"+{pid}\n")

    def drop(self, pid: int) -> None:
        """Leaves the group alone from now on: it has ended."""
        self._tell(f"-{pid}\n")

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
    held: set[int] = set()
    for line in sys.stdin:
        (held.add if line[0] == "+" else held.discard)(int(line[1:]))
    for pid in held:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
