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
    from labq.cli.main import main

    code = main()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
