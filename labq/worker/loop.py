"""The worker: a thread per slot, one for the leases, and the main one, which hears signals."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from labq.queue import Queue
from labq.store import Query
from labq.worker.shift import RELEASED, Finished, Options, Shift, Tally
from labq.worker.signals import Wakeup
from labq.worker.slot import Slot


class Worker:
    """Runs the pending tasks that match `query` until there are none, or for ever."""

    def __init__(
        self,
        queue: Queue,
        query: Query,
        options: Options,
        on_finish: Callable[[Finished], None],
        say: Callable[[str], None],
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._shift = Shift(queue, query, options, on_finish, say, on_idle)
        self._wakeup = Wakeup()
        self._gate = threading.Lock()
        self._working = 0
        self._signals = 0
        self._fault: BaseException | None = None

    def run(self) -> Tally:
        """Works until done or stopped.

        Raises:
            LabqError: the store failed; what was running has been stopped and released as far as
                the store could be told.
        """
        shift = self._shift
        slots = [Slot(shift, number) for number in range(shift.options.slots)]
        bodies = [shift.keeper.run, *(partial(self._work, slot) for slot in slots)]
        threads = [threading.Thread(target=self._guarded, args=(body,)) for body in bodies]
        self._working = len(slots)
        with self._wakeup.catching():
            for thread in threads:
                thread.start()
            while self._working:
                for number in self._wakeup.wait(self._rest()):
                    self._on_signal(number)
            shift.keeper.close()
            for thread in threads:
                thread.join()
        shift.guard.close()
        if self._fault is not None:
            raise self._fault
        return shift.tally

    def _guarded(self, body: Callable[[], None]) -> None:
        """The body of a thread: its fault stops the worker and is raised by `run`."""
        try:
            body()
        except BaseException as fault:  # noqa: BLE001 - raised again, in the main thread
            self._fault = self._fault or fault
            self._shift.stop()

    def _work(self, slot: Slot) -> None:
        """A slot's work; `run` is woken when the last one's is over."""
        try:
            slot.run()
        finally:
            with self._gate:
                self._working -= 1
            self._wakeup.wake()

    def _rest(self) -> float:
        """Seconds until something is due, doing what is due now."""
        keeper = self._shift.keeper
        due = [keeper.enforce(), *(job.tick() for job in keeper.jobs)]
        return min(1.0, min(due) - time.monotonic())

    def _on_signal(self, number: int) -> None:
        """The first stops the jobs and releases their tasks, the second kills, a third ends all."""
        told = signal.Signals(number).name
        self._signals += 1
        if self._signals > 2:  # noqa: PLR2004 - something hangs; the guard ends the jobs
            os._exit(128 + number)
        if self._shift.stopping.is_set():
            self._shift.say(f"{told} again: killing what runs")
            for job in self._shift.keeper.jobs:
                job.kill(RELEASED)
            return
        self._shift.tally.stopped_by = number
        self._shift.say(f"{told}: stopping what runs and giving the tasks back (again: kill)")
        self._shift.stop()
