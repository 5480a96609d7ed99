"""News of a SQLite file: SQLite counts what other connections commit, which costs little to ask."""

from __future__ import annotations

import sqlite3
import threading
import time

from labq.store.base import Watch
from labq.store.sqlite_file import File

LOOK = 0.02  # seconds between two looks


class SQLiteWatch(Watch):
    """Whatever is committed to the file, by any connection but its own."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._db: sqlite3.Connection | None = None
        self._there: tuple[int, ...] | None = None  # the file that it is a connection to
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
            if self._db is not None:
                self._file.drop(self._db)

    def _version(self) -> tuple[object, int] | None:
        """The file, and its count of the others' commits; None where it cannot be read just now."""
        try:
            with self._lock:
                if self._closed.is_set():
                    return None
                there = self._file.there()
                if self._db is None or there != self._there:
                    if self._db is not None:
                        self._file.drop(self._db)
                    self._db, self._there = self._file.another(), there
                    self._db.execute("PRAGMA busy_timeout = 0")
                version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
                return there, version
        except (sqlite3.Error, OSError):
            return None
