"""Removing tasks for good: in parts, between which others can write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from labq.errors import LabqError
from labq.queue.parts import in_parts
from labq.store import Query, Store

if TYPE_CHECKING:
    from pathlib import Path

    from labq.queue.folders import Folders

PART = 250  # tasks that go at once
CutShort = Callable[[int], object]


def remove(
    store: Store, query: Query, cut_short: CutShort | None = None, home: Path | None = None
) -> int:
    """Removes the tasks that match; returns how many.

    Args:
        store: where they are.
        query: which.
        cut_short: called with how many are gone where somebody interrupts it.
        home: where the tasks' folders on this machine are, which go too; None where nobody knows.

    Raises:
        LabqError: the store failed; the message says how many are gone.
    """
    ids = [task["_id"] for task in store.find(query, fields=("_id",), steady=True)]
    folders = None if home is None or not ids else _folders(home, store)
    gone = 0

    def part(these: Sequence[str]) -> None:
        nonlocal gone
        gone += store.delete({"$and": [query, {"_id": {"$in": these}}]})
        if folders is not None:
            folders.remove_gone(these)

    try:
        in_parts(partial(part, ids[at : at + PART]) for at in range(0, len(ids), PART))
    except LabqError as error:
        told = f"{gone:,} of {len(ids):,} tasks are removed"
        raise type(error)(f"{error}; {told}" if gone else str(error)) from None
    except BaseException:
        if cut_short is not None:
            cut_short(gone)
        raise
    return gone


def _folders(home: Path, store: Store) -> Folders | None:
    if not (home / "tasks").is_dir():
        return None
    from labq.queue.folders import Folders

    return Folders(home, store)
