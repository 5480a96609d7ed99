"""The log of what becomes of tasks, in SQLite: the table `events`, which triggers fill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from labq import clock
from labq.model.sound import sound_event
from labq.model.task import Document
from labq.store.refusals import no_token
from labq.store.sqlite.codec import UNREADABLE
from labq.store.sqlite.connection import File

FIELDS = ("task", "number", "queue", "from", "to", "at", "attempt", "worker", "reason")
READ = f'SELECT "seq", {", ".join(f"{chr(34)}{field}{chr(34)}" for field in FIELDS)} FROM events'
AT_ONCE = 1000  # rows: a reader that stands still holds the file's log back


def newest(file: File) -> str:
    """The token of what was logged last, of any queue."""
    with file.faults():
        return str(file.db.execute('SELECT coalesce(max("seq"), 0) FROM events').fetchone()[0])


def events(file: File, queue: str, since: str | None) -> Iterator[Document]:
    """`Store.events`: a token is the number of a row."""
    if since is not None and not (since.isascii() and since.isdecimal() and len(since) < 19):  # noqa: PLR2004 - 64 bits
        raise no_token(since)
    last, end = int(since or 0), int(newest(file))
    with file.faults():
        (oldest,) = file.db.execute('SELECT coalesce(min("seq"), 1) FROM events').fetchone()
    missed = since is not None and oldest > last + 1
    while True:
        with file.faults():
            rows = _rows(file, (last, end, queue, AT_ONCE))
        for seq, *values in rows:
            found = zip(FIELDS, values, strict=True)
            event = sound_event({field: _decoded(field, value) for field, value in found})
            yield {"token": str(seq), **event, **({"missed": True} if missed else {})}
            last, missed = seq, False
        if len(rows) < AT_ONCE:
            return


def _rows(file: File, place: tuple[int, int, str, int]) -> list[tuple[Any, ...]]:
    page = f'{READ} WHERE "seq" > ? AND "seq" <= ? AND "queue" = ? ORDER BY "seq" LIMIT ?'
    return file.rows(page, place)


def _decoded(field: str, value: Any) -> Any:
    with suppress(*UNREADABLE):
        return clock.from_ms(value) if field == "at" else value
    return value
