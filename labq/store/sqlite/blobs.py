"""The contents beside the tasks, in SQLite: one row each."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from labq import clock
from labq.errors import NotFoundError, StoreError
from labq.store.base import CONTENTS, FRESH, HOUR, Blobs, digest_of
from labq.store.sqlite.connection import File

PATHS = ", ".join(f"'$.{part}.blob'" for part in CONTENTS)
IS_JSON = """typeof("source") = 'text' AND json_valid("source")"""
NAMED = f"""SELECT DISTINCT CASE WHEN {IS_JSON} THEN json_extract("source", {PATHS})
  ELSE hex("source") END FROM tasks WHERE "source" IS NOT NULL"""


class SQLiteBlobs(Blobs):
    """The rows of the table `blobs`."""

    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        if self.renew([digest]):
            row = (digest, len(content), content, clock.now_ms())
            with self._file.writing(durable=True, make=True) as db:
                db.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", row)
            self._note([digest])
        return digest

    def get(self, digest: str) -> bytes:
        select = 'SELECT "data" FROM blobs WHERE "_id" = ?'
        with self._file.faults():
            row = self._file.db.execute(select, (digest,)).fetchone()
        if row is None:
            raise NotFoundError(f"{self._file.path}: there is no content {digest}")
        if digest_of(row[0]) != digest:
            raise StoreError(f"{self._file.path}: the content {digest} is damaged")
        return bytes(row[0])

    def renew(self, digests: Sequence[str]) -> list[str]:
        with self._file.faults():
            there = dict(_kept_at(self._file.db, digests))
        now = clock.now_ms()
        late = [(now, one) for one, at in there.items() if at < now - FRESH * 1000]
        if late:
            with self._file.writing() as db:
                db.executemany('UPDATE blobs SET "kept_at" = ? WHERE "_id" = ?', late)
                there = dict(_kept_at(db, digests))
        self._note(there)
        return [digest for digest in digests if digest not in there]

    def collect(self, age: float = HOUR) -> int:
        now = clock.now_ms()
        select = 'SELECT "_id", "kept_at" FROM blobs WHERE "kept_at" <= ?'
        with self._file.reading() as db:
            old = dict(db.execute(select, (now - int(age * 1000),)).fetchall())
            if not old:
                return 0
            named = {one for (told,) in db.execute(NAMED) for one in _digests(told)}
        rows = [(digest, at) for digest, at in old.items() if digest not in named]
        with self._file.faults(), _overwriting(self._file.db), self._file.writing() as db:
            gone = 'DELETE FROM blobs WHERE "_id" = ? AND "kept_at" = ?'
            count = db.executemany(gone, rows).rowcount if rows else 0
            seen = [(now, digest) for digest in old.keys() & named]
            db.executemany('UPDATE blobs SET "kept_at" = ? WHERE "_id" = ?', seen)
        return count


@contextmanager
def _overwriting(db: sqlite3.Connection) -> Iterator[None]:
    """What is removed is overwritten: it may be there because a secret was in it."""
    (before,) = db.execute("PRAGMA secure_delete").fetchone()
    db.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        db.execute(f"PRAGMA secure_delete = {before}")


def _digests(told: str) -> list[str]:
    """The hashes in a JSON text, or in the bytes of what is none, in hexadecimal."""
    if not told.startswith("["):
        told = bytes.fromhex(told).decode("latin-1")
    return re.findall(r"[0-9a-f]{64}", told)


def _kept_at(db: sqlite3.Connection, digests: Sequence[str]) -> Iterator[tuple[str, int]]:
    marks = ", ".join("?" * len(digests))
    select = f'SELECT "_id", "kept_at" FROM blobs WHERE "_id" IN ({marks})'
    yield from db.execute(select, list(digests))
