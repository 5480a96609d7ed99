"""The small tables beside the tasks, in SQLite: one JSON text a record, matched by Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from labq import clock
from labq.filters import matcher
from labq.model.shapes import Shape
from labq.model.sound import MALFORMED, sound_record
from labq.model.task import Document
from labq.store.base import EVERY, Change, Query, Records
from labq.store.sqlite.codec import counted, placed, record_of, timed, to_text
from labq.store.sqlite.connection import File


class SQLiteRecords(Records):
    """The records of one table, which has the columns `_id` and `record`."""

    def __init__(self, file: File, table: str, shapes: Mapping[str, Shape]) -> None:
        self._file, self._table, self._shapes = file, table, shapes

    def put(self, identity: str, change: Change) -> Document:
        with self._file.writing(make=True) as db:
            db.execute(f'INSERT OR IGNORE INTO {self._table} ("_id") VALUES (?)', (identity,))
            (old,) = self._read(identity)
            return sound_record(self._write(db, old, change), self._shapes)

    def update(self, query: Query, change: Change) -> int:
        with self._file.writing() as db:
            found = list(self._matching(query))
            for old in found:
                self._write(db, old, change)
            return len(found)

    def find(self, query: Query = EVERY) -> Iterator[Document]:
        with self._file.faults():
            for record in self._matching(query):
                yield sound_record(record, self._shapes)

    def delete(self, query: Query) -> int:
        with self._file.writing() as db:
            found = [(old["_id"],) for old in self._matching(query)]
            db.executemany(f'DELETE FROM {self._table} WHERE "_id" = ?', found)
            return len(found)

    def _matching(self, query: Query) -> Iterator[Document]:
        """What matches now; read whole first, since a reader holds the log back."""
        identity = query.get("_id")
        records = self._read(identity if isinstance(identity, str) else None)
        if not query or (len(query) == 1 and isinstance(identity, str)):
            return iter(records)  # the matcher is not even imported
        return filter(matcher(query), records)

    def _read(self, identity: str | None) -> list[Document]:
        """One record, or all, by `_id`."""
        where, params = ("", ()) if identity is None else (' WHERE "_id" = ?', (identity,))
        select = f'SELECT "_id", "record" FROM {self._table}{where} ORDER BY "_id"'
        return [self._record(name, text) for name, text in self._file.rows(select, params)]

    @staticmethod
    def _record(name: str, text: Any) -> Document:
        """A record as it is stored; where it is none, an empty one that says so."""
        record, why = record_of(text)
        record.pop(MALFORMED, None)
        return {"_id": name, **record, **({MALFORMED: {"record": why}} if why else {})}

    def _write(self, db: sqlite3.Connection, old: Document, change: Change) -> Document:
        new = revised(old, change, clock.now())
        own = ("_id", MALFORMED)
        record = to_text({field: value for field, value in new.items() if field not in own})
        update = f'UPDATE {self._table} SET "record" = ? WHERE "_id" = ?'
        db.execute(update, (record, old["_id"]))
        return new


def revised(old: Document, change: Change, now: datetime) -> Document:
    """`old` with the change made, which is left as it is.

    Raises:
        ConflictError: a dotted path leads through something that is no dict.
    """
    new = old
    for path, value in counted(change.set).items():
        new = placed(new, path.split("."), timed(value, now), path)
    for path, amount in change.inc.items():
        new = placed(new, path.split("."), _at(new, path, 0) + amount, path)
    for path, item in change.push.items():
        kept = [*_at(new, path, []), timed(item, now)][-change.keep :]
        new = placed(new, path.split("."), kept, path)
    for path in change.unset:
        new = _without(new, path.split("."))
    return new


def _at(node: Any, path: str, default: Any) -> Any:
    for key in path.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return default
        node = node[key]
    return node


def _without(node: Any, keys: Sequence[str]) -> Any:
    if not isinstance(node, Mapping) or keys[0] not in node:
        return node
    rest = {key: value for key, value in node.items() if key != keys[0]}
    if len(keys) == 1:
        return rest
    return {**node, keys[0]: _without(node[keys[0]], keys[1:])}
