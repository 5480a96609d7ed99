"""The field `source` of a new task."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Sequence
from os import path as paths
from pathlib import Path
from typing import TYPE_CHECKING

from labq.model.task import Document
from labq.source import packages
from labq.source.cache import Cache, Part
from labq.source.entry import entry_point, is_python, script_of
from labq.source.repository import repository_of, text

if TYPE_CHECKING:
    from labq.source.blob_sink import Keeper


def capture(
    blobs: Keeper,
    home: Path,
    folder: str,
    words: Sequence[str] | None = None,
    script: str | None = None,
    *,
    ours: bool = False,
    run: bool = False,
) -> Document:
    """What a task that is submitted in `folder` comes from. Raises nothing.

    It has `root` (the top of the repository), `url`, `branch`, `commit`, `cwd` (from the top, where
    it is below it), `entry_point`, `links` (words of the command that lead into it by another name,
    and where to), `host`, `user`, `python` (its version), `notes` (what was not captured, on one
    line) and, as
    `{"blob": SHA-256, "size": bytes, ...}` of contents in `blobs`, `diff` (with `files`),
    `untracked` (a tar file; `files`, `left_out`), `bundle` (`commits`) and `packages` (`count`).
    What there is nothing of is left out. No environment variable is ever among it.

    `python` and `packages` are those of this process, and only there where the job is likely to
    run in the same environment (`packages.is_ours`): labq runs no other Python to ask it.

    The repository is that of the command's script; where there is none, that of the folder.

    Args:
        blobs: where contents go.
        home: where labq keeps its files, what it captured the last time among them.
        folder: where the task is to run.
        words: its command, if it has one.
        script: the program that submits it, where it has none.
        ours: whether the job runs in this environment, whatever its command.
        run: whether the command is run here and now, as it stands. Where that begins with the path
            of a Python, it is the `interpreter`; `typed_interpreter` unless the job is `ours`.
    """
    found: Document = {"host": os.uname().nodename, "user": _user()}
    notes: list[str] = []
    try:
        parts = []
        if run and words and is_python(words[0]) and paths.isabs(words[0]):
            found["interpreter" if ours else "typed_interpreter"] = text(words[0])
        file = script_of(words, folder) if words else script
        repository = repository_of(folder, file, named=bool(words))
        subject = repository.root if repository else ""
        if repository is not None:
            from labq.source.tree import links, parts_of

            found["root"] = text(subject)
            if words and (led := links(words, folder, file, subject)):
                found["links"] = led
            parts += parts_of(repository, home, folder, found, notes)
        else:
            notes.append(f"git: {text(folder)} is in no repository")
        entry = entry_point(words, folder) if words else script and _relative(script, subject)
        if entry:
            found["entry_point"] = text(entry)
        if ours or packages.is_ours(words):
            found["python"] = packages.version()
            parts.append(Part("packages", packages.key(), packages.packages))
        else:
            notes.append("packages: the job's Python is not the one that labq runs in")
        fields, missed = Cache(home, f"{subject}\n{sys.prefix}").gather(parts, blobs)
        found |= fields
        notes += missed
    except Exception as error:  # noqa: BLE001 - a submit never fails for what it cannot note
        notes.append(f"source: {error or type(error).__name__}")
    if notes:
        found["notes"] = text("; ".join(" ".join(note.split()) for note in notes))
    return found


def _relative(script: str, root: str) -> str | None:
    """A program's file, from the top of the repository where it is in it; None where it is none."""
    if not paths.isfile(script):
        return None
    whole = paths.realpath(script)
    return paths.relpath(whole, root) if root and whole.startswith(f"{root}/") else whole


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
