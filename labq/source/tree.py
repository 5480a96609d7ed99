"""The parts of `source` that a working tree has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import path as paths
from pathlib import Path

from labq.source.changes import diff, origin, untracked
from labq.source.git import GitError
from labq.source.parts import Part
from labq.source.private import Private
from labq.source.repository import Repository, stamps, text
from labq.source.status import head, status
from labq.task import Document


def parts_of(
    repository: Repository, home: Path, folder: str, found: Document, notes: list[str]
) -> list[Part]:
    """The parts of a repository; what is known at once goes into `found`."""
    root = repository.root
    found["cwd"] = text(paths.relpath(paths.realpath(folder), root))
    whole = True
    try:
        tree = status(repository)
    except GitError as error:
        notes.append(f"git: {error}")
        tree, whole = head(repository), False
        found["diff"] = {}  # whether there is any is not known
    if tree.branch:
        found["branch"] = text(tree.branch)
    if tree.commit:
        found["commit"] = tree.commit
    elif whole:
        notes.append("git: there is no commit yet")
    else:
        return []
    private = Private(repository, home, folder)
    tree.untracked = private.others(tree.untracked)
    marks = f"{tree.commit} {tree.branch} {repository.stamps()}"
    parts = [Part("origin", marks, lambda: origin(repository, tree, private))]
    if tree.changed:
        marks = f"{tree.commit} {os.fsdecode(tree.raw)} {_state(root, tree.changed)} {private.key}"
        parts.append(Part("diff", marks, lambda: diff(repository, tree, private)))
    if tree.untracked:
        marks = f"{tree.commit} {tree.untracked} {_state(root, tree.untracked)} {private.key}"
        parts.append(Part("untracked", marks, lambda: untracked(repository, tree, private)))
    return parts


def _state(root: str, names: Sequence[str]) -> str:
    """A text that is another once one of the files is."""
    return stamps([paths.join(root, name) for name in names])
