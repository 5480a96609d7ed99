"""The Python that a recorded program runs with: the worker's, not that of where it was recorded."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from os import path as paths
from typing import Any

from labq.source.entry import is_python

BARE = ("python", "python3")  # any version will do
ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")


def started(
    argv: Sequence[str],
    environment: Mapping[str, str],
    source: Callable[[], Mapping[str, Any]],
    *,
    own: bool = False,
) -> list[str]:
    """The command, with a Python that is here.

    The path that `labq.init` recorded becomes the worker's Python, and so does a script beside it.
    The path that somebody typed for `labq run` does where it is not here, or where the task has an
    environment of its `own`. `python` that is not on the PATH is the worker's, too.

    Args:
        argv: the command.
        environment: the job's.
        source: tells the task's source, which is read for a whole path alone.
        own: whether the environment was made for the task.
    """
    first = argv[0]
    if not is_python(first):
        return list(argv)
    if first in BARE and not shutil.which(first, path=environment.get("PATH", os.defpath)):
        return [_python(environment), *argv[1:]]
    if not paths.isabs(first) or (first == sys.executable and not own):
        return list(argv)
    found = source()
    typed = first == found.get("typed_interpreter") and (own or not os.access(first, os.X_OK))
    if first != found.get("interpreter") and not typed:
        return list(argv)
    python, rest = _python(environment), list(argv[1:])
    if rest and paths.dirname(rest[0]) == paths.dirname(first):  # a program that pip installed
        place = paths.dirname(shutil.which(python, path=environment.get("PATH")) or python)
        return [paths.join(place, paths.basename(rest[0])), *rest[1:]]
    return [python, *rest]


def _python(environment: Mapping[str, str]) -> str:
    """The one of the environment that is active; where none is, the one that labq runs in."""
    path = environment.get("PATH", os.defpath)
    found = (name for name in BARE if shutil.which(name, path=path))
    active = any(environment.get(name) for name in ACTIVE) or not sys.executable
    return next(found, sys.executable) if active else sys.executable
