"""The parts of `source` that a working tree has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import path as paths
from pathlib import Path

from labq.model.task import Document
from labq.source.cache import Part
from labq.source.entry import script_at
from labq.source.git import GitError
from labq.source.repository import Repository, stamps, text
from labq.source.settings_files import SettingsFiles
from labq.source.status import head, status
from labq.source.worktree import diff, origin, untracked


def parts_of(
    repository: Repository, home: Path, folder: str, found: Document, notes: list[str]
) -> list[Part]:
    """The parts of a repository; what is known at once goes into `found`."""
    root = repository.root
    if (place := _below(paths.realpath(folder), root)) is not None:
        found["cwd"] = text(place)
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
    settings = SettingsFiles(repository, home, folder)
    tree.untracked = settings.others(tree.untracked)
    marks = f"{tree.commit} {tree.branch} {repository.stamps()}"
    parts = [Part("origin", marks, lambda: origin(repository, tree, settings))]
    if tree.changed:
        marks = f"{tree.commit} {os.fsdecode(tree.raw)} {_state(root, tree.changed)} {settings.key}"
        parts.append(Part("diff", marks, lambda: diff(repository, tree, settings)))
    if tree.untracked:
        marks = f"{tree.commit} {tree.untracked} {_state(root, tree.untracked)} {settings.key}"
        parts.append(Part("untracked", marks, lambda: untracked(repository, tree, settings)))
    return parts


def links(words: Sequence[str], folder: str, script: str | None, root: str) -> dict[str, str]:
    """Words of the program that lead into the repository by another name, and where, from the top.

    So does the script where the command runs outside of the repository.
    """
    found: dict[str, str] = {}
    end = script_at(words, folder)
    real_folder = paths.realpath(folder)
    outside = _below(real_folder, root) is None
    for word in words[: end + 1]:
        is_script = script is not None and paths.join(folder, word) == script
        if not (paths.isabs(word) or is_script) or not paths.exists(paths.join(folder, word)):
            continue
        real = _below(paths.realpath(paths.join(folder, word)), root)
        plain = _below(paths.normpath(paths.join(real_folder, word)), root)
        if real is not None and (real != plain or (outside and not paths.isabs(word))):
            found[text(word)] = text(real)
    return found


def _below(path: str, root: str) -> str | None:
    """A whole path from the top of the repository; None where it is not below it."""
    inside = path == root or path.startswith(f"{root.rstrip('/')}/")
    return paths.relpath(path, root) if inside else None


def _state(root: str, names: Sequence[str]) -> str:
    """A text that is another once one of the files is."""
    return stamps([paths.join(root, name) for name in names])
