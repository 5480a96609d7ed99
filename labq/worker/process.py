"""One job: a child process in a session of its own, and its end without survivors."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path

from labq.errors import LabqError
from labq.values.text import shortened
from labq.worker.limits import ExhaustedError, exhausted
from labq.worker.orphan_killer import Guard
from labq.worker.output import Output
from labq.worker.signals import DEFAULTS, named

IN_FOLDER = 'cd -- "$1" && shift && '  # posix_spawn itself cannot change the folder, nor a limit
LONGEST = 1000  # characters of a name or a folder in a reason


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
            return f"killed by {named(self.signal)}"
        return f"exit code {self.code}"


class Job:
    """A running child process and the ladder that ends it: SIGTERM, `grace` seconds, SIGKILL.

    Signals go to the whole process group. The group's number stays its own until `wait` has
    returned, because the leader is reaped only after the last signal. A leader that has exited is
    stopped no more, for its exit stands, though nobody may have come yet to reap it.

    Args:
        argv: the command.
        environment: its variables.
        output: where its output goes.
        folder: where it runs; where this process does unless said.
        timeout: seconds that it may take.
        grace: seconds from SIGTERM to SIGKILL.
        guard: who ends it should this process be killed.
        descriptors: how many it may have open, where that is another number than this process's.

    Raises:
        StartError: there is no such program or folder, or it may not be run.
        ExhaustedError: the machine has no more processes, descriptors or memory.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        output: Output,
        *,
        folder: str | None = None,
        timeout: float | None = None,
        grace: float = 10.0,
        guard: Guard | None = None,
        descriptors: int | None = None,
    ) -> None:
        self._output, self._timeout, self._grace = output, timeout, grace
        self._guard = guard
        self._kill_at = inf
        self._stopped = ""
        self._gate = threading.Lock()  # held while signalling and while reaping
        self._reaped = False
        self._began = time.monotonic()
        self._deadline = self._began + timeout if timeout else inf
        self._token = environment.get("LABQ_TOKEN", "")
        if guard:
            guard.expect(self._token)
        try:
            self.pid = _spawn(argv, environment, folder, output, descriptors)
            self._ending = _watched(self.pid, argv[0])
        except (StartError, ExhaustedError):
            if guard:
                guard.drop(self._token)
            raise
        if guard:
            guard.hold(self._token, self.pid)
        output.started()

    def wait(self) -> Exit:
        """Takes the child's output until it has ended; nothing of its group is left then."""
        self._output.take_until(self._ending.descriptor)
        with self._gate:
            self._signal(signal.SIGKILL)
            if self._guard:
                self._guard.drop(self._token)
            _, status, usage = os.wait4(self.pid, 0)
            self._reaped = True
            self._ending.close()
        self._output.take_rest()
        code = os.waitstatus_to_exitcode(status)
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024  # of ru_maxrss: bytes, or KiB
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            wall=time.monotonic() - self._began,
            cpu=usage.ru_utime + usage.ru_stime,
            rss=round(usage.ru_maxrss / unit, 1),
            stopped=self._stopped,
        )

    def stop(self, why: str, by: float = inf) -> None:
        """Asks the group to end, and sees to it `grace` seconds later, or at monotonic time `by`.

        The first reason stands; a sooner `by` counts at any time.
        """
        with self._gate:
            self._output.hurry()
            if self._has_exited():
                return
            self._kill_at = min(self._kill_at, time.monotonic() + self._grace, by)
            if self._stopped:
                return
            self._stopped = why
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)  # a stopped process cannot end

    def pass_on(self, number: int, why: str) -> None:
        """Sends the group a signal that is to end it; it may take the time that it needs."""
        with self._gate:
            if not self._has_exited():
                self._stopped = self._stopped or why
                self._signal(number)
                self._signal(signal.SIGCONT)

    def kill(self, why: str) -> None:
        """Ends the group at once."""
        with self._gate:
            self._output.hurry()
            if not self._has_exited():
                self._stopped = self._stopped or why
                self._signal(signal.SIGKILL)

    def tick(self) -> float:
        """Does what is due; the monotonic time of the next thing due, infinity for never."""
        now = time.monotonic()
        if now >= self._kill_at:
            self._kill_at = inf
            self.kill(self._stopped)
        elif now >= self._deadline:
            self._deadline = inf
            self.stop(f"timeout after {self._timeout:g} s")
        return min(self._kill_at, self._deadline)

    def _has_exited(self) -> bool:
        return self._reaped or self._ending.is_there()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a zombie's group
            os.killpg(self.pid, number)


def _spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    folder: str | None,
    output: Output,
    descriptors: int | None,
) -> int:
    """Starts the child; its pid. posix_spawn takes a tenth less than subprocess does."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output.ends["stdout"], 1),
        (os.POSIX_SPAWN_DUP2, output.ends["stderr"], 2),
    ]
    name = argv[0]
    try:
        if folder is None:
            program = _program(name, environment.get("PATH"))
        else:
            _require_folder(name, folder)
            there = str(Path(folder, name)) if "/" in name else name
            if not os.access(_program(there, environment.get("PATH")), os.X_OK):  # it was, once
                _program.cache_clear()
                _program(there, environment.get("PATH"))
        if folder is not None or descriptors is not None:
            before = "" if descriptors is None else f"ulimit -S -n {descriptors} && "
            before += "" if folder is None else IN_FOLDER
            where = [] if folder is None else [folder]
            program, argv = "/bin/sh", ["sh", "-c", f'{before}exec "$@"', "labq", *where, *argv]
        return os.posix_spawn(
            program, list(argv), environment, file_actions=actions, setsid=True, setsigdef=DEFAULTS
        )
    except (OSError, ValueError) as error:
        raise exhausted(error) or _refused(name, _why(error)) from None


def _watched(pid: int, name: str) -> _Ending:
    """The end of a child that has just been started; where there is no watching it, it goes."""
    try:
        return _Ending(pid)
    except OSError as error:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise exhausted(error) or _refused(name, _why(error)) from None


def _require_folder(name: str, folder: str) -> None:
    """Refuses a folder that is none, or that may not be entered."""
    try:
        os.stat(f"{folder}/.")  # noqa: PTH116 - a Path leaves the dot out, which asks to enter
    except (FileNotFoundError, NotADirectoryError):
        raise _refused(name, f"no such folder: {_shown(folder)}") from None
    except (OSError, ValueError) as error:
        raise _refused(name, f"its folder {_shown(folder)}: {_why(error)}") from None


def _refused(name: str, why: str) -> StartError:
    return StartError(f"cannot start {_shown(name)}: {why}")


def _shown(text: str) -> str:
    """A text that may hold anything, as any store keeps it."""
    return shortened(text, LONGEST)


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


@lru_cache(maxsize=64)
def _program(name: str, path: str | None) -> str:
    """Where the program lies: one search per command, not per task."""
    found = shutil.which(name, path=path)
    if found is None:
        raise _refused(name, "no such command, or it may not be run")
    return found


class _Ending:
    """A descriptor that is readable once a child has ended; it is a zombie then, and stays one."""

    def __init__(self, pid: int) -> None:
        if sys.platform == "darwin":
            self._queue = select.kqueue()
            flags = select.KQ_EV_ADD | select.KQ_EV_ONESHOT
            event = select.kevent(pid, select.KQ_FILTER_PROC, flags, select.KQ_NOTE_EXIT)
            self._queue.control([event], 0)
            self.descriptor = self._queue.fileno()
        else:
            self.descriptor = os.pidfd_open(pid)

    def is_there(self) -> bool:
        """Whether the child has ended."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        return bool(poller.poll(0))

    def close(self) -> None:
        """Lets go of it."""
        if sys.platform == "darwin":
            self._queue.close()
        else:
            os.close(self.descriptor)
