"""One SQLite file: its connections, its transactions, and its errors in words that help."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labq.errors import StoreError

WAL_PAGES = 4000  # 16 MiB: hot pages are copied back a quarter as often as by default
BUSY_MS = 30_000  # how long a writer waits for its turn
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"}
)
NETWORK |= {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph-fuse", "glusterfs", "pvfs2", "orangefs"}


class File:
    """A file that is there, with one connection per thread.

    Raises:
        StoreError: it cannot be made, or lies on a network file system.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._turn = threading.Lock()  # SQLite sleeps a millisecond and more where it has to wait
        with self.faults():
            self._prepare_file()

    def close(self) -> None:
        """Closes every thread's connection."""
        while self._open:
            self._open.pop().close()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection, to the file that has the name now.

        Raises:
            OSError: there is none any more.
        """
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None and db.in_transaction:
            return db
        there = self.there()
        if db is None or there != self._local.there:
            db = self.another()
            db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            self._local.db, self._local.there = db, there
            self._open.append(db)
        return db

    def there(self) -> tuple[int, int]:
        """Which file has the name now: a connection stays with its own, though it was removed.

        Raises:
            OSError: none has.
        """
        status = os.stat(self.path)  # noqa: PTH116 - for every read and write
        return status.st_dev, status.st_ino

    def another(self) -> sqlite3.Connection:
        """A connection of the caller's own.

        Threads close one another's connections at the end, and never use them before.
        """
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction; rolled back whole by any error."""
        with self.faults(), self._turn:
            db = self.db
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
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the database for several reads."""
        with self.faults():
            db = self.db
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("COMMIT")

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turns SQLite's errors into labq's, which name the file and say what can be done."""
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
