"""The SQLite store: one file, WAL, one connection per thread.

SQL narrows a query and, where it can, decides it (`query`); the Python matcher decides the
rest, so that the answer is mongod's. Writers take the write lock first (BEGIN IMMEDIATE), so what
they read is what they change. An insert is on the disk when it returns (synchronous=FULL); a claim
or a finish that a power cut undoes costs a second run, never the file (NORMAL, under WAL). Leases
are counted by the machine's steady clock, whatever becomes of its wall clock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from labq import clock
from labq.filters import matcher, sorted_by
from labq.model.fields import QUEUE, WORKER
from labq.model.sound import MALFORMED
from labq.model.task import Document
from labq.store.base import CLAIM_ORDER, EXPIRES, STEADY, Change, Query, Run, Sort, Store, Watch
from labq.store.refusals import require_here, shorts_of
from labq.store.sqlite import codec as rows
from labq.store.sqlite import queues
from labq.store.sqlite.blobs import SQLiteBlobs
from labq.store.sqlite.connection import File
from labq.store.sqlite.records import SQLiteRecords

if TYPE_CHECKING:
    from labq.store.sqlite.prepared import Compiled


class SQLiteStore(Store):
    """Tasks in one SQLite file, for one machine.

    Args:
        path: the file.
        make: whether it is made at once; else with the first record or content.

    Raises:
        StoreError: the file cannot be opened, or lies on a network file system.
    """

    def __init__(self, path: str, *, make: bool = True) -> None:
        self.address = f"sqlite:{path}"
        self._file = File(path)
        if make:
            self._file.make()
        self._compiled: dict[str, Compiled] = {}
        self._watches: list[Watch] = []
        self.queues = SQLiteRecords(self._file, "queues", QUEUE)
        self.workers = SQLiteRecords(self._file, "workers", WORKER)
        self.blobs = SQLiteBlobs(self._file)

    def insert(self, queue: str, tasks: Sequence[Document]) -> list[int]:
        now = clock.now_ms()
        encoded: Sequence[queues.Row] = [rows.encoded(task, now) for task in tasks]
        shorts = shorts_of(tasks)
        with self._file.writing(durable=True, make=True) as db:
            queues.require_free(db, queue, shorts)
            first, record = queues.take_numbers(db, queue, len(tasks))
            encoded = queues.admitted(db, queue, record, first, encoded)
            numbers = range(first, first + len(tasks))
            new = 0
            for fields, group in _by_fields(zip(numbers, encoded, strict=True)):
                columns = ("queue", "number", *fields)
                marks = ", ".join("?" * len(columns))
                new += db.executemany(
                    f"INSERT INTO tasks ({rows.quoted(columns)}) VALUES ({marks})"
                    ' ON CONFLICT ("_id") DO NOTHING',
                    ((queue, number, *row.values()) for number, row in group),
                ).rowcount
            if new == len(tasks):
                return list(numbers)
            look = 'SELECT "number", "queue" FROM tasks WHERE "_id" = ?'  # it keeps its first
            found = [db.execute(look, (task["_id"],)).fetchone() for task in tasks]
            require_here(queue, (there for _, there in found))
            return [number for number, _ in found]

    def find(
        self,
        query: Query,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Sequence[str] = (),
        steady: bool = False,  # noqa: ARG002 - a read is of one moment here
    ) -> Iterator[Document]:
        order = _order(sort)
        with self._file.faults():
            if order is not None:
                found = self._matching(query, fields, order)
                yield from islice(found, limit or None)
                return
            for doc in sorted_by(self._matching(query, (), ""), sort)[: limit or None]:
                yield (
                    {f: doc[f] for f in ("_id", *fields, MALFORMED) if f in doc} if fields else doc
                )

    def _matching(self, query: Query, fields: Sequence[str], order: str) -> Iterator[Document]:
        """The tasks that match, in the SQL order given, with the fields named or all.

        Where another program wrote what SQLite cannot read, it goes on behind what it gave already.
        """
        given = 0
        while True:
            try:
                for doc in islice(self._selected(query, fields, order), given, None):
                    given += 1
                    yield doc
            except sqlite3.OperationalError as error:  # noqa: PERF203 - once
                if not self._file.beware(error):
                    raise
                self._compiled.clear()
            else:
                return

    def _selected(self, query: Query, fields: Sequence[str], order: str) -> Iterator[Document]:
        compiled = self._query(query)
        select = compiled.select(fields, order)
        matches: Callable[[Document], bool] | None = None
        for row in self._file.db.execute(select.sql, compiled.params(query)):
            if not compiled.exact and not row[-1]:
                matches = matches or matcher(query)
                if not matches(rows.stored(select.read, row)[0]):
                    continue
            yield rows.document(select.shown, row)

    def count(self, query: Query, *, steady: bool = False) -> int:  # noqa: ARG002 - the same
        with self._file.reading() as db:
            try:
                return self._count(db, query)
            except sqlite3.OperationalError as error:
                if not self._file.beware(error):
                    raise
                self._compiled.clear()
                return self._count(db, query)

    def _count(self, db: sqlite3.Connection, query: Query) -> int:
        compiled = self._query(query)
        where, params = compiled.where, compiled.params(query)
        if compiled.exact:
            sql = f"SELECT count(*) FROM tasks WHERE {where.sql}"
            return int(db.execute(sql, params).fetchone()[0])
        sure = f"count(CASE WHEN {where.certain} THEN 1 END)"
        sql = f"SELECT {sure}, count(*) FROM tasks WHERE {where.sql}"
        certain, possible = db.execute(sql, params).fetchone()
        if certain == possible:
            return int(certain)
        return sum(1 for _ in self._matching(query, ("_id",), ""))

    def counts(self) -> dict[tuple[str, str], int]:
        sql = 'SELECT "queue", "status", count(*) FROM tasks GROUP BY "queue", "status"'
        with self._file.faults():
            found = self._file.rows(sql)
        return {(queue, status): n for queue, status, n in found if type(status) is str}

    def runs(self, queue: str, group: str) -> list[Run]:
        with self._file.faults():
            return queues.runs(self._file, queue, group)

    def rename(self, queue: str, new: str) -> int:
        with self._file.writing(durable=True) as db:
            return queues.rename(db, queue, new)

    def update_first(
        self, query: Query, change: Change, fields: Sequence[str] = ()
    ) -> Document | None:
        with self._file.writing() as db:
            order = "" if isinstance(query.get("_id"), str) else _order(CLAIM_ORDER) or ""
            read = (*fields, *rows.read_first(change)) if fields else ()
            # no LIMIT in the SQL, since Python may decide: the cursor is read a row at a time
            old = next(self._matching(query, read, order), None)
            if old is None:
                return None
            return rows.after(old, *self._write(db, old, change), fields)

    def update(self, query: Query, change: Change) -> int:
        return self.update_each([(query, change)])

    def update_each(self, writes: Iterable[tuple[Query, Change]]) -> int:
        total = 0
        with self._file.writing() as db:
            for query, change in writes:
                found = list(self._matching(query, ("_id", *rows.read_first(change)), ""))
                for old in found:
                    self._write(db, old, change)
                total += len(found)
        return total

    @staticmethod
    def _write(
        db: sqlite3.Connection, old: Document, change: Change
    ) -> tuple[Document, dict[str, Any]]:
        new, row = rows.changed(old, change, clock.now())
        if new.get("short") is not None:
            look = 'SELECT "queue" FROM tasks WHERE "_id" = ?'
            (queue,) = db.execute(look, (old["_id"],)).fetchone()
            queues.require_free(db, queue, {new["short"]: old["_id"]})
        identity = rows.raw(old["_id"])
        update = rows.update_of(tuple(row), odd=not isinstance(identity, str))
        db.execute(update, (*row.values(), identity))
        return new, row

    def delete(self, query: Query) -> int:
        with self._file.writing() as db:
            found = [rows.raw(doc["_id"]) for doc in self._matching(query, ("_id",), "")]
            for identity in found:
                this = rows.named(odd=not isinstance(identity, str))
                db.execute(f"DELETE FROM tasks WHERE {this}", (identity,))
            return len(found)

    def events(self, queue: str, since: str | None = None) -> Iterator[Document]:
        from labq.store.sqlite.events import events

        return events(self._file, queue, since)

    def newest_event(self, queue: str) -> str:  # noqa: ARG002 (the log is the store's)
        from labq.store.sqlite.events import newest

        return newest(self._file)

    def identity(self, *, make: bool = False) -> str:
        read = "PRAGMA application_id"
        with self._file.faults():
            (number,) = self._file.db.execute(read).fetchone()
        if not number and make:
            with self._file.writing(make=True) as db:
                (number,) = db.execute(read).fetchone()
                number = number or int.from_bytes(os.urandom(4), "big") // 2 + 1
                db.execute(f"{read} = {number}")
        return f"{number:08x}" if number else ""

    def exists(self) -> bool:
        with self._file.faults():
            return self._file.is_there()

    def now(self) -> datetime:
        return clock.now()

    def over(self, field: str = EXPIRES) -> Query:
        now, steady = clock.deadline(0), f"{field.removesuffix(EXPIRES)}{STEADY}"
        holds = {f"{steady}.boot": now["boot"], f"{steady}.until": {"$gte": now["until"]}}
        return {field: {"$exists": True}, "$nor": [holds]}

    def watch(self, queue: str) -> Watch:  # noqa: ARG002 (any commit to the file is news)
        from labq.store.sqlite.watch import SQLiteWatch

        watch = SQLiteWatch(self._file)
        self._watches.append(watch)
        return watch

    def close(self) -> None:
        while self._watches:
            self._watches.pop().close()
        self._file.close()

    def leave(self) -> None:
        self.close()

    def _query(self, query: Query) -> Compiled:
        """The query compiled; only now is the compiler imported, which `task submit` needs not."""
        from labq.store.sqlite.prepared import Compiled, shape

        key = shape(query)
        if key not in self._compiled:
            if len(self._compiled) > 100:  # noqa: PLR2004 - a worker asks for some ten shapes
                self._compiled.clear()
            self._compiled[key] = Compiled(query, careful=self._file.careful)
        return self._compiled[key]


def _order(sort: Sort) -> str | None:
    """The ORDER BY clause, empty without a sort; None where SQL would not order as mongod does."""
    return _ordered(tuple(sort)) if sort else ""


@lru_cache(maxsize=256)
def _ordered(sort: tuple[tuple[str, int], ...]) -> str | None:
    from labq.store.sqlite.query import compile_order

    order = compile_order(sort)
    return None if order is None else f" ORDER BY {order}"


def _by_fields(
    numbered: Iterable[tuple[int, dict[str, Any]]],
) -> Iterator[tuple[tuple[str, ...], list[tuple[int, dict[str, Any]]]]]:
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for number, row in numbered:
        groups.setdefault(tuple(row), []).append((number, row))
    yield from groups.items()
