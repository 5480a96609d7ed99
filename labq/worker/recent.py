"""The ends that a worker wrote of late, while a crash of the store may undo them still."""

from __future__ import annotations

import threading
import time

from labq.queue import claims
from labq.queue.claims import End
from labq.store import Store

SURE = 2.0  # seconds until a write is in mongod's journal for certain: by default it takes 0.1


class Recent:
    """What is written again where the store has forgotten it; safe from several threads.

    Only a store that is `forgetful` ever forgets: of another nothing is noted.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ends: list[tuple[float, End]] = []
        self._gate = threading.Lock()

    @property
    def unsure(self) -> bool:
        """Whether there is an end that the store may forget still."""
        return bool(self._ends)

    def note(self, end: End) -> None:
        """An end was written just now."""
        if self._store.forgetful:
            with self._gate:
                self._ends.append((time.monotonic(), end))

    def restore(self) -> int:
        """Writes again what the store has forgotten; returns how many.

        Raises:
            StoreError: it is away; what is noted stays.
        """
        with self._gate:
            if not self._ends:
                return 0
            now = time.monotonic()
            count = claims.restore(self._store, [end for _, end in self._ends])
            self._ends = [(at, end) for at, end in self._ends if now - at < SURE]
            return count
