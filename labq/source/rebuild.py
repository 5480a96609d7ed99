"""Rebuilds the tree that a task came from, in a folder of its own.

checkouts/KEY.git   a bare clone for each address, with every commit that was asked for
checkouts/trees/    a file for each tree that is in use, locked by the process that uses it
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from os import path as paths
from pathlib import Path
from typing import Any

from labq.private import make_file, make_folder
from labq.source.archive import unpack
from labq.source.git import GitError, git
from labq.store.base import Blobs, digest_of

FETCH_TIMEOUT = 3600.0  # seconds
REST = 0.05  # seconds between two looks at a lock
HEADS, TAGS = "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"
Stopped = Callable[[], bool]
Git = Callable[..., bytes]


class Checkouts:
    """The clones and trees of one machine, below `home`; safe for any number of its processes."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "checkouts"
        self._trees = self._folder / "trees"
        self._used: dict[str, int] = {}  # trees of this object, and the descriptors of their locks

    def build(
        self, source: Mapping[str, Any], blobs: Blobs, tree: Path, stopped: Stopped = lambda: False
    ) -> str:
        """Makes the tree; the folder in it that the task was submitted in.

        Args:
            source: the task's.
            blobs: where its contents are.
            tree: the folder to make, removed by `remove`.
            stopped: looked at now and then; all ends with an error once it is true.

        Raises:
            GitError, NotFoundError, StoreError, OSError: it cannot be rebuilt.
        """
        commit = source.get("commit", "")
        if not commit:
            raise GitError("its repository had no commit")
        if not re.fullmatch("[0-9a-f]{7,64}", commit):
            raise GitError("that is no commit")
        for part in ("diff", "untracked"):
            if part in source and "blob" not in source[part] and source[part].get("files", 1):
                told = source.get("notes", "").split("; ")
                why = "; ".join(note for note in told if note.startswith(f"{part}:"))
                raise GitError(f"its {part} could not be recorded ({why})")
        folder = Path(paths.normpath(tree / source.get("cwd", ".")))
        if not folder.is_relative_to(tree):
            raise GitError(f"its working directory {source['cwd']} is outside of the repository")
        clone = self._folder / f"{digest_of(source.get('url', '').encode())[:16]}.git"
        do = partial(git, stopped=stopped, held=(self._use(clone, tree),), timeout=FETCH_TIMEOUT)
        with locked(f"{clone}.lock", stopped):
            self._fetch(clone, source, commit, blobs, tree, do)
            commit = do(str(clone), "rev-parse", f"{commit}^{{commit}}").decode().strip()
            do(str(clone), "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit)
        if "blob" in source.get("diff", {}):
            with _file(tree, "diff", blobs.get(source["diff"]["blob"])) as name:
                do(str(tree), "apply", "--index", "--whitespace=nowarn", name)
        if "blob" in source.get("untracked", {}):
            unpack(blobs.get(source["untracked"]["blob"]), str(tree))
        folder.mkdir(parents=True, exist_ok=True)  # git knows no empty folder
        return str(folder)

    def remove(self, tree: Path) -> None:
        """Removes a tree of this object, whatever is there of it; raises nothing."""
        descriptor = self._used.pop(str(tree), None)
        if descriptor is not None:
            self._forget(self._name(tree))
            os.close(descriptor)

    def tidy(self) -> None:
        """Removes the trees of processes that were killed; raises nothing."""
        if not self._trees.is_dir():
            return
        with locked(str(self._folder / "lock")):
            for name in sorted(self._trees.iterdir()):
                with suppress(OSError), name.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._forget(name)

    def _name(self, tree: Path) -> Path:
        """The file that says that the tree is in use."""
        return self._trees / digest_of(os.fsencode(tree))[:32]

    def _use(self, clone: Path, tree: Path) -> int:
        """Says that the tree is in use; the descriptor of its lock."""
        make_folder(self._trees)
        with locked(str(self._folder / "lock")):  # nobody tidies a file that is not locked yet
            descriptor = make_file(self._name(tree), os.O_RDWR | os.O_TRUNC)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, json.dumps([str(clone), str(tree)]).encode())
        self._used[str(tree)] = descriptor
        return descriptor

    @staticmethod
    def _forget(name: Path) -> None:
        """Removes the tree that such a file names, and the file."""
        with suppress(OSError, ValueError):
            clone, tree = json.loads(name.read_text("utf-8"))
            shutil.rmtree(tree, ignore_errors=True)
            with suppress(GitError), locked(f"{clone}.lock", lambda: True):  # else another prunes
                git(clone, "worktree", "prune")
        with suppress(OSError):
            name.unlink()

    def _fetch(
        self,
        clone: Path,
        source: Mapping[str, Any],
        commit: str,
        blobs: Blobs,
        tree: Path,
        do: Git,
    ) -> None:
        """Sees to it that the clone has the commit, for good."""
        if not (clone / "HEAD").exists():
            kind = "sha1" if len(commit) <= 40 else "sha256"  # noqa: PLR2004 - their digits
            bare = ("init", "--quiet", "--bare", f"--object-format={kind}", str(clone))
            git(str(self._folder), *bare)
        url = source.get("url", "")
        fetch = partial(_fetched, do, str(clone))
        if not _has(clone, commit) and "blob" in source.get("bundle", {}):
            digest = source["bundle"]["blob"]
            with _file(tree, "bundle", blobs.get(digest)) as name:
                _unbundle(fetch, name, f"+HEAD:refs/labq/{digest}", url)
        if _has(clone, commit):
            return
        if not url:
            raise GitError("it is on no remote, and was not recorded")
        for refs in (HEADS, TAGS):
            if not _has(clone, commit):
                fetch(url, refs)
        if not _has(clone, commit):
            try:
                fetch(url, f"+{commit}:refs/labq/{commit}")  # of no branch any more; some give it
            except GitError:
                raise GitError(f"{url} does not have it") from None
        git(str(clone), "update-ref", f"refs/labq/{commit}", f"{commit}^{{commit}}")


def _fetched(do: Git, clone: str, place: str, refs: str) -> None:
    """Fetches these refs into the clone."""
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--")
    do(clone, *words, place, refs)


def _unbundle(fetch: Callable[[str, str], None], bundle: str, refs: str, url: str) -> None:
    """Fetches from a bundle, and what it builds on from the address where that is not here yet."""
    try:
        fetch(bundle, refs)
    except GitError:
        if not url:
            raise
        fetch(url, HEADS)
        fetch(bundle, refs)


def _has(clone: Path, commit: str) -> bool:
    try:
        git(str(clone), "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError:
        return False
    return True


@contextmanager
def _file(tree: Path, kind: str, content: bytes) -> Iterator[str]:
    """A file beside the tree, for as long as git reads it."""
    path = tree.with_name(f"{tree.name}.{kind}")
    path.write_bytes(content)
    try:
        yield str(path)
    finally:
        path.unlink()


@contextmanager
def locked(name: str, stopped: Stopped = lambda: False) -> Iterator[None]:
    """While it is held, no thread and no other process of this machine holds it."""
    with open(make_file(name, os.O_RDWR), "rb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stopped():
                    raise GitError("it was stopped") from None
                time.sleep(REST)
        yield
