"""News of a SQLite file: SQLite counts what other connections commit, which costs little to ask."""

from __future__ import annotations

import threading
import time

from labq.errors import StoreError
from labq.store.base import Watch
from labq.store.sqlite.connection import File

LOOK = 0.02  # seconds between two looks


class SQLiteWatch(Watch):
    """Whatever is committed to the file, by any connection but its own."""

    def __init__(self, file: File) -> None:
        self._file, self._owner = file, file.owner()
        self._lock = threading.Lock()  # none closes the connection while another asks
        self._closed = threading.Event()
        self._seen = self._version()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._closed.is_set():
            version = self._version()
            if version not in (None, self._seen):
                self._seen = version
                return True
            rest = deadline - time.monotonic()
            if rest <= 0:
                return False
            self._closed.wait(min(LOOK, rest))
        return False

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            self._file.leave(self._owner)

    def _version(self) -> tuple[object, int] | None:
        """The file, and its count of the others' commits; None where it cannot be read just now."""
        try:
            with self._lock, self._file.faults(self._owner):
                if self._closed.is_set():
                    return None
                there = self._file.there()  # before it is asked: where none is, none is made
                db = self._file.connection(self._owner, busy_ms=1)
                version: int = db.execute("PRAGMA data_version").fetchone()[0]
                return there, version
        except StoreError:
            return None
