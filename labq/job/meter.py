"""`labq.progress`: how far a job is, written once a second however often it is told."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from functools import lru_cache

from labq.errors import LabqError, StoreError, UsageError
from labq.job.context import Books, books

BETWEEN = 1.0  # seconds between two writes
WHOLE = 100
LOG = logging.getLogger("labq")


def progress(percent: float) -> None:
    """Notes how far the job is, in percent; it may be called as often as one likes.

    The first value and 100 are written at once, others once a second at most, and the last one that
    was told always. While the store cannot be reached it is logged, and the job goes on.

    Raises:
        UsageError: it is no number from 0 to 100.
        ConflictError: the task's lease is lost: another worker may run it by now.
    """
    if (found := books("progress")) is None:
        return
    try:
        value = float(percent)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= WHOLE:
        raise UsageError(f"labq.progress: percent must be a number from 0 to 100, not {percent!r}")
    _meter(found.token, os.getpid()).show(found, int(value) if value.is_integer() else value)


@lru_cache(maxsize=1)
def _meter(_token: str, _process: int) -> Meter:
    return Meter()


class Meter:
    """The progress of one attempt, of which the newest value waits for its turn to be written."""

    def __init__(self) -> None:
        self._gate = threading.Lock()  # of what waits
        self._writing = threading.Lock()  # one write at a time: the newest value is the last
        self._waiting: tuple[Books, float] | None = None
        self._due = 0.0  # monotonic
        self._timed = False

    def show(self, found: Books, percent: float) -> None:
        """Writes the value, now or when its turn has come."""
        with self._gate:
            self._waiting = found, percent
            rest = self._due - time.monotonic()
            if rest > 0 and percent < WHOLE:
                if not self._timed:
                    self._timed = True
                    atexit.register(self._late)
                    timer = threading.Timer(rest, self._late)
                    timer.daemon = True
                    timer.start()
                return
        self._write()

    def _late(self) -> None:
        """Writes what waits: when its turn has come, or when the process ends."""
        with self._gate:
            self._timed = False
        atexit.unregister(self._late)
        try:
            self._write()
        except LabqError as error:
            LOG.warning("labq.progress: %s", error)

    def _write(self) -> None:
        with self._writing:
            with self._gate:
                taken, self._waiting = self._waiting, None
            if taken is None:
                return
            found, percent = taken
            try:
                found.progress(percent)
            except StoreError as error:
                LOG.warning("labq.progress: %g is not stored: %s", percent, error)
            finally:
                self._due = time.monotonic() + BETWEEN
