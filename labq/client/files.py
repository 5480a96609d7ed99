"""The files of a task on this machine: what its jobs said, and what they left in its folder."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from labq.client.waiting import teller
from labq.errors import ConflictError
from labq.values.coerce import text
from labq.values.plain import plain

BLOCK = 1 << 20  # bytes


def check(folder: Any, progress: Any) -> None:
    """Refuses what is no folder to fetch to, or no progress.

    Raises:
        UsageError: which of them it is.
    """
    if folder is not None:
        text("output_dir", plain(folder, "output_dir"))
    teller("results_progress", progress)


def fetch(
    folders: Mapping[str, Path],
    target: str | PathLike[str],
    progress: bool | Callable[[int, int, str], object] | None,
    *,
    overwrite: bool,
) -> list[Path]:
    """Copies all files of tasks' folders into `target`; returns where they are.

    It warns where there is no such folder on this machine.

    Args:
        folders: those of the tasks, by the place of each below `target`.
        target: made where it is missing.
        progress: True, or a function of bytes read, bytes in all and the file's name.
        overwrite: whether files may be written over.

    Raises:
        ConflictError: a file is in the way; nothing is copied.
        OSError: a file cannot be read or written.
    """
    base = Path(target).expanduser()
    copies: dict[Path, Path] = {}
    missing = [folder for folder in folders.values() if not folder.is_dir()]
    if missing:
        more = f", nor {len(missing) - 1:,} others" if len(missing) > 1 else ""
        told = f"there are no results on this machine: no folder {missing[0]}{more}"
        warnings.warn(told, stacklevel=4)
    for place, folder in folders.items():
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        copies |= {path: base / place / path.relative_to(folder) for path in found}
    there = [path for path in copies.values() if path.exists()]
    if there and not overwrite:
        raise ConflictError(f"{there[0]} is there already: overwrite=True writes over it")
    tell = _told if progress is True else progress or None
    for source, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, copy, copy.relative_to(base).as_posix(), tell)
    return list(copies.values())


def _copy(
    source: Path, target: Path, name: str, tell: Callable[[int, int, str], object] | None
) -> None:
    total, read = source.stat().st_size, 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(BLOCK):
            writer.write(block)
            read += len(block)
            if tell is not None:
                tell(read, total, name)
        status = os.fstat(reader.fileno())
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    if status.st_mode & 0o100:  # readable by whom the umask says, and so to be run
        mode = target.stat().st_mode
        target.chmod(mode | (mode & 0o444) >> 2)


def _told(read: int, total: int, name: str) -> None:
    if read == total:
        sys.stderr.write(f"{name}: {total:,} bytes\n")


def tail(folder: Path, attempt: int, lines: int) -> str:
    """The last lines that an attempt wrote to stderr, or to stdout where that is empty."""
    for stream in ("stderr", "stdout"):
        path = folder / f"{attempt}.{stream}"
        if path.is_file() and (size := path.stat().st_size):
            with path.open("rb") as file:
                file.seek(max(0, size - (1 << 14)))
                text = file.read().decode("utf-8", "replace")
            return "\n".join(text.splitlines()[-lines:])
    return ""
