"""Which files of a working tree are never recorded: those that labq takes its settings from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from os import path as paths
from pathlib import Path

from labq import config
from labq.source.git import GitError, git
from labq.source.repository import Repository, stamps

# Any folder's labq.yaml, what editors leave beside one, and what lies in a person's settings.
NAMES = (":(top,icase,glob)**/*labq.y*ml*", ":(top,icase,glob)**/labq/config.y*ml*")
LIKE = re.compile(r"labq\.y[^/]*ml[^/]*$|(?:^|/)labq/config\.y[^/]*ml[^/]*$", re.IGNORECASE)
PASSWORD = re.compile(rb"://[^\s/]*:\S*@")


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
        try:
            found = os.lstat(paths.join(self._root, name))
        except OSError:
            return False
        return (found.st_dev, found.st_ino) in self._those()

    def specs(self, changed: Sequence[str]) -> list[str]:
        """What makes git leave them out of a diff, those that change at this moment too."""
        others = [name for name in changed if not LIKE.search(name) and self.holds(name)]
        left = [":(top,exclude,literal)" + name for name in others]
        return [".", *(name.replace("(top", "(top,exclude") for name in NAMES), *left]

    def in_commits(self, *range_: str) -> list[str]:
        """Those with a password in one of these commits, by their names from the top."""
        words = ("--format=", "--raw", "--no-abbrev", "--no-renames", "-z", "-m", "--full-history")
        listed = git(self._root, "log", *words, *range_, "--", *NAMES).split(b"\0")
        found = set()
        for line, name in zip(listed[::2], listed[1::2], strict=False):
            new = line.split()[3].decode()
            if new.strip("0") and PASSWORD.search(git(self._root, "cat-file", "-p", new)):
                found.add(os.fsdecode(name))
        return sorted(found)

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
