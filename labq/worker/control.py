"""What reaches a worker from outside: its record, what was asked of it, and news of the store."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from labq.errors import StoreError, UnusableError
from labq.model.task import Document
from labq.queue import dependencies, recovery, workers
from labq.store import Now
from labq.store.base import Watch
from labq.worker.state import Shift

SWEEP_SECONDS = 2.0  # between two looks for the leases of dead workers
SPARING = 20  # times as long as a look at malformed tasks takes, until the next one
RETRY = 0.5  # between two tries to leave a store that may forget what it was told last
FULL_SECONDS = 0.1  # between two looks at what was asked, while no slot waits for a task


class Control:
    """Keeps the worker's record, obeys it, and wakes the slots when there may be work."""

    def __init__(self, shift: Shift, on_idle: Callable[[], None] = lambda: None) -> None:
        self._shift, self._on_idle = shift, on_idle
        self._store, self._queue = shift.queue.store, shift.queue.name
        self._over = threading.Event()
        self._watch: Watch | None = None
        self._due = self._recover_at = self._look_at = 0.0  # monotonic
        self._sweep_at = time.monotonic() + shift.options.lease
        self._claims = 0
        self._card: Document = {
            "_id": shift.name.id,
            "queue": self._queue,
            "host": shift.name.host,
            "pid": os.getpid(),
            "slots": shift.options.slots,
            "labels": dict(shift.capacity.labels),
            "capacity": dict(shift.capacity.total),
            "started_at": Now(),
        }

    def beat(self) -> None:
        """Writes the worker's record, and does what was asked there, or of its queue."""
        shift = self._shift
        shift.recent.restore()
        card = {
            **self._card,
            "status": shift.phase,
            "tasks": [held.claim.task["number"] for held in shift.keeper.held],
            "pids": {
                held.claim.task["_id"]: pid
                for held in shift.keeper.held
                if (pid := getattr(held.job, "pid", None)) is not None
            },
            "done": dict(shift.tally.by_status),
        }
        record = workers.beat(self._store, card, shift.options.lease)
        self._card["started_at"] = record["started_at"]
        self._obey(record)
        shift.disown()

    def leave(self) -> None:
        """Gives back what is held unknowingly, removes the worker's record, and ends `run`."""
        self._over.set()
        if self._watch is not None:
            self._watch.close()
        until = time.monotonic() + self._shift.options.lease
        while True:
            try:
                self._shift.recent.restore()
                self._shift.disown()
                workers.leave(self._store, self._shift.name.id)
            except UnusableError:
                pass  # that is what ends the worker, and told already
            except StoreError:
                if self._shift.recent.unsure and time.monotonic() < until:
                    time.sleep(RETRY)
                    continue
                told = f"the record of worker {self._shift.name.id} stays until it expires"
                self._shift.say(told)
            return

    def run(self) -> None:
        """Looks whenever something may have changed; the body of the worker's second thread.

        It is a daemon's: what the store blocks in holds nothing up.
        """
        self._watch = watch = self._store.watch(self._queue)
        changed = True  # something may have, before there was a watch
        while not self._over.is_set():
            try:
                self._look(changed=changed)
            except UnusableError:
                if not self._over.is_set():
                    raise
            except StoreError:
                pass  # the slots tell of it
            if changed:
                self._shift.wake()
                if self._shift.full:  # every end of a task is a change: they are not all looked at
                    self._over.wait(FULL_SECONDS)
            if self._claims != self._shift.claims:
                self._claims = self._shift.claims
                watch.active()
            rest = min(SWEEP_SECONDS, max(0.0, self._due - time.monotonic()))
            changed = watch.wait(rest)
        watch.close()

    def _look(self, *, changed: bool) -> None:
        """Does what was asked since the last heartbeat, and what is due."""
        if self._over.is_set():
            return
        now = time.monotonic()
        if changed:
            self._obey(workers.asked(self._store, self._shift.name.id))
            self._shift.keeper.obey()
        if changed or now >= self._due:
            self._due = now + SWEEP_SECONDS
            promoted, seconds = dependencies.promote(self._store, self._queue)
            self._due = time.monotonic() + seconds
            if promoted:
                self._shift.wake()
        if now >= self._recover_at:
            self._recover_at = now + SWEEP_SECONDS
            self._tidy(now)

    def _tidy(self, now: float) -> None:
        """Gives back what dead workers hold, and once a lease puts all else right."""
        if recovery.recover(self._store, self._queue):
            self._shift.wake()
        if now >= self._look_at:
            began = time.monotonic()
            self._shift.look_again()
            self._look_at = began + SPARING * (time.monotonic() - began)
        if now >= self._sweep_at:
            self._sweep_at = now + self._shift.options.lease
            recovery.sweep(self._store, self._queue, home=self._shift.options.home)
        self._shift.take_turns(now)
        if not self._shift.busy:
            self._on_idle()

    def _obey(self, record: Mapping[str, Any]) -> None:
        """Does what was asked of the worker, and of its queue; its record soon says so."""
        shift, word = self._shift, record.get("command")
        if word == workers.STOP and not shift.stopping.is_set():
            shift.say("asked to stop: stopping what runs and giving the tasks back")
            shift.stop()
            shift.keeper.hasten()
        elif word == workers.DRAIN and shift.phase not in ("draining", "stopping"):
            shift.say("asked to drain: finishing what runs, claiming no more")
            shift.drain()
            shift.keeper.hasten()
        if word is not None:  # else nothing was asked, or the record was lost in an outage
            self._pause("worker", shift.name.id, paused=word == workers.PAUSE)
        queue_paused = workers.is_paused(self._store, self._queue)
        self._pause("queue", self._queue, paused=queue_paused)

    def _pause(self, what: str, name: str, *, paused: bool) -> None:
        if not self._shift.pause(what, paused):
            return
        self._shift.keeper.hasten()
        if paused:
            how = f"labq {what} resume {name}"
            self._shift.say(f"{what} {name} is paused: claiming nothing until {how}")
        else:
            self._shift.say(f"{what} {name} is resumed")
