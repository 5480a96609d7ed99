"""`labq.should_stop` and `labq.on_stop`: a job that ends itself when it is told to."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from types import FrameType
from typing import Any, TypeVar

from labq.errors import StoreError, UsageError
from labq.job import callbacks
from labq.job.context import Books, books
from labq.values.coerce import told

BETWEEN = 1.0  # seconds between two looks
AWAY = 30.0  # seconds until the next look, where the store could not be reached: it takes 5 to tell

Callback = TypeVar("Callback", bound=Callable[[], object])


def should_stop() -> bool:
    """Whether the job is to stop: the task is cancelled, or its lease is lost.

    It may be asked as often as one likes: the store is asked once a second at most. Outside of a
    task it is False.
    """
    if (found := books("should_stop")) is None:
        return False
    return _look(found.token, os.getpid()).told(found)


@lru_cache(maxsize=1)
def _look(_token: str, _process: int) -> Look:
    return Look()


class Look:
    """The answer for one attempt; once it is True it stays so."""

    def __init__(self) -> None:
        self._answer = False
        self._due = 0.0  # monotonic

    def told(self, found: Books) -> bool:
        """Whether the attempt is to stop, from the books where the last look is old."""
        if self._answer or time.monotonic() < self._due:
            return self._answer
        rest = BETWEEN
        try:
            self._answer = found.to_stop()
            if self._answer:
                callbacks.hear(found.token)
        except StoreError:
            rest = AWAY
        self._due = time.monotonic() + rest
        return self._answer


def on_stop(callback: Callback) -> Callback:
    """Has `callback()` called when the job is told to stop, before its task is marked cancelled.

    That is at SIGTERM, and at Ctrl-C under `labq run`; in a `labq.loop`, before the body is
    interrupted. It runs in the main thread, between two steps of what runs there, so it should
    touch nothing that those may hold (locks, labq's own functions), and has the task's grace (10 s
    unless somebody says else). Afterwards the handler that was there before is called; where there
    was none, SystemExit is raised. Several are called in order. It returns `callback`, and so
    serves as a decorator.

    Raises:
        UsageError: this is not the main thread, or `callback` cannot be called.
    """
    if not callable(callback):
        raise UsageError(f"labq.on_stop: give a function, not {told(callback)}")
    if (found := books("on_stop")) is None:
        return callback
    if threading.current_thread() is not threading.main_thread():
        raise UsageError("labq.on_stop: call it in the main thread, which alone hears of signals")
    callbacks.add(found.token, callback)
    if not isinstance(signal.getsignal(signal.SIGTERM), Handler):
        signal.signal(signal.SIGTERM, Handler(signal.SIGTERM))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, Handler(signal.SIGINT))
    return callback


class Handler:
    """A signal's handler before the one that is there now."""

    def __init__(self, number: signal.Signals) -> None:
        self._before: Any = signal.getsignal(number)
        self._pid = os.getpid()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Calls what the task wants, in its own process alone, and does what was done before."""
        ours = os.getpid() == self._pid
        if ours:
            callbacks.call(os.environ.get("LABQ_TOKEN", ""))
        if callable(self._before):
            self._before(number, frame)
        elif self._before != signal.SIG_IGN:
            if ours:
                raise SystemExit(128 + number)
            signal.signal(number, signal.SIG_DFL)  # one that the job has forked, and is not told
            os.kill(os.getpid(), number)
