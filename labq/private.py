"""Folders and files that labq keeps for itself: their owner's alone, whatever the umask is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def make_folder(path: str | os.PathLike[str]) -> None:
    """Makes a folder, and those above it that are missing, each 0700; one that is there stays.

    Raises:
        OSError: it cannot be made, or something else is there.
    """
    missing = []
    at = Path(path)
    while not at.is_dir():
        missing.append(at)
        at = at.parent
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another was faster
            folder.mkdir(0o700)
            _mend(folder.stat().st_mode, 0o700, folder)


def make_file(path: str | os.PathLike[str], flags: int, within: int | None = None) -> int:
    """A descriptor of a file, opened with these flags; made 0600 where it is not there yet.

    A link is never followed: another may have put it there.

    Args:
        path: the file.
        flags: such as `os.O_WRONLY | os.O_TRUNC`.
        within: the descriptor of the folder that the path starts from.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        made = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=within)
    except FileExistsError:
        return os.open(path, flags, dir_fd=within)
    _mend(os.fstat(made).st_mode, 0o600, made)
    return made


def _mend(mode: int, wanted: int, which: int | Path) -> None:
    """Gives what the umask took; what the folder above hands down stays."""
    if mode & 0o777 != wanted:
        os.chmod(which, mode & 0o7000 | wanted)  # noqa: PTH101 - of a descriptor too
