"""The packages that a task's code was submitted with, in a virtual environment of their own.

venvs/HASH-VERSION   one for each list of packages, kept; `whole` in it says that it is finished
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labq.private import make_folder
from labq.source.git import GitError, run
from labq.source.rebuild import Stopped, locked
from labq.store.base import Blobs

TIMEOUT = 3600.0  # seconds
OWN = re.compile(r"(labq|pip|setuptools|wheel)\s*(==|$)", re.IGNORECASE)  # there, or the worker's


def build(
    home: Path, source: Mapping[str, Any], blobs: Blobs, stopped: Stopped = lambda: False
) -> dict[str, str]:
    """Makes the environment, once; the variables with which a job runs in it.

    Its `labq` is the worker's own. pip takes packages from where the worker's user has it look.

    Raises:
        GitError, NotFoundError, StoreError, OSError: it cannot be made.
    """
    packages = source.get("packages", {})
    digest = packages.get("blob")
    if digest is None:
        raise GitError("its packages were not recorded")
    own = ".".join(map(str, sys.version_info[:2]))
    version = ".".join(source.get("python", own).split(".")[:2])
    whole = "" if packages.get("edited") else "--no-deps"  # all that there was
    folder = home / "venvs" / f"{digest[:16]}-{version}{'' if whole else '-edited'}"
    make_folder(folder.parent)
    with locked(f"{folder}.lock", stopped):
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, _python(version), blobs.get(digest).decode(), version, whole, stopped)
            (folder / "whole").touch()
    path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)])
    return {"VIRTUAL_ENV": str(folder), "PATH": path}


def _make(
    folder: Path, python: str, packages: str, version: str, whole: str, stopped: Stopped
) -> None:
    wanted = [line for line in packages.splitlines() if not OWN.match(line)]
    variables = {**os.environ, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    run([python, "-m", "venv", str(folder)], "venv", variables, TIMEOUT, stopped=stopped)
    if wanted:
        listed = folder / "requirements.txt"
        listed.write_text("".join(f"{line}\n" for line in wanted), "utf-8")
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        words = [*pip, *([whole] if whole else []), "--requirement", str(listed)]
        run(words, "pip install", variables, TIMEOUT, stopped=stopped)
    site = folder / "lib" / f"python{version}" / "site-packages"
    (site / "labq").symlink_to(Path(__file__).parents[1])


def _python(version: str) -> str:
    """An interpreter of that version.

    Raises:
        GitError: there is none here.
    """
    own = ".".join(map(str, sys.version_info[:2]))
    found = sys.executable if own == version else shutil.which(f"python{version}")
    if not found:
        raise GitError(f"there is no Python {version} here")
    return found
