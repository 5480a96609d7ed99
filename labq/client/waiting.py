"""Waiting for tasks to end, by looking: from any thread, by a clock that nobody turns back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any, cast

from labq.errors import AuthError, StoreError, UnusableError, UsageError
from labq.model.task import TERMINAL, Document, Status
from labq.queue import Queue
from labq.queue.recovery import recover
from labq.values import coerce
from labq.values.batches import batches

POLL = 2.0  # seconds between two looks, unless somebody says else
SHORTEST = 0.05  # seconds between two looks
SHARE = 0.1  # of the time that it has taken so far: an end is heard of that much later at most
RECOVER_SECONDS = 10.0  # between two looks whether a worker is dead
PATIENCE = 60.0  # seconds that a store may be away
CHUNK = 1000  # tasks per query
NAMED = 20  # tasks that are named to one who waits no more
ENDED = frozenset(status.value for status in TERMINAL)

Tell = Callable[[list[Document]], None]  # of those that have not ended: status, progress, number


def until_ended(
    queue: Queue,
    ids: Sequence[str],
    timeout: coerce.Span | None,
    poll: coerce.Span,
    tell: Tell | None = None,
) -> bool:
    """Waits until all of these tasks have ended or are gone; whether they have.

    It comes back without that after `timeout` seconds, and where all that is left is drafts. It
    looks every `poll` seconds, and at first more often. An outage of the store is waited out for
    a minute.

    Raises:
        UsageError: a time that is none.
        StoreError: the store is away for longer.
        KeyboardInterrupt: Ctrl-C; its message says how to come back.
    """
    longest, pause = coerce.limit("timeout", timeout), between(poll)
    left: list[Document] = [{"_id": identity} for identity in ids]
    try:
        return _looking(queue, left, inf if longest is None else longest, pause, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(detached(left)) from None


def between(poll: Any) -> float:
    """The seconds between two looks.

    Raises:
        UsageError: no length, or nothing.
    """
    if not (seconds := coerce.span("poll", poll)):
        raise UsageError(f"poll must be seconds above 0, not {poll!r}")
    return seconds


def teller(what: str, progress: Any) -> Callable[..., object] | None:
    """What is to be called as something goes on, if anything is.

    Raises:
        UsageError: it cannot be called, and is neither True nor False.
    """
    if progress is None or isinstance(progress, bool):
        return None
    if not callable(progress):
        raise UsageError(f"{what} must be True or a function, not {coerce.told(progress)}")
    return cast("Callable[..., object]", progress)


def _looking(
    queue: Queue, left: list[Document], timeout: float, poll: float, tell: Tell | None
) -> bool:
    start = heard = time.monotonic()
    recover_at = start + RECOVER_SECONDS
    while True:
        begun = time.monotonic()
        try:
            found = _open(queue, [task["_id"] for task in left])
            heard = begun
            left[:] = found
            if tell is not None:
                tell(found)
            if all(task["status"] == Status.DRAFT.value for task in found):
                return not found
            if begun >= recover_at:
                recover_at = begun + RECOVER_SECONDS
                with suppress(AuthError):  # who may only look waits for others to do it
                    recover(queue.store, queue.name)
        except UnusableError:
            raise
        except StoreError:
            if time.monotonic() - heard > PATIENCE:
                raise
        now = time.monotonic()
        if now - start >= timeout:
            return False
        pause = max(min(poll, SHARE * (now - start)), SHORTEST, now - begun)
        time.sleep(min(pause, start + timeout - now))


def _open(queue: Queue, ids: Sequence[str]) -> list[Document]:
    """Those of the tasks that have not ended, though their queue be renamed meanwhile."""
    fields = ("status", "progress", "number")
    found: list[Document] = []
    for some in batches(ids, CHUNK):
        query = {"_id": {"$in": some}, "status": {"$nin": sorted(ENDED)}}
        found += queue.store.find(query, fields=fields)
    return found


def detached(left: Sequence[Document]) -> str:
    """What is left to do for one who waits no more."""
    if len(left) == 1:
        ref = left[0].get("number", left[0]["_id"])
        return f"task {ref} goes on: labq wait {ref} waits again, labq task show {ref} tells of it"
    numbers = sorted(task.get("number", 0) for task in left)
    refs = " ".join(map(str, numbers))
    again = f"labq wait {refs} waits again, " if numbers[0] and len(left) <= NAMED else ""
    return f"{len(left):,} tasks go on: {again}labq task ls tells of them"


class Live:
    """Words on stderr of how the waiting goes: in place at a terminal, else a line per change."""

    def __init__(self, total: int) -> None:
        self._total, self._said = total, ""

    def __call__(self, found: list[Document]) -> None:
        """Says how it stands, where that is news."""
        text = self._words(found)
        if text == self._said:
            return
        self._said = text
        with suppress(OSError, ValueError):  # nobody may be there to read it
            line = f"\r{text}\x1b[K" if sys.stderr.isatty() else f"{text}\n"
            sys.stderr.write(line if found or line.endswith("\n") else f"{line}\n")
            sys.stderr.flush()

    def _words(self, found: list[Document]) -> str:
        if self._total > 1:
            return f"{self._total - len(found):,} of {self._total:,} tasks have ended"
        if not found:
            return "ended"
        task = found[0]
        percent = f" {task['progress']:g} %" if "progress" in task else ""
        return f"task {task['number']} {task['status']}{percent}"
