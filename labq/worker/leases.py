"""One thread that renews the leases of all of a worker's slots, in one round trip a heartbeat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from labq.errors import StoreError, UnusableError
from labq.queue import Claim, claims
from labq.queue.stopping import understood
from labq.store import Store

LOST = "the lease was lost"
CANCELLED = "cancelled"


class Stoppable(Protocol):
    """What runs under a lease: a child process, or a function of this one."""

    def stop(self, why: str, by: float = inf) -> None:
        """Asks it to end, by monotonic time `by` at the latest."""

    def kill(self, why: str) -> None:
        """Ends it at once."""

    def tick(self) -> float:
        """Does what is due; the monotonic time of the next thing due, infinity for never."""


@dataclass
class Held:
    """A claim whose job runs, and until when its lease surely holds (monotonic seconds)."""

    claim: Claim
    job: Stoppable
    until: float
    asked: Mapping[str, Any] | None = None  # the request that it end, as the books have it


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
    _held: dict[str, Held] = field(default_factory=dict)
    _gate: threading.Lock = field(default_factory=threading.Lock)
    _due: threading.Event = field(default_factory=threading.Event)  # something is, before its time
    _over: bool = False

    def hold(self, claim: Claim, job: Stoppable, asked: float) -> None:
        """Renews this claim from now on; it was asked for at monotonic second `asked`."""
        with self._gate:
            self._held[claim.token] = Held(claim, job, asked + self.lease)

    def drop(self, claim: Claim) -> Held | None:
        """Renews it no longer; returns what was held."""
        with self._gate:
            return self._held.pop(claim.token, None)

    @property
    def held(self) -> list[Held]:
        """What is held now."""
        with self._gate:
            return list(self._held.values())

    @property
    def jobs(self) -> list[Stoppable]:
        """The jobs that run now."""
        return [one.job for one in self.held]

    def run(self, pulse: Callable[[], object]) -> None:
        """Renews, and does `pulse`, at every heartbeat until `close`: the lease thread's body."""
        while True:
            self._due.wait(self.heartbeat)
            self._due.clear()
            if self._over:
                return
            self.beat()
            try:
                pulse()
            except UnusableError:
                raise
            except StoreError:
                pass  # the renewal tells of it

    def beat(self) -> None:
        """One renewal of all that is held."""
        held = self.held
        if not held:
            return
        asked = time.monotonic()
        try:
            renewal = claims.renew(self.store, [one.claim for one in held], self.lease)
        except UnusableError:
            raise
        except StoreError as error:
            self.say(f"cannot renew: {error}")
            return
        for one in held:
            if one.claim.token in renewal.lost:
                one.job.stop(LOST, by=time.monotonic())
            else:
                one.until = asked + self.lease
        self._stop(held, renewal.stopping)

    def obey(self) -> None:
        """Stops what the books ask to stop, without waiting for the next heartbeat."""
        if held := self.held:
            self._stop(held, claims.stop_requests(self.store, [one.claim for one in held]))

    @staticmethod
    def _stop(held: list[Held], requests: Mapping[str, Mapping[str, Any]]) -> None:
        for one in held:
            if requests.get(one.claim.token) is None or one.asked is not None:
                continue
            one.asked = request = understood(requests[one.claim.token])
            if request.get("grace") == 0:
                one.job.kill(CANCELLED)
            else:
                one.job.stop(CANCELLED, by=time.monotonic() + request.get("grace", inf))

    def enforce(self) -> float:
        """Stops the jobs whose lease is about to run out; the monotonic time of the next look."""
        held = self.held
        now = time.monotonic()
        for one in held:
            if now >= one.until - self.margin:
                one.job.stop(LOST, by=one.until - self.margin / 2)
        return min(
            (one.until - self.margin for one in held if one.until - self.margin > now), default=inf
        )

    def hasten(self) -> None:
        """Has the next heartbeat come now."""
        self._due.set()

    def close(self) -> None:
        """Ends `run`."""
        self._over = True
        self._due.set()
