"""A task's folder, and the way of its output into it and to the worker's terminal."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from labq.private import make_file, make_folder
from labq.queue.folders import in_use

STREAMS = ("stdout", "stderr")
TAIL_LINES, TAIL_BYTES = 20, 16_384
BLOCK = 1 << 16
REST = 1 << 20  # what is taken at most after the end: a pipe holds no more than that


class Echo:
    """Copies the jobs' output to the worker's own streams, for the person who watches.

    A stream whose reader has left is forgotten, and one whose reader does not read holds nothing up
    once the worker is told to stop: a pipe takes what `select` says it has room for.
    """

    def __init__(self, streams: Mapping[str, IO[bytes]], stopping: threading.Event) -> None:
        self._streams = dict(streams)
        self._stopping = stopping

    def copy(self, name: str, block: bytes, over: Callable[[], bool]) -> None:
        """Writes the block to the stream of that name, if there is one.

        What its reader does not take is left out once it is `over`.
        """
        stream = self._streams.get(name)
        if stream is None:
            return
        try:
            self._write(stream, block, lambda: self._stopping.is_set() or over())
        except TimeoutError:
            if self._stopping.is_set():
                self._streams.pop(name, None)
        except (OSError, ValueError):
            self._streams.pop(name, None)

    @staticmethod
    def _write(stream: IO[bytes], block: bytes, over: Callable[[], bool]) -> None:
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError):  # in memory: there is nobody to wait for
            stream.write(block)
            return
        view = memoryview(block)
        while view:
            await_room(descriptor, over)
            view = view[os.write(descriptor, view[: select.PIPE_BUF]) :]


def await_room(descriptor: int, over: Callable[[], bool]) -> None:
    """Waits until a pipe or a terminal takes PIPE_BUF bytes, however slowly its reader reads.

    Raises:
        TimeoutError: there was no room, and `over` said that it is waited for no longer.
    """
    while not select.select([], [descriptor], [], 0.1)[1]:
        if over():
            raise TimeoutError


class Output:
    """The two pipes of one attempt, and the files `<attempt>.stdout` and `.stderr` that they fill.

    A file is made when the first byte comes; `echo` is given a copy of every block.
    """

    def __init__(
        self,
        home: Path,
        task: Mapping[str, Any],
        echo: Callable[[str, bytes, Callable[[], bool]], None],
    ) -> None:
        self.folder = os.path.join(home, "tasks", task["_id"])  # noqa: PTH118 - once per task
        self.fault = ""  # why the files do not hold all of the output
        make_folder(self.folder)
        self._place = -1
        if os.path.islink(self.folder):  # noqa: PTH114 - once per task
            self.fault = f"{self.folder} is a link"
        else:
            self._place = in_use(self.folder)
        self._attempt, self._echo = task["attempt"], echo
        self._hurried = False
        self._files: dict[str, int] = {}
        self._pipes: dict[str, int] = {}
        self.ends: dict[str, int] = {}  # what the child writes to
        try:
            for name in STREAMS:
                self._pipes[name], self.ends[name] = os.pipe()
                os.set_blocking(self._pipes[name], False)
        except OSError:
            self.abandon()
            raise

    def started(self) -> None:
        """Lets go of the child's ends: the child has them now."""
        while self.ends:
            os.close(self.ends.popitem()[1])

    def hurry(self) -> None:
        """Waits no longer for who watches: the job is to end, and its end to be written."""
        self._hurried = True

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

    def abandon(self) -> None:
        """Closes everything: there was no child."""
        self.started()
        self._close_pipes()
        self.close()

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
        self._echo(name, block, lambda: self._hurried)
        return len(block)

    def _keep(self, name: str, block: bytes) -> None:
        if name not in self._files:
            flags = os.O_RDWR | os.O_TRUNC
            self._files[name] = make_file(f"{self._attempt}.{name}", flags, self._place)
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

    def close(self) -> None:
        """Lets go of the files and the folder."""
        if self._place >= 0:
            os.close(self._place)
            self._place = -1
        while self._files:
            os.close(self._files.popitem()[1])
