"""What the slots of one worker share: what they go by, may still claim, and have done."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from labq.errors import StoreError
from labq.queue import Queue, WorkerName, leases
from labq.store import Query
from labq.template import Template
from labq.worker.guard import Guard
from labq.worker.lease import Keeper
from labq.worker.logs import Echo

SWEEP_SECONDS = 2.0
RELEASED = "the worker was stopped"


@dataclass(frozen=True)
class Finished:
    """One attempt's end, for the person who watches."""

    task: dict[str, Any]
    became: str  # "success", "failed", "retried", "released" or "lost"
    reason: str = ""
    wall: float = 0.0
    unstarted: bool = False


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
    patience: float = 60.0  # how long the store may be away before the worker gives up
    follow: dict[str, IO[bytes]] = field(default_factory=dict)


@dataclass
class Tally:
    """What became of the attempts of one worker."""

    by_status: dict[str, int] = field(default_factory=dict)
    stopped_by: int = 0  # the signal, if one did
    unstarted: int = 0  # tasks in a row, up to now, that could not be started
    gave_up: bool = False  # too many of those


class Shift:
    """One worker's work on one queue, shared by its slots; safe from all of their threads."""

    def __init__(
        self,
        queue: Queue,
        query: Query,
        options: Options,
        on_finish: Callable[[Finished], None],
        say: Callable[[str], None],
        on_idle: Callable[[], None],
    ) -> None:
        self.queue, self.query, self.options = queue, query, options
        self.on_finish, self.say, self.on_idle = on_finish, say, on_idle
        host = socket.gethostname()
        self.name = WorkerName(f"{host}-{os.getpid()}-{os.urandom(2).hex()}", host)
        self.environment = dict(os.environ)
        margin = min(options.grace, options.lease / 4)
        beats = (options.lease, options.heartbeat, margin)
        self.keeper = Keeper(queue.store, *beats, say, self.sweep)
        self.tally = Tally()
        self.stopping = threading.Event()
        self.echo = Echo(options.follow, self.stopping).copy
        self.guard = Guard()
        self._gate = threading.Lock()
        self._claims_left = options.max_tasks
        self._swept = -SWEEP_SECONDS

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
            self.on_finish(finished)

    def sweep(self) -> int:
        """Gives back the tasks of workers that are gone; returns how many."""
        return leases.sweep(self.queue.store, self.queue.name)

    def idle(self) -> bool:
        """What a slot does that found no task; whether there may be one now.

        A worker that waits for more asks often, and looks every SWEEP_SECONDS.
        """
        now = time.monotonic()
        if self.options.forever and now - self._swept < SWEEP_SECONDS:
            return False
        self._swept = now
        try:
            if self.sweep():
                return True
            if self.options.forever:
                self.on_idle()
        except StoreError:
            if not self.options.forever:
                raise
        return False  # where the store is away, the next claim tells of it
