"""Finds the repository that a folder is in, and tells whether it is still the same, without git."""

from __future__ import annotations

import os
from os import path as paths
from typing import NamedTuple


class Repository(NamedTuple):
    """A working tree: its top, and the folder of what it shares with the other trees of a clone."""

    root: str
    shared: str

    def stamps(self) -> str:
        """A text that is another once the settings or the remotes' branches are."""
        looked = ["config", "config.worktree", "packed-refs", "reftable"]
        heads = paths.join(self.shared, "refs", "remotes")
        folders = [folder for folder, _, _ in os.walk(heads)]
        return stamps([*(paths.join(self.shared, name) for name in looked), *folders])


def find(folder: str) -> Repository | None:
    """The repository that the folder is in; None where it is in none."""
    here = paths.realpath(folder)
    while True:
        private = _private(here)
        if private is not None:
            return Repository(here, _shared(private))
        above = paths.dirname(here)
        if above == here:
            return None
        here = above


def repository_of(folder: str, script: str | None, *, named: bool) -> Repository | None:
    """That of a command's script, or else the folder's; a submodule is part of the one around it.

    Args:
        folder: where it runs.
        script: the file of the script, if it is known.
        named: whether the command names it; a program that only submits counts where the folder is
            in no repository.
    """
    here = find(folder) if paths.isdir(folder) else None
    if script is None or not paths.isfile(script) or (here and not named):
        return here
    real = paths.realpath(script)
    there = find(paths.dirname(real))
    if there is None or (here and (there == here or f"{here.shared}/modules/" in there.shared)):
        return here
    from labq.source.git import GitError, git

    try:  # one of an environment, or of another program's own, is no script of that repository
        known = git(there.root, "ls-files", "-co", "--exclude-standard", "--", real)
    except GitError:
        known = b""
    return there if known else here


def stamps(names: list[str]) -> str:
    """A text that is another once one of the files is."""
    return " ".join(map(_stamp, names))


def text(name: str) -> str:
    """A name as it may be stored: bytes that are no UTF-8 become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace("\0", "")


def _stamp(name: str) -> str:
    try:
        found = os.lstat(name)
    except OSError:
        return "-"
    return f"{found.st_mode}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _private(folder: str) -> str | None:
    """The git directory of the tree whose top is this folder; a file there may name it."""
    at = paths.join(folder, ".git")
    if paths.isfile(at):
        line = _line(at)
        if not line.startswith("gitdir: "):
            return None
        at = paths.join(folder, line.removeprefix("gitdir: "))
    return at if paths.lexists(paths.join(at, "HEAD")) else None


def _shared(private: str) -> str:
    at = paths.join(private, "commondir")
    return paths.normpath(paths.join(private, _line(at))) if paths.isfile(at) else private


def _line(name: str) -> str:
    try:
        with open(name, "rb") as file:
            return os.fsdecode(file.readline()).rstrip("\n")
    except OSError:
        return ""
