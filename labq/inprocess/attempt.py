"""One attempt in this process: what its body finds in `os.environ`, and what it has taken."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

from labq.worker.ending import recorded


class Attempt:
    """An attempt that begins now, and lends these variables to the process."""

    def __init__(self, argv: list[str], variables: Mapping[str, str]) -> None:
        self._argv = argv
        self._began, self._cpu = time.monotonic(), time.process_time()
        self._before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)

    def restore(self) -> None:
        """Puts back what the environment held."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def record(self) -> dict[str, Any]:
        """It as it stands in the books: seconds, those of this process's CPU, its MiB at most."""
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024  # of ru_maxrss: bytes, or KiB
        return {
            "pid": os.getpid(),
            "argv": recorded(self._argv),
            "wall": round(time.monotonic() - self._began, 3),
            "cpu": round(time.process_time() - self._cpu, 3),
            "max_rss": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1),
        }
