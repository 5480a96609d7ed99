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
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102 - once per task
    except FileExistsError:
        if not os.path.isdir(path):  # noqa: PTH112 - the same
            raise
    except FileNotFoundError:
        make_folder(Path(path).parent)
        make_folder(path)
    else:
        _mend(os.stat(path).st_mode, 0o700, path)  # noqa: PTH116 - the same


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
    with suppress(FileNotFoundError):
        return os.open(path, flags, dir_fd=within)
    try:
        made = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=within)
    except FileExistsError:  # another was faster
        return os.open(path, flags, dir_fd=within)
    _mend(os.fstat(made).st_mode, 0o600, made)
    return made


def _mend(mode: int, wanted: int, which: int | str | os.PathLike[str]) -> None:
    """Gives what the umask took; what the folder above hands down stays."""
    if mode & 0o777 != wanted:
        os.chmod(which, mode & 0o7000 | wanted)  # noqa: PTH101 - of a descriptor too
