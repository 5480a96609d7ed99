"""One job: a child process in a session of its own, its output in files, its end without survivors."""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from labq.errors import LabqError


class StartError(LabqError):
    """The job's command cannot be started."""


@dataclass(frozen=True)
class Exit:
    """How a job ended: its exit code or the signal that ended it, and what it used."""

    code: int | None
    signal: int | None
    wall: float  # s
    cpu: float  # s, user and system, of the process and those it waited for
    rss: float  # MiB, the largest at any one time
    stopped: str = ""  # why labq stopped it

    @property
    def told(self) -> str:
        """The reason for a person: why it was stopped, the signal or the exit code."""
        if self.stopped:
            return self.stopped
        if self.signal is not None:
            return f"killed by {signal.Signals(self.signal).name}"
        return f"exit code {self.code}"


class Job:
    """A running child process and the ladder that ends it: SIGTERM, `grace` seconds, SIGKILL.

    Signals go to the whole process group. The group's number stays its own until `wait` has
    returned, because the leader is reaped only after the last signal.
    """

    def __init__(self, timeout: float | None, grace: float) -> None:
        self._deadline = time.monotonic() + timeout if timeout else None
        self._timeout, self._grace = timeout, grace
        self._kill_at: float | None = None
        self._stopped = ""
        self._gate = threading.Lock()  # held while signalling and while reaping
        self._reaped = False
        self.pid = 0

    def start(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: str | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> None:
        """Starts the child.

        Raises:
            StartError: there is no such program or folder, or it may not be run.
        """
        self._began = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running the person's command is the task
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or str(error)
            place = getattr(error, "filename", None) or argv[0]
            raise StartError(f"cannot start {argv[0]}: {told}: {place}") from None
        self.pid = self._process.pid

    def wait(self) -> Exit:
        """Blocks until the child has ended; then nothing of its process group is left."""
        _until_dead(self.pid)
        with self._gate:
            self._signal(signal.SIGKILL)
            _, status, usage = os.wait4(self.pid, 0)
            self._reaped = True
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            wall=time.monotonic() - self._began,
            cpu=usage.ru_utime + usage.ru_stime,
            rss=_mebibytes(usage),
            stopped=self._stopped,
        )

    def stop(self, why: str) -> None:
        """Asks the group to end, and sees to it `grace` seconds later; the first reason stands."""
        with self._gate:
            if self._reaped or self._stopped:
                return
            self._stopped = why
            self._kill_at = time.monotonic() + self._grace
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)  # a stopped process cannot end

    def kill(self, why: str) -> None:
        """Ends the group at once."""
        with self._gate:
            if not self._reaped:
                self._stopped = self._stopped or why
                self._signal(signal.SIGKILL)

    def tick(self) -> float | None:
        """Does what is due; the monotonic time of the next thing due, if there is one."""
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self.kill(self._stopped)
        elif self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self.stop(f"timeout after {self._timeout:g} s")
        due = [at for at in (self._kill_at, self._deadline) if at is not None]
        return min(due) if due else None

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a zombie's group
            os.killpg(self.pid, number)


def _until_dead(pid: int) -> None:
    """Blocks until the child is a zombie, and leaves it one."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    elif sys.platform == "darwin":  # Python before 3.13 has no waitid there
        with suppress(ProcessLookupError):
            queue = select.kqueue()
            flags = select.KQ_EV_ADD | select.KQ_EV_ONESHOT
            event = select.kevent(pid, select.KQ_FILTER_PROC, flags, select.KQ_NOTE_EXIT)
            queue.control([event], 1)
            queue.close()


def _mebibytes(usage: resource.struct_rusage) -> float:
    """The peak resident size, which Linux counts in KiB and macOS in bytes."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return round(usage.ru_maxrss / unit, 1)
