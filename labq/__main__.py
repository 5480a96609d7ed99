"""The process: `labq`, or `python -m labq`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn


def run() -> NoReturn:
    """Runs the command line and ends the process at once, its output flushed.

    Nothing is left to tidy: a store's writes are committed when its verbs return. The interpreter's
    own way out would wait half a second for pymongo's monitor threads.
    """
    gc.set_threshold(100_000)  # imports make objects by the ten thousand, and hardly any garbage
    try:
        _mend_streams()
        from labq.cli.main import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _mend_streams() -> None:
    """Gives each standard stream that is closed the null device; no text is too odd to print."""
    while (opened := os.open(os.devnull, os.O_RDWR)) < 3:  # noqa: PLR2004 - the lowest that is free
        pass
    os.close(opened)
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115 - open as long as the process
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


if __name__ == "__main__":
    run()
