"""The contents beside the tasks, in SQLite: one row each."""

from __future__ import annotations

from collections.abc import Sequence

from labq.errors import NotFoundError, StoreError
from labq.store.base import Blobs, digest_of
from labq.store.sqlite_file import File


class SQLiteBlobs(Blobs):
    """The rows of the table `blobs`."""

    def __init__(self, file: File) -> None:
        self._file = file

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        if self.missing([digest]):
            row = (digest, len(content), content)
            with self._file.writing(durable=True) as db:
                db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", row)
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

    def missing(self, digests: Sequence[str]) -> list[str]:
        marks = ", ".join("?" * len(digests))
        select = f'SELECT "_id" FROM blobs WHERE "_id" IN ({marks})'
        with self._file.faults():
            there = {name for (name,) in self._file.db.execute(select, list(digests))}
        return [digest for digest in digests if digest not in there]
