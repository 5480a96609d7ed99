"""The SQLite store: one file, WAL, one connection per thread; the only importer of sqlite3.

SQL narrows a query and, where it can, decides it (`sqlite_query`); the Python matcher decides the
rest, so that the answer is mongod's. Writers take the write lock first (BEGIN IMMEDIATE), so what
they read is what they change. An insert is on the disk when it returns (synchronous=FULL); a claim
or a finish that a power cut undoes costs a second run, never the file (NORMAL, under WAL).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from labq import clock
from labq.errors import StoreError
from labq.filters import matcher, sorted_by
from labq.store import sqlite_rows as rows
from labq.store.base import CLAIM_ORDER, Change, Query, Records, Sort, Store
from labq.task import Document

if TYPE_CHECKING:
    from labq.store.sqlite_compiled import Compiled

SCHEMA_VERSION = 1
WAL_PAGES = 4000  # 16 MiB: hot pages are copied back a quarter as often as by default
BUSY_MS = 30_000  # how long a writer waits for its turn
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"}
)
NETWORK |= {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph-fuse", "glusterfs", "pvfs2", "orangefs"}


class SQLiteStore(Store):
    """Tasks in one SQLite file, for one machine.

    Raises:
        StoreError: the file cannot be opened, or lies on a network file system.
    """

    poll = 0.05

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.address = f"sqlite:{path}"
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._compiled: dict[str, Compiled] = {}
        self.queues = _Queues(self)
        with self._faults():
            self._prepare_file()
            self._migrate()

    def insert(self, queue: str, tasks: Sequence[Document]) -> list[int]:
        now = clock.now_ms()
        encoded = [rows.encoded(task, now) for task in tasks]
        with self._writing(durable=True) as db:
            first = self._take_numbers(db, queue, len(tasks))
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
            look = 'SELECT "number" FROM tasks WHERE "_id" = ?'  # a repeated task keeps its first
            return [db.execute(look, (task["_id"],)).fetchone()[0] for task in tasks]

    @staticmethod
    def _take_numbers(db: sqlite3.Connection, queue: str, count: int) -> int:
        db.execute("INSERT OR IGNORE INTO queues VALUES (?, 1)", (queue,))
        (first,) = db.execute("SELECT next_number FROM queues WHERE name = ?", (queue,)).fetchone()
        db.execute("UPDATE queues SET next_number = ? WHERE name = ?", (first + count, queue))
        return int(first)

    def find(
        self, query: Query, *, sort: Sort = (), limit: int = 0, fields: Sequence[str] = ()
    ) -> Iterator[Document]:
        order = _order(sort)
        if order is None:
            found = sorted_by(self._matching(query, (), ""), sort)[: limit or None]
            return (
                {f: doc[f] for f in ("_id", *fields) if f in doc} if fields else doc
                for doc in found
            )
        return self._limited(self._matching(query, fields, order), limit)

    @staticmethod
    def _limited(found: Iterator[Document], limit: int) -> Iterator[Document]:
        for at, doc in enumerate(found, start=1):
            yield doc
            if at == limit:
                return

    def _matching(self, query: Query, fields: Sequence[str], order: str) -> Iterator[Document]:
        """The tasks that match, in the SQL order given, with the fields named or all."""
        compiled = self._query(query)
        select = compiled.select(fields, order)
        matches: Callable[[Document], bool] | None = None
        with self._faults():
            for row in self._db.execute(select.sql, compiled.params(query)):
                if not compiled.exact and not row[-1]:
                    matches = matches or matcher(query)
                    if not matches(rows.document(select.read, row)):
                        continue
                yield rows.document(select.shown, row)

    def count(self, query: Query) -> int:
        compiled = self._query(query)
        where, params = compiled.where, compiled.params(query)
        with self._reading() as db:
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
        with self._faults():
            return {(queue, status): n for queue, status, n in self._db.execute(sql)}

    def update_first(
        self, query: Query, change: Change, fields: Sequence[str] = ()
    ) -> Document | None:
        with self._writing() as db:
            order = _order(CLAIM_ORDER) or ""
            read = (*fields, *rows.read_first(change)) if fields else ()
            # no LIMIT in the SQL, since Python may decide: the cursor is read a row at a time
            old = next(self._limited(self._matching(query, read, order), 1), None)
            if old is None:
                return None
            new = self._write(db, old, change)
            doc = {
                **old,
                **{field: rows.decode(field, v) for field, v in new.items() if v is not None},
            }
            gone = [field for field, value in new.items() if value is None]
            return {field: value for field, value in doc.items() if field not in gone}

    def update(self, query: Query, change: Change) -> int:
        return self.update_each([(query, change)])

    def update_each(self, writes: Iterable[tuple[Query, Change]]) -> int:
        total = 0
        with self._writing() as db:
            for query, change in writes:
                found = list(self._matching(query, ("_id", *rows.read_first(change)), ""))
                for old in found:
                    self._write(db, old, change)
                total += len(found)
        return total

    @staticmethod
    def _write(db: sqlite3.Connection, old: Document, change: Change) -> dict[str, Any]:
        new = rows.changed(old, change, clock.now_ms())
        db.execute(rows.update_of(tuple(new)), (*new.values(), old["_id"]))
        return new

    def delete(self, query: Query) -> int:
        with self._writing() as db:
            found = [(doc["_id"],) for doc in self._matching(query, ("_id",), "")]
            db.executemany('DELETE FROM tasks WHERE "_id" = ?', found)
            return len(found)

    def now(self) -> datetime:
        return clock.now()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def _query(self, query: Query) -> Compiled:
        """The query compiled; only now is the compiler imported, which `task submit` needs not."""
        from labq.store.sqlite_compiled import Compiled, shape

        key = shape(query)
        if key not in self._compiled:
            if len(self._compiled) > 100:  # noqa: PLR2004 - a worker asks for some ten shapes
                self._compiled.clear()
            self._compiled[key] = Compiled(query)
        return self._compiled[key]

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            # threads close one another's connections at the end, and never use them before
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            self._local.db = db
            self._open.append(db)
        return db

    @contextmanager
    def _writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction; rolled back whole by any error."""
        with self._faults():
            db = self._db
            if durable:
                db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            finally:
                if durable:
                    db.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the database for several reads."""
        with self._faults():
            db = self._db
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("COMMIT")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}{_advice(str(error))}") from None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from None

    def _prepare_file(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kind = _filesystem(self.path.parent.resolve())
        if kind in NETWORK:
            raise StoreError(
                f"{self.path}: on a network file system ({kind}), where SQLite's locks cannot be "
                "trusted: set LABQ_HOME to a local disk, or LABQ_URI to a MongoDB"
            )
        if self.path.exists() and not self.path.is_file():
            raise StoreError(f"{self.path}: not a file")
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))

    def _migrate(self) -> None:
        db = self._db
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(f"{self.path}: made by a newer labq (schema {version}): upgrade labq")
        if version == SCHEMA_VERSION:
            return
        db.execute("PRAGMA journal_mode = WAL")
        with self._writing():
            if db.execute("PRAGMA user_version").fetchone() != (0,):
                return  # another process was faster
            script = Path(__file__).with_name("schema.sql").read_text("utf-8")
            lines = (line for line in script.splitlines() if not line.startswith("--"))
            for statement in "\n".join(lines).split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


class _Queues(Records):
    def __init__(self, store: SQLiteStore) -> None:
        self._store = store

    def find(self, query: Query = MappingProxyType({})) -> Iterator[Document]:
        matches = matcher(query)
        with self._store._faults():  # noqa: SLF001
            names = self._store._db.execute("SELECT name FROM queues ORDER BY name")  # noqa: SLF001
            yield from (doc for (name,) in names if matches(doc := {"_id": name}))


def _order(sort: Sort) -> str | None:
    """The ORDER BY clause, empty without a sort; None where SQL would not order as mongod does."""
    if not sort:
        return ""
    from labq.store.sqlite_query import compile_order

    order = compile_order(sort)
    return None if order is None else f" ORDER BY {order}"


def _by_fields(
    numbered: Iterable[tuple[int, dict[str, Any]]],
) -> Iterator[tuple[tuple[str, ...], list[tuple[int, dict[str, Any]]]]]:
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for number, row in numbered:
        groups.setdefault(tuple(row), []).append((number, row))
    yield from groups.items()


def _advice(error: str) -> str:
    """What a person can do about an SQLite error."""
    for sign, advice in (
        ("locked", f" for over {BUSY_MS // 1000} s by another process: try again"),
        ("readonly", ": make the file and its folder writable"),
        ("full", ": make room, then try again"),
        ("malformed", ": restore the file from a copy"),
        ("not a database", ": name another file"),
    ):
        if sign in error:
            return advice
    return ""


def _filesystem(folder: Path) -> str:
    """The type of the file system that `folder` lies on; unknown where there is no /proc/mounts."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    best, kind = "", ""
    for line in mounts.splitlines():
        point, mounted = line.split(" ")[1:3]
        point = point.replace("\\040", " ")
        inside = folder == Path(point) or Path(point) in folder.parents
        if inside and len(point) >= len(best):
            best, kind = point, mounted
    return kind
