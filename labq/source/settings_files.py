"""Which files of a working tree are never recorded: those that labq takes its settings from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from math import inf
from os import path as paths
from pathlib import Path
from stat import S_ISREG

from labq import config
from labq.source.entry import SCRIPTS
from labq.source.git import GitError, TooLarge, git
from labq.source.repository import Repository, stamps

# Any folder's labq.yaml, what editors leave beside one, and what lies in a person's settings.
NAMES = (":(top,icase,glob)**/*labq.y*ml*", ":(top,icase,glob)**/labq/config.y*ml*")
LIKE = re.compile(r"labq\.y[^/]*ml[^/]*$|(?:^|/)labq/config\.y[^/]*ml[^/]*$", re.IGNORECASE)
YAML = re.compile(r"\.y[^/]*ml[^/]*$", re.IGNORECASE)
# Such a file by any name: it has the key, and perhaps a password, however YAML writes that.
URI = re.compile(rb"""(?:^|[{,])\s*["']?uri["']?\s*:""", re.MULTILINE)
SUSPECT = re.compile(rb"[@\\]|passw|secret", re.IGNORECASE)
LARGEST = 64 * 1024  # bytes of a file that may be one
LINK, MODULE = "120000", "160000"  # git's modes of a link and of a submodule


class SettingsFiles:
    """The settings of labq in a working tree, by their names and by where links of them lead."""

    def __init__(self, repository: Repository, home: Path, folder: str) -> None:
        self._root, self._home = repository.root, paths.realpath(home)
        used = [*config.files(), *config.files(folder=Path(folder))]
        self._used = [os.fspath(path) for path in used]
        self._same: set[tuple[int, int]] | None = None

    @property
    def key(self) -> str:
        """A text that is another once other files are in use."""
        return f"{self._used} {stamps(self._used)}"

    def others(self, names: Sequence[str]) -> list[str]:
        """The files but for those below labq's own folder, where that is in the tree."""
        inside = self._home.startswith(f"{self._root}/")
        own = paths.relpath(self._home, self._root) + "/" if inside else "/"
        return [name for name in names if not name.startswith(own)]

    def holds(self, name: str) -> bool:
        """Whether the file of that name, from the top, is one of them."""
        if LIKE.search(name):
            return True
        path = paths.join(self._root, name)
        try:
            found = os.lstat(path)
        except OSError:
            return False
        if (found.st_dev, found.st_ino) in self._those():
            return True
        if name.endswith(SCRIPTS) or not S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return False
        try:
            return _may_tell(Path(path).read_bytes())
        except OSError:
            return False

    def specs(self, changed: Sequence[str]) -> list[str]:
        """What makes git leave them out of a diff, those that change at this moment too."""
        others = [name for name in changed if not LIKE.search(name) and self.holds(name)]
        left = [":(top,exclude,literal)" + name for name in others]
        return [".", *(name.replace("(top", "(top,exclude") for name in NAMES), *left]

    def in_commits(self, *range_: str) -> list[str]:
        """Those that may have a password in one of these commits, by their names from the top."""
        words = ("--format=", "--raw", "--no-abbrev", "--no-renames", "-z", "-m", "--full-history")
        listed = git(self._root, "log", *words, *range_).split(b"\0")
        files = [
            (os.fsdecode(name), *line.decode().split()[1:4:2])
            for line, name in zip(listed[::2], listed[1::2], strict=False)
        ]
        led = {
            paths.normpath(paths.join(paths.dirname(name), os.fsdecode(self._blob(new))))
            for name, mode, new in files
            if mode == LINK and LIKE.search(name)
        }
        told = (name for name, mode, new in files if mode != MODULE and self._tells(name, new, led))
        return sorted(set(told))

    def _tells(self, name: str, blob: str, led: AbstractSet[str]) -> bool:
        if not blob.strip("0"):
            return False
        if name in led or LIKE.search(name) or self.holds(name):
            return SUSPECT.search(self._blob(blob)) is not None
        try:
            return YAML.search(name) is not None and _may_tell(self._blob(blob, LARGEST))
        except TooLarge:
            return False

    def _blob(self, identity: str, most: float = inf) -> bytes:
        return git(self._root, "cat-file", "-p", identity, most=most)

    def _those(self) -> set[tuple[int, int]]:
        """The files that settings are read from, whatever they are called there."""
        if self._same is None:
            self._same = set()
            for name in (*self._used, *self._in_tree()):
                try:
                    found = os.stat(name)
                except OSError:
                    continue
                self._same.add((found.st_dev, found.st_ino))
        return self._same

    def _in_tree(self) -> Iterator[str]:
        try:
            listed = git(self._root, "ls-files", "-z", "--cached", "--others", "--", *NAMES)
        except GitError:
            return
        for name in os.fsdecode(listed).split("\0"):
            if name:
                yield paths.join(self._root, name)


def _may_tell(content: bytes) -> bool:
    """Whether a file's content is that of settings which may have a password."""
    return URI.search(content) is not None and SUSPECT.search(content) is not None
