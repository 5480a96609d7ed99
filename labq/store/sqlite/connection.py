"""One SQLite file: its connections, its transactions, and its errors in words that help."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock, Thread, current_thread, local, main_thread
from typing import Any
from weakref import finalize

from labq.errors import StoreError
from labq.private import make_file, make_folder
from labq.store.sqlite import schema

WAL_PAGES = 4000  # 16 MiB: hot pages are copied back a quarter as often as by default
THROUGH = 0.5  # seconds that whoever closes gives other threads to finish a statement
BUSY_MS = 30_000  # how long a writer waits for its turn
FULL = "database or disk is full"  # SQLite's words
INDEX_BYTES = 64 * 1024  # twice what the log's index, the file's -shm, takes when it is made
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs"}
)
NETWORK |= {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph-fuse", "glusterfs", "pvfs2", "orangefs"}


class Owner:
    """Whose connection it is, a thread's or a watch's, and whether it is in use just now.

    Python's sqlite3 crashes where a connection is closed while another thread is in it.
    """

    def __init__(self, thread: Thread | None) -> None:
        self.thread = thread  # None: several threads ask, one at a time
        self.uses: set[object] = set()
        self.db: sqlite3.Connection | None = None
        self.there: tuple[int, ...] = ()  # the file that it is a connection to
        self.nothing: sqlite3.Connection | None = None  # to tables without a row

    def close(self) -> None:
        """Closes the connection; there may be another one later."""
        db, self.db = self.db, None
        if db is not None:
            db.close()


class File:
    """A file and its tables, with one connection per thread.

    Where there is none, reads find nothing, until a write of something new makes it.

    The last connection of all processes that closes copies the log into the file and removes it, so
    each is closed: by `close`, else when the File is collected or the interpreter ends. One that is
    in use at that moment is closed by its user, if the process lives on.

    Raises:
        StoreError: it cannot be opened, or lies on a network file system.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._local = local()
        self._owners: list[Owner] = []
        self._closed = self._frozen = False
        self._turn = Lock()  # SQLite sleeps a millisecond and more where it has to wait
        self._sight = RLock()  # of the file, for the first time
        self._is_seen = self._is_prepared = False
        self.careful = False  # whether some row was seen that SQLite cannot read
        self._close_all = finalize(self, _close_all, self._owners, os.getpid())
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
                schema.prepare(self)
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
        """Closes every connection; none is opened again."""
        self._closed = True
        self._close_all()

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection, to the file that has the name now; to an empty one before.

        Raises:
            OSError: there is none any more.
        """
        return self.connection(self._mine())

    def owner(self, thread: Thread | None = None) -> Owner:
        """A new owner of a connection, which `faults` takes; see `leave`."""
        for one in list(self._owners):
            if one.thread is not None and not one.thread.is_alive() and not one.uses:
                self.leave(one)
        self._owners.append(owner := Owner(thread))
        return owner

    def leave(self, owner: Owner) -> None:
        """Closes the connection of an owner who asks no more."""
        with suppress(ValueError):  # another thread is faster
            self._owners.remove(owner)
        owner.close()

    def _mine(self) -> Owner:
        owner: Owner | None = getattr(self._local, "owner", None)
        if owner is None:
            owner = self._local.owner = self.owner(current_thread())
        return owner

    def connection(self, owner: Owner, busy_ms: int = 0) -> sqlite3.Connection:
        """The owner's connection, as `db`; it waits for BUSY_MS for others, or for `busy_ms`."""
        if owner.db is not None and owner.db.in_transaction:
            return owner.db
        if not self.is_there():
            return self._nothing(owner)
        there = self.there()
        if owner.db is None or there != owner.there:
            owner.db = None  # a list that is read still has the old one
            owner.db, owner.there = self._connected(), there
            owner.db.execute(f"PRAGMA busy_timeout = {busy_ms or BUSY_MS}")
            owner.db.execute("PRAGMA synchronous = NORMAL")
            owner.db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            if self.careful:
                owner.db.text_factory = _text
        return owner.db

    def there(self) -> tuple[int, ...]:
        """Which file has the name now: a connection stays with its own, though it was removed.

        Of a file that is read without its log, also which state of it: see `_connected`.

        Raises:
            OSError: none has.
        """
        status = os.stat(self.path)  # noqa: PTH116 - for every read and write
        if self._is_still():
            return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
        return status.st_dev, status.st_ino

    def _connected(self) -> sqlite3.Connection:
        """A new connection.

        Where this user may not write the file or its folder, SQLite cannot make the log, without
        which it reads nothing, or cannot remove it: unless another user's process has made one, the
        file holds everything, and is read as it is.
        """
        if self._is_still():
            name = f"{self.path.absolute().as_uri()}?immutable=1"
            return sqlite3.connect(name, isolation_level=None, check_same_thread=False, uri=True)
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    def _is_over(self) -> bool:
        """Whether none is opened any more; at the interpreter's end its last callbacks still may.

        Those are the main thread's. Daemons go on beside them, whatever ends.
        """
        return self._closed or not (self._close_all.alive or current_thread() is main_thread())

    def _is_still(self) -> bool:
        """Whether the file is read as it is, without a log."""
        return self._frozen and not os.path.exists(f"{self.path}-wal")  # noqa: PTH110 - the same

    @staticmethod
    def _nothing(owner: Owner) -> sqlite3.Connection:
        if owner.nothing is None:
            owner.nothing = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False
            )
            schema.make(owner.nothing)
        return owner.nothing

    @contextmanager
    def writing(self, *, durable: bool = False, make: bool = False) -> Iterator[sqlite3.Connection]:
        """One write transaction; rolled back whole by any error.

        Only what is new to the file may `make` it: a change of what is there finds nothing.
        """
        if make:
            self.make()
        with self.faults(), self._turn:
            db = self.db
            try:
                if durable:
                    db.execute("PRAGMA synchronous = FULL")
                db.execute("BEGIN IMMEDIATE")
                schema.require_known_of(self.path, db)  # a newer labq may have come
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
        for owner in list(self._owners):
            if owner.db is not None:
                owner.db.text_factory = _text
        return True

    def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of a read, also where another program wrote what SQLite cannot read."""
        try:
            return self.db.execute(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            if not self.beware(error):
                raise
            return self.db.execute(sql, params).fetchall()

    @contextmanager
    def faults(self, owner: Owner | None = None) -> Iterator[None]:
        """A use of the file by its owner, this thread unless another is named.

        Turns SQLite's errors into labq's, which name the file and say what can be done.
        """
        owner, use = owner or self._mine(), object()
        owner.uses.add(use)  # before the look: whoever closes looks at the uses after it says so
        try:
            if self._is_over():
                raise sqlite3.ProgrammingError("the store is closed")
            still = self._is_still() and self.there()
            try:
                yield
            finally:
                if still and still != self.there():
                    raise StoreError(f"{self.path}: changed while it was read: try again")
        except sqlite3.Error as error:
            told = FULL if _is_full(error, self.path) else str(error)
            raise StoreError(f"{self.path}: {told}{_advice(told)}") from None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror or error}") from None
        finally:
            if self._is_over() and owner.uses == {use}:
                owner.close()  # before the use is over: whoever closes all waits for it
            owner.uses.discard(use)

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


def _close_all(owners: list[Owner], process: int) -> None:
    """Closes the connections, in the process that opened them: a forked one would harm the file.

    Of those that other threads use they are waited for, which close them.
    """
    until = time.monotonic() + THROUGH
    for owner in owners if os.getpid() == process else ():
        others = owner.thread is not current_thread()
        while others and owner.uses and time.monotonic() < until:
            time.sleep(0.001)
        if not (others and owner.uses):
            owner.close()


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


def _is_full(error: sqlite3.Error, path: Path) -> bool:
    """Whether it is for want of room: where the log's index has none, SQLite says I/O error."""
    with suppress(OSError):
        room = os.statvfs(path.parent)
        return "I/O" in str(error) and room.f_bavail * room.f_frsize < INDEX_BYTES
    return False


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
