"""A task's folder, and the way of its output into it and to the worker's terminal."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

STREAMS = ("stdout", "stderr")
TAIL_LINES, TAIL_BYTES = 20, 16_384
BLOCK = 1 << 16
REST = 1 << 20  # what is taken at most after the end: a pipe holds no more than that


class Output:
    """The two pipes of one attempt, and the files `<attempt>.stdout` and `.stderr` that they fill.

    A file is made when the first byte comes. `follow` maps a stream's name to a stream of the
    worker's own that is given a copy; one whose reader has left is taken out of it. `spare` is an
    empty folder to become the task's, at a third of the cost of a new one.
    """

    def __init__(
        self, home: Path, task: Mapping[str, Any], follow: dict[str, IO[bytes]], spare: str = ""
    ) -> None:
        self.folder = os.path.join(home, "tasks", task["_id"])  # noqa: PTH118 - once per task
        self._spare = _make_folder(self.folder, spare)
        self.fault = ""  # why the files do not hold all of the output
        self._attempt, self._follow = task["attempt"], follow
        self._files: dict[str, int] = {}
        self._pipes: dict[str, int] = {}
        self.ends: dict[str, int] = {}  # what the child writes to
        for name in STREAMS:
            self._pipes[name], self.ends[name] = os.pipe()
            os.set_blocking(self._pipes[name], False)

    def started(self) -> None:
        """Lets go of the child's ends: the child has them now."""
        while self.ends:
            os.close(self.ends.popitem()[1])

    def take_until(self, ended: int) -> None:
        """Takes what comes until the descriptor `ended` is readable."""
        poller = select.poll()
        names = {descriptor: name for name, descriptor in self._pipes.items()}
        for descriptor in (*names, ended):
            poller.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poller.poll():
                if descriptor == ended:
                    return
                if not self._take(names[descriptor]):
                    poller.unregister(descriptor)

    def take_rest(self) -> None:
        """Takes what is left in the pipes, and closes them, whoever may hold their other ends."""
        for name in STREAMS:
            taken = REST
            with suppress(BlockingIOError):
                while taken > 0 and (count := self._take(name)):
                    taken -= count
        self._close_pipes()

    def abandon(self) -> str:
        """Closes everything, as `close`: there was no child."""
        self.started()
        self._close_pipes()
        return self.close()

    def _close_pipes(self) -> None:
        while self._pipes:
            os.close(self._pipes.popitem()[1])

    def _take(self, name: str) -> int:
        """Moves one block from a pipe; how many bytes, 0 at its end."""
        block = os.read(self._pipes[name], BLOCK)
        if not block:
            return 0
        try:
            if not self.fault:
                self._keep(name, block)
        except OSError as error:
            self.fault = error.strerror or str(error)
        stream = self._follow.get(name)
        if stream is not None:
            try:
                stream.write(block)
                stream.flush()
            except (OSError, ValueError):
                self._follow.pop(name, None)
        return len(block)

    def _keep(self, name: str, block: bytes) -> None:
        if name not in self._files:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._files[name] = os.open(f"{self.folder}/{self._attempt}.{name}", flags, 0o600)
        view = memoryview(block)
        while view:
            view = view[os.write(self._files[name], view) :]

    def tail(self) -> str:
        """The last lines of stderr, whatever bytes they hold."""
        if "stderr" not in self._files:
            return ""
        size = os.fstat(self._files["stderr"]).st_size
        raw = os.pread(self._files["stderr"], TAIL_BYTES, max(0, size - TAIL_BYTES))
        text = raw.decode("utf-8", "replace").replace("\0", "\ufffd")
        return "\n".join(text.splitlines()[-TAIL_LINES:])

    def close(self) -> str:
        """Lets go of the files; an empty folder that another task may have, if there is one."""
        while self._files:
            os.close(self._files.popitem()[1])
        return self._spare or ("" if os.listdir(self.folder) else self.folder)  # noqa: PTH208


def _make_folder(folder: str, spare: str) -> str:
    """Makes the folder, of the spare one where that may be; returns the spare that is left."""
    try:
        os.rename(spare, folder) if spare else os.mkdir(folder, 0o700)  # noqa: PTH102, PTH104
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        return spare  # an earlier attempt has left something there
    return ""
