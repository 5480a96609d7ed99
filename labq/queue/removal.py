"""Removing tasks for good: in parts, between which others can write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from labq.errors import LabqError
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
    removal = _Removal(store, query, ids, home)
    try:
        removal.run()
    except LabqError as error:
        told = f"{removal.gone:,} of {len(ids):,} tasks are removed"
        raise type(error)(f"{error}; {told}" if removal.gone else str(error)) from None
    except BaseException:
        if cut_short is not None:
            cut_short(removal.gone)
        raise
    return removal.gone


class _Removal:
    """One removal: a signal ends it between two parts, so that `gone` is what is gone."""

    def __init__(self, store: Store, query: Query, ids: Sequence[str], home: Path | None) -> None:
        self._store, self._query, self._ids = store, query, ids
        self._folders = None if home is None or not ids else _folders(home, store)
        self._over, self._done = False, threading.Event()
        self._fault: BaseException | None = None
        self.gone = 0

    def run(self) -> None:
        """Removes them all; a thread of its own does, which no signal interrupts."""
        if threading.current_thread() is not threading.main_thread():
            self._work()
            return
        threading.Thread(target=self._guarded, name="labq-removal", daemon=True).start()
        try:
            self._done.wait()  # a join that is interrupted takes the thread to have ended
        except BaseException:
            self._over = True
            self._done.wait()  # who is impatient interrupts this, too
            raise
        if self._fault is not None:
            raise self._fault

    def _guarded(self) -> None:
        try:
            self._work()
        except BaseException as fault:  # noqa: BLE001 - raised again, in the main thread
            self._fault = fault
        finally:
            self._done.set()

    def _work(self) -> None:
        for at in range(0, len(self._ids), PART):
            if self._over:
                return
            ids = self._ids[at : at + PART]
            self.gone += self._store.delete({"$and": [self._query, {"_id": {"$in": ids}}]})
            if self._folders is not None:
                self._folders.remove_gone(ids)


def _folders(home: Path, store: Store) -> Folders | None:
    if not (home / "tasks").is_dir():
        return None
    from labq.queue.folders import Folders

    return Folders(home, store)
