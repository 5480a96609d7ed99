"""One thread that renews the leases of all of a worker's slots, in one round trip a heartbeat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from labq.errors import StoreError
from labq.queue import Claim, leases
from labq.store import Store
from labq.worker.process import Job

LOST = "the lease was lost"


@dataclass
class Held:
    """A claim whose job runs, and until when its lease surely holds (monotonic seconds)."""

    claim: Claim
    job: Job
    until: float


@dataclass
class Keeper:
    """Renews what the slots hold; stops the job whose lease is lost or can no longer be renewed.

    A job is asked to end `margin` seconds before its lease may run out and killed at half of that,
    so that it is gone before another worker starts its task; `enforce` sees to it, whatever the
    renewal is waiting for. All times are this process's monotonic clock, from before the
    request that granted the lease: the store's clock never has to agree with it.
    """

    store: Store
    lease: float
    heartbeat: float
    margin: float
    say: Callable[[str], None]
    sweep: Callable[[], object]  # done once a lease, however busy the slots are
    _held: dict[str, Held] = field(default_factory=dict)
    _gate: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def hold(self, claim: Claim, job: Job, asked: float) -> None:
        """Renews this claim from now on; it was asked for at monotonic second `asked`."""
        with self._gate:
            self._held[claim.token] = Held(claim, job, asked + self.lease)

    def drop(self, claim: Claim) -> float:
        """Renews it no longer; returns until when the lease holds (monotonic seconds)."""
        with self._gate:
            held = self._held.pop(claim.token, None)
        return held.until if held else 0.0

    @property
    def jobs(self) -> list[Job]:
        """The jobs that run now."""
        with self._gate:
            return [held.job for held in self._held.values()]

    def run(self) -> None:
        """Renews until `close`; the body of the worker's lease thread."""
        swept = time.monotonic()
        while not self._over.wait(self.heartbeat):
            self.beat()
            if time.monotonic() - swept >= self.lease:
                swept = time.monotonic()
                with suppress(StoreError):  # the renewal tells of it
                    self.sweep()

    def beat(self) -> None:
        """One renewal of all that is held."""
        with self._gate:
            held = list(self._held.values())
        if not held:
            return
        asked = time.monotonic()
        try:
            lost = leases.renew(self.store, [one.claim for one in held], self.lease)
        except StoreError as error:
            self.say(f"cannot renew: {error}")
            return
        for one in held:
            if one.claim.token in lost:
                one.job.stop(LOST, by=time.monotonic())
            else:
                one.until = asked + self.lease

    def enforce(self) -> float:
        """Stops the jobs whose lease is about to run out; the monotonic time of the next look."""
        with self._gate:
            held = list(self._held.values())
        now = time.monotonic()
        for one in held:
            if now >= one.until - self.margin:
                one.job.stop(LOST, by=one.until - self.margin / 2)
        return min(
            (one.until - self.margin for one in held if one.until - self.margin > now), default=inf
        )

    def close(self) -> None:
        """Ends `run`."""
        self._over.set()
