"""The worker: a thread per slot, one for the leases, and the main one, which hears signals."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from labq.queue import Queue
from labq.store import Query
from labq.worker.capacity import Capacity
from labq.worker.control import Control
from labq.worker.limits import exhausted, provide, sparing
from labq.worker.options import Finished, Options, Tally
from labq.worker.orphan_killer import Guard
from labq.worker.signals import Wakeup, named
from labq.worker.slot import Slot
from labq.worker.state import RELEASED, Shift

FINISH, STOP, KILL = 1, 2, 3  # the steps of the ladder that signals climb
LOOK = 0.2  # seconds between two looks at what is due: a job that began since may be due as soon


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
        shift: Callable[..., Shift] = Shift,
    ) -> None:
        self._shift = shift(queue, query, options, on_finish, say)
        self._control = Control(self._shift, on_idle)
        self._wakeup = Wakeup()
        self._gate = threading.Lock()
        self._working = 0
        self._begin = threading.Event()  # set once all threads are there
        self._step = 0
        self._fault: BaseException | None = None

    @property
    def capacity(self) -> Capacity:
        """What the worker has for its tasks."""
        return self._shift.capacity

    @property
    def left(self) -> float:
        """Seconds that its tasks may still take; infinity where it has no time limit."""
        return self._shift.left()

    @property
    def stopping(self) -> bool:
        """Whether it ends now, whatever runs."""
        return self._shift.stopping.is_set()

    def run(self) -> Tally:
        """Works until done or stopped.

        Raises:
            LabqError: the store failed; what was running has been stopped and released as far as
                the store could be told.
        """
        try:
            with sparing():
                return self._run()
        finally:
            self._shift.notifier.close()

    def _run(self) -> Tally:
        shift, control = self._shift, self._control
        shift.job_descriptors = provide(shift.options.slots)
        _tidy(shift.options.home)
        self._guard = guard = Guard(shift.say)
        slots = [Slot(shift, guard, number) for number in range(shift.options.slots)]
        lease = partial(shift.keeper.run, control.beat)
        bodies = [lease, *(partial(self._work, slot) for slot in slots)]
        threads = [threading.Thread(target=self._guarded, args=(body,)) for body in bodies]
        watcher = threading.Thread(target=self._guarded, args=(control.run,), daemon=True)
        self._working = len(slots)
        try:
            with self._wakeup.catching():
                control.beat()
                self._start([*threads, watcher])
                while self._working:
                    for number in self._wakeup.wait(self._rest()):
                        self._on_signal(number)
                shift.keeper.close()
                for thread in threads:
                    if thread.ident is not None:
                        thread.join()
        finally:
            control.leave()
            guard.close()
        if self._fault is not None:
            raise self._fault
        return shift.tally

    def _start(self, threads: list[threading.Thread]) -> None:
        """Starts the threads; where one cannot start, no slot takes a task, and all end."""
        try:
            for thread in threads:
                thread.start()
        except RuntimeError as fault:
            self._fault = fault
            started = sum(thread.ident is not None for thread in threads[1:-1])
            with self._gate:
                self._working -= self._shift.options.slots - started
            self._shift.stop()
        self._begin.set()

    def _guarded(self, body: Callable[[], None]) -> None:
        """The body of a thread: its fault stops the worker and is raised by `run`."""
        try:
            body()
        except BaseException as fault:  # noqa: BLE001 - raised again, in the main thread
            self._fault = self._fault or exhausted(fault) or fault
            self._shift.stop()

    def _work(self, slot: Slot) -> None:
        """A slot's work; `run` is woken when the last one's is over."""
        try:
            self._begin.wait()
            slot.run()
        finally:
            with self._gate:
                self._working -= 1
            self._wakeup.wake()

    def _rest(self) -> float:
        """Seconds until something is due, doing what is due now."""
        keeper = self._shift.keeper
        self._guard.check()
        if self._step >= KILL:  # a job may have begun since
            self._kill()
        due = [self._shift.tick(), keeper.enforce(), *(job.tick() for job in keeper.jobs)]
        return min(LOOK, min(due) - time.monotonic())

    def _on_signal(self, number: int) -> None:
        """Climbs the ladder: finish what runs, stop it, kill it, end at once.

        Ctrl-C (SIGINT) begins at its foot; all others, which nobody repeats by hand, stop.
        """
        told = named(number)
        self._step = self._step + 1 if number == signal.SIGINT else max(self._step + 1, STOP)
        shift = self._shift
        shift.tally.stopped_by = number
        if self._step == FINISH:
            shift.drain()
            shift.say(f"{told}: finishing what runs, claiming no more (again: stop the jobs)")
        elif self._step == STOP:
            shift.stop()
            shift.say(f"{told}: stopping what runs and giving the tasks back (again: kill)")
        elif self._step == KILL:
            self._kill()
            shift.say(f"{told} again: killing what runs")
        else:  # something hangs; the guard ends the jobs
            os._exit(128 + number)

    def _kill(self, why: str = RELEASED) -> None:
        for job in self._shift.keeper.jobs:
            job.kill(why)


def _tidy(home: Path) -> None:
    """Removes the trees that killed workers left."""
    if (home / "checkouts").is_dir():
        from labq.source.rebuild import Checkouts

        Checkouts(home).tidy()
