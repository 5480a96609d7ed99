"""Removing tasks for good: in parts, between which others can write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from labq.errors import LabqError
from labq.queue.parts import in_parts, tasks
from labq.store import Query, Store
from labq.values.batches import batches

if TYPE_CHECKING:
    from pathlib import Path

    from labq.queue.folders import Folders

PART = 250  # tasks that go at once


def remove(store: Store, query: Query, home: Path | None = None) -> int:
    """Removes the tasks that match; returns how many.

    Args:
        store: where they are.
        query: which.
        home: where the tasks' folders on this machine are, which go too; None where nobody knows.

    Raises:
        LabqError: the store failed; its message, and that of a signal, says how many are gone.
    """
    ids = [task["_id"] for task in store.find(query, fields=("_id",), steady=True)]
    folders = None if home is None or not ids else _folders(home, store)
    gone, cleared = 0, list[str]()

    def part(these: Sequence[str]) -> None:
        nonlocal gone
        gone += store.delete({"$and": [query, {"_id": {"$in": these}}]})
        if folders is not None:
            with suppress(OSError):  # of a full disk, or another user's: a later sweep finds them
                cleared.extend(folders.clear_gone(these))

    try:
        in_parts(
            (partial(part, these) for these in batches(ids, PART)),
            lambda sure: tasks(gone, "are removed", len(ids), sure=sure),
        )
    finally:
        if folders is not None:
            with suppress(OSError, LabqError):
                folders.leave(cleared)
    return gone


def _folders(home: Path, store: Store) -> Folders | None:
    if not (home / "tasks").is_dir():
        return None
    from labq.queue.folders import Folders

    return Folders(home, store)
