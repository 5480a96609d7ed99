"""What goes on beside the bodies: renewals, news of the store, and what is due by the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from labq.worker.control import Control
from labq.worker.limits import exhausted, sparing
from labq.worker.state import Shift

ENDS_WITHIN = 1.0  # seconds that a thread is waited for, which the store may hold
LONGEST = 1.0  # seconds between two looks at the clock


class Threads:
    """Three daemons: none of them keeps the program from ending."""

    def __init__(self, shift: Shift) -> None:
        self._shift, self._control = shift, Control(shift)
        self._asked: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._on = self._over = False
        self._fault: BaseException | None = None
        bodies = (partial(shift.keeper.run, self._control.beat), self._enforce, self._control.run)
        self._all = [
            threading.Thread(target=self._guarded, args=(body,), name="labq", daemon=True)
            for body in bodies
        ]

    def start(self) -> None:
        """Writes the worker's record, and starts.

        Raises:
            StoreError: the store is away.
            ExhaustedError: there may be no more threads.
        """
        self._control.beat()
        self._on = True
        with sparing():
            for thread in self._all:
                thread.start()

    def stop(self) -> None:
        """Has the shift stopped by one of the threads; takes no lock, for handlers of signals."""
        self._asked.put(self._shift.stop)

    def look(self) -> None:
        """Has the clock looked at: there is something new that may be due."""
        self._asked.put(_nothing)

    def check(self) -> None:
        """Raises what a thread has died of."""
        if self._fault is not None:
            raise self._fault

    def leave(self) -> None:
        """Removes the worker's record."""
        self._control.leave()

    def end(self) -> bool:
        """Ends them, and removes the worker's record; whether none is left."""
        if not self._on:
            return True
        renewing, enforcing, watching = self._all
        self._over = True
        self._shift.keeper.close()
        self.look()
        for thread in (renewing, enforcing):  # they write the record, and may be writing it
            _join(thread)
        self.leave()
        _join(watching)
        return not any(thread.is_alive() for thread in self._all)

    def _enforce(self) -> None:
        """Does what is due, and what was asked for, whatever the store is waited for."""
        shift = self._shift
        while not self._over:
            due = [shift.tick(), shift.keeper.enforce(), *(job.tick() for job in shift.keeper.jobs)]
            rest = min(LONGEST, max(0.0, min(due) - time.monotonic()))
            with suppress(Empty):
                self._asked.get(timeout=rest)()

    def _guarded(self, body: Callable[[], None]) -> None:
        """The body of a thread: its fault stops the shift and is raised by `check`."""
        try:
            body()
        except BaseException as fault:  # noqa: BLE001 - raised again, in the loop's thread
            self._fault = self._fault or exhausted(fault) or fault
            self._shift.stop()


def _join(thread: threading.Thread) -> None:
    if thread.ident is not None:  # it could be started
        thread.join(ENDS_WITHIN)


def _nothing() -> None:
    pass
