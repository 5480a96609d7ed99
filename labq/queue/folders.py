"""The folders that tasks have on this machine, and which store's each is.

`HOME/tasks/ID` is the folder of a task. The empty file `HOME/stores/MARK/ID` says that a task of
the store of that mark has had one: several stores may share a HOME, and what is of none of the
tasks of one store may well be of another's.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path

from labq.errors import LabqError
from labq.private import make_file, make_folder
from labq.store import Store
from labq.store.base import digest_of

CHUNK = 1000  # ids of one query
ID = re.compile(r"[0-9a-f]{32}")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Folders:
    """Those of the tasks of one store, below one HOME."""

    def __init__(self, home: Path, store: Store) -> None:
        self._store, self._home = store, home
        self._tasks, self._stores = home / "tasks", home / "stores"
        self._found = ""  # the mark, once the store has one

    def own(self, identity: str) -> None:
        """Notes that a task is to have its folder here; done before there is one.

        Raises:
            OSError: it cannot be noted.
        """
        with suppress(LabqError):  # of a store that lets nobody keep what tells it from others
            os.close(make_file(self._marked / identity, os.O_WRONLY))

    def remove(self, ids: Iterable[str]) -> int:
        """Removes the folders of these tasks; returns how many there were.

        One that another store has a task of stays, and so does one in which a job runs: that is
        for a `sweep` after its end.
        """
        return sum(self._remove(one) for one in ids if self._has(one))

    def sweep(self) -> int:
        """Removes the folders that tasks of this store had which are gone; returns how many."""
        mark = self._mark()
        if mark is None:
            return 0
        marked = (self._stores / mark).iterdir()
        return sum(self._forget(part) for part in _parts(path.name for path in marked))

    def remove_gone(self, ids: Sequence[str]) -> int:
        """Removes the folders of those of these tasks that are not in the store any more."""
        return sum(self._forget(part) for part in _parts(filter(self._has, ids)))

    def leave(self, identity: str) -> None:
        """Leaves the folder of a task to the person, who wants it though the task is to go."""
        if (mark := self._mark()) is not None:
            (self._stores / mark / identity).unlink(missing_ok=True)

    def _has(self, identity: str) -> bool:
        return os.path.lexists(self._tasks / identity)

    def _forget(self, ids: Sequence[str]) -> int:
        query = {"_id": {"$in": list(ids)}}
        kept = {task["_id"] for task in self._store.find(query, fields=("_id",))}
        return sum(self._remove(one) for one in ids if one not in kept and ID.fullmatch(one))

    def _remove(self, identity: str) -> bool:
        folder, mark = self._tasks / identity, self._mark()
        others = self._stores.iterdir() if self._stores.is_dir() else ()
        shared = any((other / identity).exists() for other in others if other.name != mark)
        if folder.is_symlink() and not shared:
            folder.unlink(missing_ok=True)  # what it leads to is not labq's
        with _alone(folder) as alone:
            if not alone:
                return False
            there = folder.is_dir() and not shared
            if there:
                shutil.rmtree(folder, ignore_errors=True)
        if mark is not None and (shared or not folder.exists()):
            (self._stores / mark / identity).unlink(missing_ok=True)
        return there and not folder.exists()

    @cached_property
    def _marked(self) -> Path:
        """The folder of this store's mark, made."""
        marked = self._stores / self._name(self._store.identity(make=True))
        make_folder(marked)
        return marked

    def _mark(self) -> str | None:
        """The mark of this store; None where no task of it has had a folder here."""
        if not self._stores.is_dir():
            return None
        if not self._found and (identity := self._store.identity()):
            self._found = self._name(identity)
        return self._found if self._found and (self._stores / self._found).is_dir() else None

    def _name(self, identity: str) -> str:
        """The mark: by what the store keeps and, of a file, by where it is: a copy is another."""
        place = ""
        if self._store.address.startswith("sqlite:"):
            file = self._store.address.removeprefix("sqlite:")
            place = os.path.relpath(os.path.realpath(file), os.path.realpath(self._home))
        return digest_of(f"{identity} {place}".encode(errors="surrogateescape"))[:32]


def in_use(folder: str | Path) -> int:
    """A descriptor of a folder, which is not removed while that is open.

    Raises:
        OSError: there is no such folder, or a link stands in its place.
    """
    descriptor = os.open(folder, FOLDER)
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody uses the folder, nor does while this goes on."""
    try:
        descriptor = os.open(folder, FOLDER)
    except OSError:  # there is none
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    except OSError:  # a file system without locks
        yield True
    else:
        yield True
    finally:
        os.close(descriptor)


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while part := list(islice(rest, CHUNK)):
        yield part
