"""One SQLite file: its connections, its transactions, and its errors in words that help."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock, current_thread, local, main_thread
from weakref import finalize

from labq.errors import StoreError
from labq.private import make_file, make_folder
from labq.store import sqlite_schema

WAL_PAGES = 4000  # 16 MiB: hot pages are copied back a quarter as often as by default
BUSY_MS = 30_000  # how long a writer waits for its turn
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"}
)
NETWORK |= {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph-fuse", "glusterfs", "pvfs2", "orangefs"}


class File:
    """A file and its tables, with one connection per thread.

    Where there is none, reads find nothing, until a write of something new makes it.

    The last connection of all processes that closes copies the log into the file and removes it, so
    each is closed: by `close`, else when the File is collected or the interpreter ends.

    Raises:
        StoreError: it cannot be opened, or lies on a network file system.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._local = local()
        self._open: list[sqlite3.Connection] = []
        self._gate = Lock()  # none is opened while all are closed
        self._closed = self._frozen = False
        self._turn = Lock()  # SQLite sleeps a millisecond and more where it has to wait
        self._sight = RLock()  # of the file, for the first time
        self._is_seen = self._is_prepared = False
        self._close_all = finalize(self, _close_all, self._open, self._gate, os.getpid())
        self.careful = False  # whether some row was seen that SQLite cannot read
        with self.faults():
            self.is_there()

    def is_there(self) -> bool:
        """Whether the file is, or was, there; its tables are brought up to date at first sight."""
        if self._is_prepared:
            return True
        with self._sight:
            if self._is_seen:  # by this thread, which prepares it
                return True
            if not self.path.exists():
                return False
            self._is_seen = True
            try:
                self._refuse_odd()
                writable = (os.access(path, os.W_OK) for path in (self.path, self.path.parent))
                self._frozen = not all(writable)
                sqlite_schema.prepare(self)
                self._is_prepared = True
            except BaseException:
                self.close()
                raise
        return True

    def make(self) -> None:
        """Makes the file, its owner's alone, unless it is, or was, there."""
        with self.faults():
            if self.is_there():
                return
            make_folder(self.path.parent)
            self._refuse_odd()
            os.close(make_file(self.path.resolve(), os.O_RDWR))
            self.is_there()

    def close(self) -> None:
        """Closes every connection, whatever other threads do with theirs; none is opened again."""
        self._closed = True
        self._close_all()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection, to the file that has the name now; to an empty one before.

        Raises:
            OSError: there is none any more.
        """
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db not in self._open:
            db = None
        if db is not None and db.in_transaction:
            return db
        if not self.is_there():
            return self._nothing()
        there = self.there()
        if db is None or there != self._local.there:
            if db is not None:
                self.drop(db)
            db = self.another()
            db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            if self.careful:
                db.text_factory = _text
            self._local.db, self._local.there = db, there
        return db

    def there(self) -> tuple[int, ...]:
        """Which file has the name now: a connection stays with its own, though it was removed.

        Of a file that is read without its log, also which state of it: see `another`.

        Raises:
            OSError: none has.
        """
        status = os.stat(self.path)  # noqa: PTH116 - for every read and write
        if self._is_still():
            return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
        return status.st_dev, status.st_ino

    def another(self) -> sqlite3.Connection:
        """A connection of the caller's own, until `drop` or `close`.

        Threads close one another's connections at the end, and never use them before. Where
        this user may not write the file or its folder, SQLite cannot make the log, without which it
        reads nothing, or cannot remove it: unless another user's process has made one, the file
        holds everything, and is read as it is.
        """
        if self._is_still():
            return self._connected(f"{self.path.absolute().as_uri()}?immutable=1")
        return self._connected(self.path)

    def _connected(self, name: str | Path) -> sqlite3.Connection:
        """A connection to the file of that name, or URI, which is closed with the others."""
        uri = str(name).startswith("file:")
        with self._gate:
            if self._is_over():
                raise sqlite3.ProgrammingError("the store is closed")
            db = sqlite3.connect(name, isolation_level=None, check_same_thread=False, uri=uri)
            self._open.append(db)
        return db

    def drop(self, db: sqlite3.Connection) -> None:
        """Closes one of the connections."""
        with self._gate, suppress(ValueError):  # all are closed already
            self._open.remove(db)
        db.close()

    def _is_over(self) -> bool:
        """Whether none is opened any more; at the interpreter's end its last callbacks still may.

        Those are the main thread's. Daemons go on beside them, whatever ends.
        """
        return self._closed or not (self._close_all.alive or current_thread() is main_thread())

    def _is_still(self) -> bool:
        """Whether the file is read as it is, without a log."""
        return self._frozen and not os.path.exists(f"{self.path}-wal")  # noqa: PTH110 - the same

    def _nothing(self) -> sqlite3.Connection:
        """This thread's connection to tables without a row."""
        db: sqlite3.Connection | None = getattr(self._local, "nothing", None)
        if db is None or db not in self._open:
            db = self._connected(":memory:")
            sqlite_schema.make(db)
            self._local.nothing = db
        return db

    @contextmanager
    def writing(self, *, durable: bool = False, make: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction; rolled back whole by any error.

        Only what is new to the file may `make` it: a change of what is there finds nothing.
        """
        if make:
            self.make()
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

    def beware(self, error: sqlite3.OperationalError) -> bool:
        """Takes note that a row holds what SQLite cannot read; False where that is known already.

        From now on a text that is no UTF-8 comes as its bytes.
        """
        if self.careful or not _is_unreadable(error):
            return False
        self.careful = True
        for db in list(self._open):
            db.text_factory = _text
        return True

    @contextmanager
    def faults(self, *, unreadable: bool = False) -> Iterator[None]:
        """Turns SQLite's errors into labq's, which name the file and say what can be done.

        With `unreadable` all but the first one for which `beware` is meant.
        """
        try:
            still = self._is_still() and self.there()
            try:
                yield
            finally:
                if still and still != self.there():
                    raise StoreError(f"{self.path}: changed while it was read: try again")
        except sqlite3.Error as error:
            if unreadable and not self.careful and _is_unreadable(error):
                raise
            raise StoreError(f"{self.path}: {error}{_advice(str(error))}") from None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from None

    def _refuse_odd(self) -> None:
        """Refuses what is no file, and a file system that cannot lock one."""
        if self.path.exists() and not self.path.is_file():
            raise StoreError(f"{self.path}: not a file")
        kind = _filesystem(self.path.parent.resolve())
        if kind in NETWORK:
            raise StoreError(
                f"{self.path}: on a network file system ({kind}), where SQLite's locks cannot be "
                "trusted: set LABQ_HOME to a local disk, or LABQ_URI to a MongoDB"
            )


def _close_all(connections: list[sqlite3.Connection], gate: Lock, process: int) -> None:
    """Closes the connections, in the process that opened them: a forked one would harm the file."""
    if os.getpid() == process:
        with gate:
            while connections:
                connections.pop().close()


def _is_unreadable(error: sqlite3.Error) -> bool:
    """Whether SQLite says so of a text that is no UTF-8, or of what is no JSON."""
    told = str(error)
    return any(
        sign in told for sign in ("Could not decode to UTF-8", "malformed JSON", "JSON cannot")
    )


def _text(octets: bytes) -> str | bytes:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets


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
