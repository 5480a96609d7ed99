"""How long tasks are kept: for a time after their end, or until their queue has no room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from itertools import chain
from pathlib import Path
from typing import TypeVar

from labq.errors import QuotaExceeded
from labq.model.task import TERMINAL, UNSEALED, Document, checked
from labq.queue.dependencies import parents, settle
from labq.queue.removal import remove
from labq.store import Store

NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)
ROUNDS = 20  # how often others may take the room that was made
REMOVABLE: Document = {"retention.auto_delete": True, **UNSEALED}
ENDED: Document = {"status": {"$in": [status.value for status in TERMINAL]}}
Result = TypeVar("Result")


def retention(ttl: str | float | timedelta | None, *, auto_delete: bool = False) -> Document | None:
    """What a task's `retention` holds; None where it is kept for ever.

    Args:
        ttl: how long after its end: seconds, a timedelta, or a text such as `7d`, `1h30m`,
            `1.12:30:00` (days.hours:minutes:seconds) or `12:30:00`.
        auto_delete: whether it may go, once it has ended, where its queue has no room.

    Raises:
        UsageError: no such time.
    """
    if isinstance(ttl, timedelta):
        ttl = ttl.total_seconds()
    kept: Document = {} if ttl is None else {"ttl": ttl}
    if auto_delete:
        kept["auto_delete"] = True
    return checked("retention", kept) if kept else None


def with_room(
    store: Store,
    queue: str,
    new: Iterable[Document],
    full: QuotaExceeded,
    again: Callable[[], Result],
    home: Path | None = None,
) -> Result:
    """What `again` gives, once the tasks that ended the longest ago have made room for the new.

    Only those with `auto_delete` go, and as many as needed; if they are too few, none.

    Raises:
        QuotaExceeded: they are too few.
    """
    wanted = set(chain.from_iterable(map(parents, new)))
    for _ in range(ROUNDS):
        make_room(store, queue, wanted, full, home)
        try:
            return again()
        except QuotaExceeded as more:  # others were faster
            full = more
    raise full


def make_room(
    store: Store, queue: str, wanted: set[str], full: QuotaExceeded, home: Path | None = None
) -> None:
    """Removes the `full.over` tasks that ended the longest ago, but for the `wanted`.

    `home` as of `remove`.

    Raises:
        QuotaExceeded: they are too few; none is removed.
    """
    found = chain.from_iterable(
        store.find(
            {"queue": queue, "status": status.value, **REMOVABLE},
            sort=[("ended_at", 1), ("number", 1)],  # of one status, as an index has them
            limit=full.over + len(wanted),
            fields=("ended_at", "number", "dependants"),
        )
        for status in TERMINAL
    )
    ended = sorted(found, key=lambda task: (task.get("ended_at", NEVER), task["number"]))
    oldest = [task for task in ended if task["_id"] not in wanted][: full.over]
    if len(oldest) < full.over:
        raise full
    if told := [task["_id"] for task in oldest if "dependants" in task]:
        settle(store, queue, told)  # who waits for them still is to know how they ended
    ids = {"_id": {"$in": [task["_id"] for task in oldest]}}
    remove(store, {"queue": queue, **ids, **ENDED, **REMOVABLE}, home=home)


def removable(store: Store, queue: str) -> int:
    """How many tasks would go to make room."""
    return store.count({"queue": queue, **ENDED, **REMOVABLE})
