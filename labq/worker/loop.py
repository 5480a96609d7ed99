"""The worker: slots that claim, run and finish; a main thread that hears signals and keeps time."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import IO

from labq.queue import Queue, WorkerName, leases
from labq.store import Query
from labq.template import Template
from labq.worker.lease import Keeper
from labq.worker.signals import Wakeup
from labq.worker.slot import RELEASED, Finished, Slot

SWEEP_SECONDS = 2.0


@dataclass(frozen=True)
class Options:
    """What a worker goes by; durations in seconds."""

    home: Path
    uri: str
    lease: float
    heartbeat: float
    template: Template | None = None  # None: each task's own `cmd`
    slots: int = 1
    forever: bool = False
    max_tasks: int | None = None
    grace: float = 10.0
    max_start_failures: int = 3
    follow: dict[str, IO[bytes]] = field(default_factory=dict)


@dataclass
class Tally:
    """What became of the attempts of one worker."""

    by_status: dict[str, int] = field(default_factory=dict)
    stopped_by: int = 0  # the signal, if one did
    unstarted: int = 0  # tasks in a row, up to now, that could not be started
    gave_up: bool = False  # too many of those


class Worker:
    """Runs the pending tasks that match `query` until there are none, or for ever."""

    def __init__(
        self,
        queue: Queue,
        query: Query,
        options: Options,
        on_finish: Callable[[Finished], None],
        say: Callable[[str], None],
    ) -> None:
        self.queue, self.query, self.options = queue, query, options
        self.name = WorkerName(
            f"{socket.gethostname()}-{os.getpid()}-{os.urandom(2).hex()}", socket.gethostname()
        )
        self.tally = Tally()
        self._on_finish, self._say = on_finish, say
        margin = min(options.grace, options.lease / 4)
        self.environment = dict(os.environ)
        self.keeper = Keeper(queue.store, options.lease, options.heartbeat, margin, say)
        self.stopping = threading.Event()
        self._wakeup = Wakeup()
        self._gate = threading.Lock()
        self._claims_left = options.max_tasks
        self._swept = -SWEEP_SECONDS
        self._working = 0
        self._fault: BaseException | None = None

    def run(self) -> Tally:
        """Works until done or stopped.

        Raises:
            LabqError: the store failed; what was running has been stopped and released as far as
                the store could be told.
        """
        slots = [Slot(self, number) for number in range(self.options.slots)]
        bodies = [self.keeper.run, *(partial(self._work, slot) for slot in slots)]
        threads = [threading.Thread(target=self._guarded, args=(body,)) for body in bodies]
        self._working = len(slots)
        with self._wakeup.catching():
            for thread in threads:
                thread.start()
            while self._working:
                for number in self._wakeup.wait(self._rest()):
                    self._on_signal(number)
            self.keeper.close()
            for thread in threads:
                thread.join()
        if self._fault is not None:
            raise self._fault
        return self.tally

    def _guarded(self, body: Callable[[], None]) -> None:
        """The body of a thread: its fault stops the worker and is raised by `run`."""
        try:
            body()
        except BaseException as fault:  # noqa: BLE001 - raised again, in the main thread
            self._fault = self._fault or fault
            self.stop()

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
        due = [at for job in self.keeper.jobs if (at := job.tick()) is not None]
        return min(1.0, min(due, default=inf) - time.monotonic())

    def _on_signal(self, number: int) -> None:
        """The first stops the jobs and releases their tasks; the second kills them."""
        told = signal.Signals(number).name
        if self.stopping.is_set():
            self._say(f"{told} again: killing what runs")
            for job in self.keeper.jobs:
                job.kill(RELEASED)
            return
        self.tally.stopped_by = number
        self._say(f"{told}: stopping what runs and giving the tasks back (again: kill)")
        self.stop()

    def stop(self) -> None:
        """Claims no more, and stops what runs."""
        self.stopping.set()
        for job in self.keeper.jobs:
            job.stop(RELEASED)

    def may_claim(self) -> bool:
        """Whether one more task may be claimed; counts it."""
        with self._gate:
            if self.stopping.is_set() or self._claims_left == 0:
                return False
            if self._claims_left is not None:
                self._claims_left -= 1
            return True

    def unclaim(self) -> None:
        """Takes back the last `may_claim`: there was nothing to claim."""
        with self._gate:
            if self._claims_left is not None:
                self._claims_left += 1

    def count(self, finished: Finished) -> None:
        """Adds an attempt's end to the tally and tells of it."""
        with self._gate:
            told = self.tally.by_status
            told[finished.became] = told.get(finished.became, 0) + 1
            self.tally.unstarted = self.tally.unstarted + 1 if finished.unstarted else 0
            if self.tally.unstarted >= self.options.max_start_failures:
                self.tally.gave_up = True
                self.stopping.set()
            self._on_finish(finished)

    def sweep(self) -> int:
        """Gives back the tasks of workers that are gone; returns how many.

        An idle worker asks often; it looks every SWEEP_SECONDS.
        """
        now = time.monotonic()
        if self.options.forever and now - self._swept < SWEEP_SECONDS:
            return 0
        self._swept = now
        return leases.sweep(self.queue.store, self.queue.name)

    def say(self, text: str) -> None:
        """Tells the person who runs this worker."""
        self._say(text)
