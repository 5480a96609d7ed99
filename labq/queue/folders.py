"""The folders that tasks have on this machine, and which store's each is.

`HOME/tasks/ID` is the folder of a task. A line ID of the file `HOME/stores/MARK` says that a task
of the store of that mark has had one: several stores may share a HOME, and what is of none of the
tasks of one store may well be of another's.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from labq.errors import LabqError
from labq.private import make_file, make_folder
from labq.store import Store
from labq.store.base import digest_of
from labq.values.batches import batches

CHUNK = 1000  # ids of one query
ID = re.compile(r"[0-9a-f]{32}")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Folders:
    """Those of the tasks of one store, below one HOME."""

    def __init__(self, home: Path, store: Store) -> None:
        self._store, self._home = store, home
        self._tasks, self._stores = home / "tasks", home / "stores"

    def own(self, identity: str) -> None:
        """Notes that a task is to have its folder here; done before there is one.

        Raises:
            OSError: it cannot be noted.
        """
        with suppress(LabqError):  # of a store that lets nobody keep what tells it from others
            mark = self._mark or self._made()
            with _locked(f"{self._stores}/{mark}", fcntl.LOCK_SH) as file:
                os.write(file, f"{identity}\n".encode())

    def remove(self, ids: Iterable[str]) -> int:
        """Removes the folders of these tasks; returns how many there were.

        One that another store has a task of stays, and so does one in which a job runs: that is
        for a `sweep` after its end.
        """
        gone, others = self._cleared(ids)
        self.leave([*gone, *others])
        return len(gone)

    def clear_gone(self, ids: Iterable[str]) -> list[str]:
        """Removes the folders of those of these tasks that are not in the store any more.

        Returns what is to be left, once for many: that writes all that is noted anew.
        """
        gone, others = self._cleared(self._gone(filter(self._has, ids)))
        return [*gone, *others]

    def _cleared(self, ids: Iterable[str]) -> tuple[list[str], list[str]]:
        """The tasks whose folders are removed now, and those whose folders are others' as well."""
        there = [one for one in ids if self._has(one)]
        gone = [one for one in there if one not in self._shared and self._remove(one)]
        return gone, [one for one in there if one in self._shared]

    def sweep(self) -> int:
        """Removes the folders that tasks of this store had which are gone; returns how many."""
        mark = self._mark
        if not mark:
            return 0
        gone = list(self._gone(filter(ID.fullmatch, _noted(self._stores / mark))))
        removed = self.remove(gone)
        self.leave([one for one in gone if not self._has(one)])
        return removed

    def leave(self, ids: Collection[str]) -> None:
        """Forgets that these had folders: there is none now, or a person wants it."""
        mark = self._mark
        if not mark or not ids:
            return
        path, those = f"{self._stores}/{mark}", set(ids)
        with _locked(path, fcntl.LOCK_EX):
            rest = "".join(f"{one}\n" for one in _noted(Path(path)) if one not in those)
            part = make_file(f"{path}.part", os.O_WRONLY | os.O_TRUNC)
            with os.fdopen(part, "w", encoding="ascii") as file:
                file.write(rest)
            os.replace(f"{path}.part", path)  # noqa: PTH105 - as it was opened

    def _has(self, identity: str) -> bool:
        return os.path.lexists(self._tasks / identity)

    def _gone(self, ids: Iterable[str]) -> Iterator[str]:
        """Those that the store does not have."""
        for part in batches(ids, CHUNK):
            found = self._store.find({"_id": {"$in": part}}, fields=("_id",))
            kept = {task["_id"] for task in found}
            yield from (one for one in part if one not in kept)

    def _remove(self, identity: str) -> bool:
        folder = self._tasks / identity
        if folder.is_symlink():  # what it leads to is not labq's
            folder.unlink(missing_ok=True)
            return True
        with _alone(folder) as alone:
            if alone:
                shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    @cached_property
    def _shared(self) -> frozenset[str]:
        """The tasks of other stores that have had folders here."""
        found = self._stores.iterdir() if self._stores.is_dir() else ()
        others = (path for path in found if ID.fullmatch(path.name) and path.name != self._mark)
        return frozenset(one for path in others for one in _noted(path))

    @property
    def _mark(self) -> str:
        """The mark of this store; empty where no task of it has had a folder here."""
        if "_known" in vars(self):
            return self._known
        if not self._stores.is_dir():
            return ""
        identity = self._store.identity()
        mark = self._name(identity) if identity else ""
        return self._made() if mark and (self._stores / mark).exists() else ""

    def _made(self) -> str:
        make_folder(self._stores)
        return self._known

    @cached_property
    def _known(self) -> str:
        return self._name(self._store.identity(make=True))

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


@contextmanager
def _locked(path: str, how: int) -> Iterator[int]:
    """The file, to be read and appended to, which nobody replaces meanwhile."""
    while True:
        file = make_file(path, os.O_RDWR | os.O_APPEND)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, how)
            if os.fstat(file).st_nlink:  # else it was replaced while this waited
                yield file
                return
        finally:
            os.close(file)


def _noted(path: Path) -> Iterator[str]:
    """The ids in such a file, each once."""
    with suppress(FileNotFoundError):
        yield from dict.fromkeys(path.read_text("ascii", "replace").split())
