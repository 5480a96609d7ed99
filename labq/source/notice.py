"""What a person is told of a task whose code could not be recorded."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from os import path as paths
from pathlib import Path
from typing import Any

from labq.private import make_file, make_folder


def unrecorded(home: Path, source: Mapping[str, Any], folder: str) -> str:
    """Why there is no commit in the source, in a line; empty where there is, or it was said before.

    It is said once for a folder and a reason: an empty file below `home` keeps that.
    """
    if "commit" in source:
        return ""
    notes = source.get("notes", "").split("; ")
    why = next((one.partition(": ")[2] for one in notes if one.startswith("git: ")), "")
    told = zlib.crc32(os.fsencode(f"{paths.realpath(folder)}{why}"))
    mark = paths.join(home, "cache", "source", f"said-{told:08x}")
    if paths.lexists(mark):
        return ""
    with suppress(OSError):
        make_folder(paths.dirname(mark))
        os.close(make_file(mark, os.O_WRONLY))
    return f"its code is not recorded: {why or 'git tells nothing'} (labq guide source)"
