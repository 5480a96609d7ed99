"""The signals that end a worker, as a list that it reads: a handler does nothing but wake it."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from labq.errors import terminate

# Signals that do not end a process, or that say that it is broken itself.
OTHER = {
    *("SIGKILL", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD", "SIGCLD"),
    *("SIGURG", "SIGWINCH", "SIGINFO", "SIGPIPE", "SIGXFSZ", "SIGSEGV", "SIGBUS", "SIGILL"),
    *("SIGFPE", "SIGABRT", "SIGIOT", "SIGTRAP", "SIGSYS", "SIGEMT"),
    *(() if sys.platform == "linux" else ("SIGIO",)),  # which macOS ignores
}
# All others: a scheduler may send any of them before a time limit.
STOPPING = frozenset(
    signal.valid_signals() - {getattr(signal, name) for name in OTHER if hasattr(signal, name)}
)
# What a child gets, whatever this process ignores: nohup's SIGHUP, Python's SIGPIPE.
DEFAULTS = frozenset(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def named(number: int) -> str:
    """SIGTERM and the like; real-time signals are counted from the first."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"


def ending() -> set[int]:
    """The signals that would end this process as it is: nobody ignores or handles them else."""
    caught = _caught()
    return {
        number
        for number in STOPPING
        if (handler := signal.getsignal(number)) in (signal.default_int_handler, terminate)
        or (handler == signal.SIG_DFL and not caught >> (number - 1) & 1)
    }


def _caught() -> int:
    """The mask of the signals that have a handler, of C code too, which Python does not know."""
    with suppress(OSError), Path("/proc/self/status").open() as file:
        for line in file:
            if line.startswith("SigCgt:"):
                return int(line.split()[1], 16)
    return 0


class Wakeup:
    """A pipe that ends the worker's wait: written by signals, and by slots that end."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._taken: set[int] = set()

    def wake(self) -> None:
        """Ends the wait that is on, or the next; safe from any thread."""
        with suppress(BlockingIOError):
            os.write(self._write, b"\0")

    def wait(self, seconds: float) -> list[int]:
        """Waits until woken, at most `seconds`; the signals that came, in order."""
        select.select([self._read], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            return [byte for byte in os.read(self._read, 4096) if byte in self._taken]
        return []

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Takes the signals that would end the process; gives them back afterwards.

        What is ignored stays so: SIGHUP under nohup, SIGINT behind a shell's &. The pipe is there
        before the first handler and as long as the last: a signal in between is heard too.
        """
        self._taken = ending()
        old_pipe = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        old = {number: signal.signal(number, _nothing) for number in self._taken}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(old_pipe)
            os.close(self._read)
            os.close(self._write)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass
