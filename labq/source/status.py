"""What `git status` says of a working tree (git-status(1), "Porcelain Format Version 2")."""

from __future__ import annotations

import os

from labq.source.git import GitError, git
from labq.source.repository import Repository

TIMEOUT = 10.0  # seconds
SAY = (
    *("status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames"),
    *("--untracked-files=all", "--ignore-submodules=dirty"),
)
BEFORE_PATH = {b"1": 8, b"u": 10}  # spaces before the path, in a line of that kind


class Status:
    """Where a working tree stands; paths are from its top."""

    def __init__(self, commit: str = "") -> None:
        self.branch = ""  # empty where the head is detached
        self.commit = commit  # empty where there is none yet
        self.changed: list[str] = []  # tracked files that are not as committed
        self.untracked: list[str] = []
        self.raw = b""  # the lines of the changed files


def status(repository: Repository) -> Status:
    """One process of git.

    Raises:
        GitError: git does not tell.
    """
    found = Status()
    changed = []
    for line in git(repository.root, *SAY, timeout=TIMEOUT).split(b"\0"):
        kind, _, rest = line.partition(b" ")
        if kind == b"#":
            _head(found, os.fsdecode(rest))
        elif kind == b"?":
            found.untracked.append(os.fsdecode(rest))
        elif kind in BEFORE_PATH:
            found.changed.append(os.fsdecode(line.split(b" ", BEFORE_PATH[kind])[-1]))
            changed.append(line)
    found.raw = b"\0".join(changed)
    return found


def head(repository: Repository) -> Status:
    """The commit alone, where the whole takes too long; nothing where git does not tell that."""
    try:
        commit = git(repository.root, "rev-parse", "--verify", "--quiet", "HEAD")
        return Status(commit=commit.decode().strip())
    except GitError:
        return Status()


def _head(found: Status, line: str) -> None:
    name, _, value = line.partition(" ")
    if name == "branch.oid" and value != "(initial)":
        found.commit = value
    if name == "branch.head" and value != "(detached)":
        found.branch = value
