"""Signals as a list that the worker reads: a handler does nothing but wake it."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Wakeup:
    """A pipe that ends the worker's wait: written by signals, and by slots that end."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)

    def wake(self) -> None:
        """Ends the wait that is on, or the next; safe from any thread."""
        with suppress(BlockingIOError):
            os.write(self._write, b"\0")

    def wait(self, seconds: float) -> list[int]:
        """Waits until woken, at most `seconds`; the signals that came, in order."""
        select.select([self._read], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            return [byte for byte in os.read(self._read, 4096) if byte]
        return []

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Takes the stopping signals for the wait; gives the old handlers back afterwards.

        The handlers do nothing, but are there: an ignored signal would stay ignored in the jobs.
        """
        old = {number: signal.signal(number, _nothing) for number in STOPPING}
        old_pipe = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_pipe)
            for number, handler in old.items():
                signal.signal(number, handler)
            os.close(self._read)
            os.close(self._write)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass
