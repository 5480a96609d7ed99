"""The installed packages of this Python, where it is the one that the job will run in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import lru_cache
from os import path as paths

from labq.source.cache import Made
from labq.source.repository import stamps

SITES = ("site-packages", "dist-packages")


def version() -> str:
    """This Python's, as `3.11.7`."""
    return ".".join(map(str, sys.version_info[:3]))


def is_ours(words: Sequence[str] | None) -> bool:
    """Whether the command would run with this Python, as far as can be told without running it.

    A command that begins with a Python is asked where that lies; for any other, and for a task
    whose command the worker names, the `python` of the PATH is taken to be the one.
    """
    named = [words[0]] if words and paths.basename(words[0]).startswith("python") else []
    found = (shutil.which(name) for name in named or ("python", "python3"))
    program = next((name for name in found if name), None)
    here = paths.dirname(paths.abspath(sys.executable or ""))
    return program is not None and paths.dirname(paths.abspath(program)) == here


def key() -> str:
    """A text that is another once a package is installed or removed."""
    return f"{sys.prefix} {version()} {stamps(_sites())}"


def packages() -> Made:
    """`name==version` for each package, a line each, sorted: what `pip freeze` says of them."""
    lines = listed(key())
    content = "".join(f"{line}\n" for line in lines).encode()
    return Made({"packages": {"count": len(lines)}}, {"packages": content})


@lru_cache(maxsize=1)
def listed(_key: str) -> list[str]:
    """The lines, read once while the key is the same."""
    from importlib import metadata

    found: dict[str, str] = {}
    for one in metadata.distributions(path=_sites()):
        name = one.metadata["Name"]
        if name:
            found.setdefault(name.lower().replace("_", "-"), f"{name}=={one.version}")
    return [found[name] for name in sorted(found)]


def _sites() -> list[str]:
    return [place for place in sys.path if place.endswith(SITES) and os.path.isdir(place)]
