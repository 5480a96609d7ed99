"""A slot's dealings with the books: take the next task, write how it ended, through an outage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from labq.errors import StoreError, UnusableError
from labq.model.task import Document, Status
from labq.queue import Claim, Ending, WorkerName, claims
from labq.queue.claims import End
from labq.store import Store
from labq.worker.capacity import Grant
from labq.worker.leases import CANCELLED, LOST, Held
from labq.worker.options import Finished
from labq.worker.state import GIVEN_BACK, Shift

BECAME = {
    Status.SUCCESS: "success",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.PENDING: "retried",
    Status.WAITING: "retried",
    Status.RUNNING: "retried",  # and claimed again, before its end was known to be written
    Status.DRAFT: "retried",  # and taken out of the queue
    None: "lost",
}


def take(
    shift: Shift, worker: WorkerName, unfit: list[Document]
) -> tuple[Claim, Grant, float] | None:
    """The next task, what it may use, and when it was asked for; None when all is done.

    Raises:
        StoreError: the store was away for longer than the worker's patience.
    """
    failing_since = None
    while True:
        moment, asked = shift.moment(), time.monotonic()
        try:
            if not shift.open:
                shift.disown()
                return None
            claimed = shift.claim(worker, unfit, asked)
            _answered(shift, failing_since)
            failing_since = None
            if claimed:
                return *claimed, asked
            if not shift.paused and not shift.stays(moment):
                return None
        except UnusableError:
            raise
        except StoreError as error:
            if failing_since is None:
                shift.say(f"cannot claim yet: {error}")
            failing_since = failing_since or asked
            away, options = asked - failing_since, shift.options
            over = shift.stopping.is_set() or away > min(options.patience, options.lease)
            if over and not shift.open:
                return None  # its record's removal is one more chance to give back
            if away > options.patience:
                raise
            shift.stopping.wait(1)
            continue
        shift.rest(moment)


def _answered(shift: Shift, failing_since: float | None) -> None:
    """Says that the store answers again, if it did not."""
    if failing_since is not None:
        shift.say("the store answers again")


def close(
    shift: Shift,
    verb: Callable[[Store, Claim, Ending], Status | None],
    claim: Claim,
    ending: Ending,
    until: float,
) -> Finished:
    """Writes the end; while the store cannot be reached, tries until `until`, the lease's end.

    Where the worker's patience is longer, so is the wait: the token decides whether the end counts.

    Raises:
        StoreError: it was away for longer, or the worker is being stopped.
    """
    stopped = doubtful = False
    until = max(until, time.monotonic() + shift.options.patience)
    while True:
        try:
            status = _write(shift, End(verb, claim, ending))
            if status is None and doubtful:
                status = claims.landed(shift.queue.store, claim, ending)
            break
        except UnusableError:
            raise
        except StoreError as error:
            doubtful = True
            if time.monotonic() >= until:
                raise
            shift.say(f"task {claim.task['number']}: cannot write its end yet: {error}")
            if shift.stopping.wait(1) and stopped:
                raise
            stopped = shift.stopping.is_set()
    reason = ending.reason if status else LOST
    return Finished(claim.task, BECAME[status], reason, ending.record.get("wall", 0.0))


def _write(shift: Shift, end: End) -> Status | None:
    """Writes an end, which is written again where a crash of the store undoes it."""
    status = end.write(shift.queue.store, end.claim, end.ending)
    if status is not None:
        shift.recent.note(end)
    return status


def conclude(
    shift: Shift, claim: Claim, held: Held | None, stopped: str, ending: Ending
) -> Finished:
    """Writes the end: `ending`, or what comes of `stopped`, which is why labq ended it.

    Raises:
        StoreError: as `close`.
    """
    if stopped == LOST:
        return let_go(shift, claim, ending.record)
    if stopped in GIVEN_BACK:
        return give_back(shift, claim, stopped, ending.record)
    until = held.until if held else 0.0
    if stopped == CANCELLED and held and held.asked:
        asked = Ending(succeeded=False, reason=held.asked["reason"], record=ending.record)
        return close(shift, claims.cancel, claim, asked, until)
    return close(shift, claims.finish, claim, ending, until)


def give_back(
    shift: Shift, claim: Claim, reason: str, record: Mapping[str, Any] | None = None
) -> Finished:
    """Releases the task, at no cost to it; one that nobody else is to run is cancelled."""
    ending = Ending(succeeded=False, reason=reason, record=record or {})
    verb = claims.cancel if shift.own else claims.release
    return _given(claim, ending, _write(shift, End(verb, claim, ending)))


def let_go(shift: Shift, claim: Claim, record: Mapping[str, Any]) -> Finished:
    """Releases a task whose lease was lost, in case it holds still: the store was away, perhaps."""
    ending = Ending(succeeded=False, reason=LOST, record=record)
    kept = None
    with suppress(StoreError):
        kept = _write(shift, End(claims.release, claim, ending))
    return _given(claim, ending, kept)


def _given(claim: Claim, ending: Ending, status: Status | None) -> Finished:
    became = {Status.PENDING: "released", Status.CANCELLED: "cancelled", None: "lost"}[status]
    return Finished(claim.task, became, ending.reason, ending.record.get("wall", 0.0))
