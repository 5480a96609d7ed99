"""Runs the hooks of a worker and of its queue: a command for each task that ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from queue import SimpleQueue
from typing import IO, Any

from labq.errors import LabqError, StoreError
from labq.model.task import TERMINAL, Document
from labq.queue import Queue
from labq.queue.claims import new_token
from labq.queue.hooks import HIDDEN, Hook, parse_hook
from labq.worker.options import Finished
from labq.worker.orphan_killer import Guard
from labq.worker.signals import DEFAULTS, named

TIMEOUT = 30.0  # seconds that a hook may take
SHORTEST, LONGEST = 0.001, 0.05  # seconds between two looks whether a hook has ended
LOOK = 2.0  # seconds for which the queue's hook is taken to be what it was
TOLD = 500  # bytes of a hook's output that are read for its last line
ENDED = frozenset(status.value for status in TERMINAL)


class Notifier:
    """Runs the hooks of tasks that ended, one after another, while the worker goes on.

    A hook that fails is told of, and nothing else comes of it.
    """

    def __init__(
        self,
        queue: Queue,
        uri: str,
        own: Hook | None,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        timeout: float = TIMEOUT,
    ) -> None:
        self._queue, self._own, self._say = queue, own, say
        self._environment = {**environment, "LABQ_URI": uri, "LABQ_QUEUE": queue.name}
        self._timeout = timeout
        self._theirs: Hook | None = None  # the queue's
        self._looked = -LOOK
        self._rest: SimpleQueue[Finished | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard: Guard | None = None  # a hook does not outlive the worker

    def tell(self, finished: Finished) -> None:
        """Takes the end of an attempt; a hook is for those that end their task. Waits for nothing.

        One thread calls at a time.
        """
        fresh = time.monotonic() - self._looked < LOOK
        if finished.became not in ENDED or (fresh and not self._own and not self._theirs):
            return
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="labq-hooks", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # at the end of the program, from Python 3.12 on
                self._serve(finished)
                return
            self._thread = thread
        self._rest.put(finished)

    def close(self) -> None:
        """Lets the hooks that are due run, for as long as one may take."""
        if self._thread is None:
            if self._guard is not None:
                self._guard.close()
            return
        self._rest.put(None)
        self._thread.join(self._timeout + 1)
        if self._thread.is_alive():
            self._say(f"on-finish: not run for some tasks: over after {self._timeout:g} s")

    def _run(self) -> None:
        while (finished := self._rest.get()) is not None:
            self._serve(finished)
        if self._guard is not None:
            self._guard.close()

    def _serve(self, finished: Finished) -> None:
        """Runs the hooks for one task."""
        try:
            self._look()
            hooks = [hook for hook in (self._own, self._theirs) if hook]
            task = self._task(finished) if hooks else {}
            for hook in hooks:
                self._call(hook.argv(task), task)
        except (StoreError, OSError) as error:
            self._say(f"task {finished.task['number']}: on-finish is not run: {error}")

    def _look(self) -> None:
        """Reads the queue's hook where that was long ago."""
        if time.monotonic() - self._looked < LOOK:
            return
        record = next(iter(self._queue.store.queues.find({"_id": self._queue.name})), {})
        self._theirs = self._hook_of(record.get("on_finish"))
        self._looked = time.monotonic()

    def _hook_of(self, text: str | None) -> Hook | None:
        try:
            return _parsed(text) if text else None
        except LabqError as error:  # a newer labq's, or somebody's own
            self._say(f"queue {self._queue.name}: {error}")
            return None

    def _task(self, finished: Finished) -> Document:
        """The task as it ended; where it is removed already, what is known of it."""
        found = self._queue.store.find({"_id": finished.task["_id"]})
        there = next(iter(found), finished.task)
        shown = {field: value for field, value in there.items() if field not in HIDDEN}
        reason = {"reason": finished.reason} if finished.reason else {}
        return {**shown, "status": finished.became, **reason}

    def _call(self, argv: Sequence[str], task: Mapping[str, Any]) -> None:
        environment = {
            **self._environment,
            "LABQ_TASK_ID": task["_id"],
            "LABQ_TASK_NUMBER": str(task["number"]),
        }
        from tempfile import TemporaryFile

        self._guard = self._guard or Guard(self._say)
        with TemporaryFile() as output:
            fault = _fault(argv, environment, output, self._timeout, self._guard)
            if fault:
                last = _last_line(output)
                told = f"task {task['number']}: on-finish {argv[0]}: {fault}"
                self._say(f"{told}: {last}" if last else told)


_parsed = lru_cache(maxsize=8)(parse_hook)


def _fault(
    argv: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    timeout: float,
    guard: Guard,
) -> str:
    """Runs a hook; what went wrong, or nothing. It has a session of its own, and ends in time."""
    token = new_token()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
        (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
    ]
    guard.expect(token)
    try:
        environment = {**environment, "LABQ_HOOK": token}
        hook = os.posix_spawnp(
            argv[0], list(argv), environment, file_actions=actions, setsid=True, setsigdef=DEFAULTS
        )
    except (OSError, ValueError) as error:
        guard.drop(token)
        return f"cannot start: {getattr(error, 'strerror', None) or error}"
    guard.hold(token, hook)
    over = time.monotonic() + timeout
    pause = SHORTEST
    try:
        while not (end := os.waitpid(hook, os.WNOHANG))[0]:
            guard.check()
            if time.monotonic() >= over:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(hook, signal.SIGKILL)
                os.waitpid(hook, 0)
                return f"killed after {timeout:g} s"
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)
    finally:
        guard.drop(token)
    code = os.waitstatus_to_exitcode(end[1])
    return f"exit code {code}" if code > 0 else f"killed by {named(-code)}" if code else ""


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - TOLD))
    lines = output.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
