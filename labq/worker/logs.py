"""A task's folder: where its output lies, the tail of it, and its way to the worker's terminal."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

TAIL_LINES, TAIL_BYTES = 20, 16_384
BLOCK = 1 << 16


class Output:
    """The files of one attempt, `<attempt>.stdout` and `<attempt>.stderr`, open for the child.

    Where it is followed, `pump` copies what came since to the worker's own streams.
    """

    def __init__(
        self, home: Path, task: Mapping[str, Any], follow: Mapping[str, IO[bytes]]
    ) -> None:
        self.folder = home / "tasks" / task["_id"]
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, mode=0o700)
        self._paths = {
            name: self.folder / f"{task['attempt']}.{name}" for name in ("stdout", "stderr")
        }
        self.files = {name: _private(path) for name, path in self._paths.items()}
        self._follow = follow
        self._read = dict.fromkeys(self._paths, 0)
        self._gate = threading.Lock()

    def pump(self) -> None:
        """Copies what the child has written since the last call; a reader that left is forgotten."""
        with self._gate:
            for name, stream in self._follow.items():
                while self._read[name] < os.fstat(self.files[name].fileno()).st_size:
                    block = os.pread(self.files[name].fileno(), BLOCK, self._read[name])
                    if not block:
                        break
                    self._read[name] += len(block)
                    try:
                        stream.write(block)
                        stream.flush()
                    except (OSError, ValueError):
                        self._follow = {n: s for n, s in self._follow.items() if s is not stream}
                        break

    def close(self) -> None:
        """Copies the rest, and lets go of the files."""
        self.pump()
        with self._gate:
            for file in self.files.values():
                file.close()
            self._follow = {}

    def tail(self) -> str:
        """The last lines of stderr, whatever bytes they hold."""
        file = self.files["stderr"]
        size = os.fstat(file.fileno()).st_size
        start = max(0, size - TAIL_BYTES)
        text = (
            os.pread(file.fileno(), TAIL_BYTES, start)
            .decode("utf-8", "replace")
            .replace("\0", "\ufffd")
        )
        return "\n".join(text.splitlines()[-TAIL_LINES:])


def _private(path: Path) -> IO[bytes]:
    return open(
        os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "r+b", buffering=0
    )
