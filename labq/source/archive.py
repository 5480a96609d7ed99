"""The untracked files of a tree, as one content: a tar file of nothing but files and links."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterable
from os import path as paths

from labq.source.git import GitError


def pack(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """The tar file of these: name, mode, and bytes or, of a link, where it leads.

    It is the same for the same files: no times, no owners.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, mode, data in files:
            member = tarfile.TarInfo(name)
            member.mode = 0o755 if mode & stat.S_IXUSR else 0o644
            if stat.S_ISLNK(mode):
                member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(data)
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def unpack(content: bytes, folder: str) -> None:
    """Writes the files into the folder, and nowhere else.

    Raises:
        GitError: one would lie outside of the folder, or in the place of another.
    """
    top = paths.realpath(folder)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            path = paths.join(top, member.name)
            above = paths.realpath(paths.dirname(path))
            inside = above == top or above.startswith(f"{top}{os.sep}")
            if not inside or paths.basename(path) in ("", ".", "..", ".git"):
                raise GitError(f"its untracked file {member.name!r} is outside of the repository")
            try:
                os.makedirs(above, exist_ok=True)
                _write(archive, member, path)
            except OSError as error:
                told = f"its untracked file {member.name!r}: {error.strerror}"
                raise GitError(told) from None


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    if member.issym():
        os.symlink(member.linkname, path)
        return
    file = archive.extractfile(member)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, member.mode & 0o755), "wb") as made:
        made.write(file.read() if file else b"")
