"""A process that outlives its worker by a moment, to end the jobs that a killed worker leaves.

The worker tells it through a pipe of each job: `?TOKEN` before it starts, `+TOKEN PID` once it has,
`-TOKEN` when it has ended. At the pipe's end, which comes with the worker's however it dies, the
guard kills the process groups that are left. One that was just being started it finds by the token
in its environment. This file is both the worker's side of it and the program that the guard runs,
so it imports nothing of labq.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from _thread import allocate_lock
from collections.abc import Callable, Iterator
from contextlib import suppress


class Guard:
    """The worker's side: a guard process, for as long as this is open.

    One that somebody killed, or that does not read, is replaced, and that is said.
    """

    def __init__(self, say: Callable[[str], None] = lambda _text: None) -> None:
        self._say = say
        self._held: dict[str, int] = {}  # as the guard has it: a job that starts has no group yet
        self._gate = allocate_lock()  # threading would be imported by each guard, too
        self._pid, self._write = _spawn()

    def expect(self, token: str) -> None:
        """A job with this LABQ_TOKEN in its environment, or a LABQ_HOOK, is about to start."""
        self._tell(f"?{token}\n", token, 0)

    def hold(self, token: str, pid: int) -> None:
        """Ends this process group with the worker, from now on."""
        self._tell(f"+{token} {pid}\n", token, pid)

    def drop(self, token: str) -> None:
        """Leaves the job alone from now on: it has ended, or did not start."""
        self._tell(f"-{token}\n", token, None)

    def check(self) -> None:
        """Replaces a guard that is gone."""
        with self._gate:
            if self._is_gone():
                self._replace()

    def close(self) -> None:
        """Lets the guard go, and waits for it."""
        with self._gate:
            if self._write >= 0:
                os.close(self._write)
                with suppress(ChildProcessError):
                    os.waitpid(self._pid, 0)

    def _tell(self, line: str, token: str, group: int | None) -> None:
        with self._gate:
            if group is None:
                self._held.pop(token, None)
            else:
                self._held[token] = group
            if not _sent(self._write, line):
                self._replace()

    def _is_gone(self) -> bool:
        if self._pid < 0:
            return True
        try:
            return os.waitpid(self._pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

    def _replace(self) -> None:
        """Has another guard take over all that is held; `check` tries again where that fails."""
        try:
            pid, write = _spawn()
        except OSError as error:
            if self._write >= 0:
                self._say(f"the guard of the jobs is gone, and no other starts: {error.strerror}")
            pid = write = -1
        if self._write >= 0:
            os.close(self._write)
        if self._pid > 0:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
        self._pid, self._write = pid, write
        if write >= 0:
            for token, group in self._held.items():
                _sent(write, f"+{token} {group}\n" if group else f"?{token}\n")
            self._say("the guard, which ends the jobs of a killed worker, is replaced: it was gone")


def _spawn() -> tuple[int, int]:
    """Starts a guard; its pid, and the pipe's end that it reads from.

    Its command line does not say labq, so that who kills by that word ends the worker alone, and it
    has no token, which would make it one of the processes of the job that a worker may run in. No
    signal that can be blocked ends it: schedulers send them to all processes of a job.
    """
    read, write = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, read, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 3, __file__, os.O_RDONLY, 0),
    ]
    script = "/dev/fd/3" if os.path.exists("/dev/fd") else __file__  # noqa: PTH110 - starts often
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", script, f"job-guard-of-{os.getpid()}"],
            {name: text for name, text in os.environ.items() if name not in MARKS},
            file_actions=actions,
            setsid=True,
            setsigmask=signal.valid_signals(),
        )
    except BaseException:
        os.close(write)
        raise
    finally:
        os.close(read)
    os.set_blocking(write, False)
    return pid, write


def _sent(write: int, line: str) -> bool:
    """Whether the guard has been told; one that does not read has a moment to make room."""
    for _ in range(2):
        try:
            os.write(write, line.encode())
        except BlockingIOError:  # noqa: PERF203 - it is tried twice
            poller = select.poll()
            poller.register(write, select.POLLOUT)
            poller.poll(STUCK * 1000)
        except OSError:  # a broken pipe, or there is none
            return False
        else:
            return True
    return False


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
STUCK = 1.0  # seconds after which a guard that does not read is replaced
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
