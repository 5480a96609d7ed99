"""Runs git: it asks nobody, runs no hook, writes nothing that it need not, and takes its time.

The caller's repository is named by its folder; variables such as GIT_DIR, which git sets for hooks
and which would name another, are left out (git rev-parse --local-env-vars lists them).
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf

from labq.config import masked_in
from labq.errors import LabqError

TIMEOUT = 30.0  # seconds
LOOK = 0.1  # seconds between two looks at whether it is to stop
BLOCK = 1 << 16
SIGKILL = 9
LOCAL = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
        *("GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_CONFIG"),
        *("GIT_NO_REPLACE_OBJECTS", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE"),
        *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
        "GIT_ICASE_PATHSPECS",
        *("GIT_DIFF_OPTS", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "SSH_ASKPASS"),
    }
)
SETTINGS = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_NO_LAZY_FETCH": "1",
}
QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0")


class GitError(LabqError):
    """git could not do it."""


class TooLarge(GitError):  # noqa: N818 - what it is
    """What git had to say is more than is wanted."""


def git(
    folder: str,
    *words: str,
    timeout: float = TIMEOUT,
    most: float = inf,
    stopped: Callable[[], bool] = lambda: False,
    held: Sequence[int] = (),
) -> bytes:
    """What `git WORDS` prints in that folder.

    Args:
        folder: the folder.
        words: the command.
        timeout: seconds that it may take.
        most: bytes that it may print.
        stopped: looked at now and then; it is killed once this is true.
        held: descriptors of locks that are its own too, should it outlive this process.

    Raises:
        TooLarge: it prints more than `most`.
        GitError: there is no git, it fails, takes too long or is stopped; git's last line, without
            passwords.
    """
    kept = {name: text for name, text in os.environ.items() if name not in LOCAL}
    verb = next(word for word in words if word[0] != "-" and "=" not in word)
    argv = ["git", "-C", folder, *QUIET, *words]
    return run(argv, f"git {verb}", {**kept, **SETTINGS}, timeout, most, stopped, held)


def run(
    argv: Sequence[str],
    name: str,
    environment: Mapping[str, str],
    timeout: float = TIMEOUT,
    most: float = inf,
    stopped: Callable[[], bool] = lambda: False,
    held: Sequence[int] = (),
) -> bytes:
    """What a program prints that has no terminal and no input; `name` is what errors call it.

    Raises:
        TooLarge, GitError: as `git` does.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the words are labq's own
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=held,
            start_new_session=True,  # away from the terminal: ssh has nobody to ask
        )
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise GitError(f"{argv[0]} is not installed" if missing else str(error)) from error
    with process:
        try:
            out, err = _taken(process, name, time.monotonic() + timeout, most, stopped)
        except BaseException:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, SIGKILL)
            raise
    if process.returncode:
        lines = masked_in(err.decode("utf-8", "backslashreplace")).strip().splitlines()
        raise GitError(_told(lines) or f"{name} ends with {process.returncode}")
    return out


def _taken(
    process: subprocess.Popen[bytes],
    name: str,
    deadline: float,
    most: float,
    stopped: Callable[[], bool],
) -> tuple[bytes, bytes]:
    """What it writes to its stdout and stderr, to their ends."""
    pipes = {pipe.fileno(): bytearray() for pipe in (process.stdout, process.stderr) if pipe}
    out, err = pipes.values()
    poller = select.poll()
    for descriptor in pipes:
        poller.register(descriptor, select.POLLIN)
    left = len(pipes)
    while left:
        if stopped():
            raise GitError(f"{name} was stopped")
        if time.monotonic() >= deadline:
            raise GitError(f"{name} takes too long")
        for descriptor, _ in poller.poll(LOOK * 1000):
            block = os.read(descriptor, BLOCK)
            pipes[descriptor] += block
            if not block:
                poller.unregister(descriptor)
                left -= 1
        if len(out) > most:
            raise TooLarge(f"{name} says more than {most:.0f} bytes")
    return bytes(out), bytes(err)


def _told(lines: list[str]) -> str:
    """The line that says what is wrong."""
    faults = [line for line in lines if line.startswith(("fatal: ", "error: ", "ERROR: "))]
    return faults[0].partition(": ")[2] if faults else lines[-1] if lines else ""
