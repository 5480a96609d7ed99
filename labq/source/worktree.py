"""What of a working tree is in no commit, and which commits are nowhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from os import path as paths

from labq.source.cache import Made
from labq.source.git import GitError, TooLarge, git
from labq.source.repository import Repository, text
from labq.source.settings_files import SettingsFiles
from labq.source.status import Status
from labq.values.address import absolute, stripped

FILE_BYTES = 1024 * 1024  # the most of one untracked file
FILES_BYTES = 10 * 1024 * 1024  # and of all of them
DIFF_BYTES = BUNDLE_BYTES = 50 * 1024 * 1024
NAMED = 20  # names of files that are left out, in the record
SECRETS = (".env", ".env.*", ".envrc", ".netrc", ".pypirc", "id_*", "*.pem", "*.key")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
DIFF = (
    *("-c", "diff.autoRefreshIndex=false"),  # it would write the index, optional locks or not
    *("diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "-U3"),
    *("--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short"),
    *("--ignore-submodules=dirty",),
)


def diff(repository: Repository, found: Status, settings: SettingsFiles) -> Made:
    """The difference between the commit and the tracked files, staged or not."""
    left = [name for name in found.changed if settings.holds(name)]
    made = Made({"diff": {"files": len(found.changed) - len(left)}})
    _leave_out(made, "diff", left)
    words = (*DIFF, found.commit or EMPTY_TREE, "--", *settings.specs(left))
    try:
        content = git(repository.root, *words, most=DIFF_BYTES)
    except TooLarge:
        made.notes.append(f"diff: left out, it is over {_mebibytes(DIFF_BYTES)}")
        return made
    if content or len(left) < len(found.changed):
        made.contents["diff"] = content
    return made


def untracked(repository: Repository, found: Status, settings: SettingsFiles) -> Made:
    """The files that git neither tracks nor ignores, as a tar file that holds nothing but them.

    Large files, labq's settings, those whose name says that they hold a secret, and other
    repositories are left out.
    """
    from labq.source.archive import pack

    room = FILES_BYTES
    files: list[tuple[str, int, bytes]] = []
    left: list[str] = []
    for name in sorted(found.untracked):
        content = _content(paths.join(repository.root, name), min(room, FILE_BYTES))
        if content is None or _is_secret(name) or settings.holds(name):
            left.append(name)
        else:
            files.append((name, *content))
            room -= len(content[1])
    made = Made({"untracked": {"files": len(files)}})
    if files:
        made.contents["untracked"] = pack(files)
    _leave_out(made, "untracked", left)
    return made


def _leave_out(made: Made, part: str, names: Sequence[str]) -> None:
    """Notes the files that are not among the part."""
    if names:
        made.fields[part]["left_out"] = [text(name) for name in names[:NAMED]]
        many = "1 file" if len(names) == 1 else f"{len(names)} files"
        made.notes.append(f"{part}: {many} left out")


def origin(repository: Repository, found: Status, settings: SettingsFiles) -> Made:
    """The address of the remote, and the commits that none of its branches has, as a bundle."""
    made = Made()
    url = address(repository, found.branch)
    if url:
        made.fields["url"] = text(url)
    if not found.commit:
        return made
    range_ = (found.commit, "--not", "--remotes")
    count = int(git(repository.root, "rev-list", "--count", *range_))
    if not count:
        return made
    made.fields["bundle"] = {"commits": count}
    if names := settings.in_commits(*range_):
        made.notes.append(f"bundle: left out, a commit has a password in {text(names[0])}")
        return made
    unpushed = ("HEAD", *range_[1:])
    try:
        content = git(
            repository.root, "bundle", "create", "--quiet", "-", *unpushed, most=BUNDLE_BYTES
        )
    except TooLarge:
        made.notes.append(f"bundle: left out, it is over {_mebibytes(BUNDLE_BYTES)}")
        return made
    made.contents["bundle"] = content
    return made


def address(repository: Repository, branch: str) -> str:
    """That of the branch's remote, of `origin`, or of the first; empty where there is none."""
    pattern = r"^(remote\..*\.url|branch\..*\.remote)$"
    try:
        said = git(repository.root, "config", "-z", "--get-regexp", pattern)
    except GitError:  # no line matches
        return ""
    pairs = [line.partition("\n")[::2] for line in os.fsdecode(said).split("\0") if line]
    values = dict(reversed(pairs))  # the first of several
    remotes = [key.removeprefix("remote.").removesuffix(".url") for key, _ in pairs]
    wanted = [values.get(f"branch.{branch}.remote", ""), "origin", *remotes]
    urls = (values[f"remote.{name}.url"] for name in wanted if f"remote.{name}.url" in values)
    return stripped(absolute(next(urls, ""), repository.root))


def _content(name: str, most: int) -> tuple[int, bytes] | None:
    """The mode and the bytes of a file, or of a link the path; None where it is left out."""
    try:
        mode = os.lstat(name).st_mode
        if stat.S_ISLNK(mode):
            return mode, os.fsencode(os.readlink(name))
        if not stat.S_ISREG(mode):
            return None
        with open(name, "rb") as file:
            data = file.read(most + 1)
    except OSError:
        return None
    return (mode, data) if len(data) <= most else None


def _is_secret(name: str) -> bool:
    from fnmatch import fnmatch

    return any(fnmatch(paths.basename(name), pattern) for pattern in SECRETS)


def _mebibytes(count: int) -> str:
    return f"{count // (1024 * 1024)} MiB"
