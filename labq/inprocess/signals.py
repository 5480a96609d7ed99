"""What reaches a body from its own process: signals, and an exception that nobody takes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from labq.inprocess.body import Activity, Interrupted
from labq.job import callbacks
from labq.worker.signals import ending

ON_ITS_WAY = 1.0  # seconds that an interrupt takes to arrive at most


class Signals:
    """Signals that would end the program, while bodies run in the main thread; elsewhere nothing.

    SIGINT raises KeyboardInterrupt in a body and around it, the others SystemExit. What labq does
    between two bodies is finished first, unless the signal comes again. A handler that the program
    has set is left to do its work, SIGINT's for all but the interrupts that are labq's own. What
    handlers call takes no lock: the thread that they interrupt may hold it.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        """Prepares; `stop` ends the wait for a task."""
        self._stop = stop
        self.activity: Activity | None = None  # the body's
        self._pid, self._thread = os.getpid(), threading.get_ident()
        self._before: dict[int, Any] = {}  # signal -> the handler to give back
        self._on = False
        self._busy = False  # with what is to be finished
        self._came = 0  # the signal that waits for that
        self.heard = 0  # the last one that was raised
        self._sent = False  # an interrupt of labq's own, which has not arrived yet

    @property
    def ending(self) -> bool:
        """Whether a signal says that the program is to end, though its code may have caught it."""
        return bool(self._came) or self.heard not in (0, signal.SIGINT)

    def install(self) -> None:
        """Takes the signals."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._on = True
        taken = ending()
        if signal.getsignal(signal.SIGINT) is not None:  # of C code, that nobody can give back
            taken.add(signal.SIGINT)
        for number in taken:
            self._before[number] = signal.getsignal(number)
            signal.signal(number, self._on_signal)

    def restore(self) -> None:
        """Gives the signals back, once an interrupt that is on its way has arrived.

        A handler that the body has put before this one stays, and is passed on from here.
        """
        if not self._on or threading.get_ident() != self._thread:
            return
        until = time.monotonic() + ON_ITS_WAY
        while self._sent and self._ours(signal.SIGINT) and time.monotonic() < until:
            time.sleep(0.001)
        self._on = False
        for number, handler in self._before.items():
            if self._ours(number):
                signal.signal(number, handler)

    def _ours(self, number: int) -> bool:
        return signal.getsignal(number) == self._on_signal

    def interrupt(self) -> None:
        """Has the main thread look at its activity, whatever it waits for; for other threads.

        A handler that the body has set is called once: again would be more than a person's Ctrl-C.
        """
        reaches = self._on and signal.SIGINT in self._before
        if reaches and (not self._sent or self._ours(signal.SIGINT)):
            self._sent = True
            signal.pthread_kill(self._thread, signal.SIGINT)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """What is done within is finished before a signal is heard."""
        outer, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = outer
            if not outer:
                self._deliver()

    @contextmanager
    def exposed(self) -> Iterator[None]:
        """Within, signals are heard at once; for a body within `deferred`."""
        self._busy = False
        try:
            self._deliver()
            yield
        finally:
            self._busy = True

    def _deliver(self) -> None:
        """Raises what waits to be heard."""
        if number := self._came:
            self._came, self.heard = 0, number
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        if self._on and self.activity is not None and (why := self.activity.interrupts()):
            callbacks.call(os.environ.get("LABQ_TOKEN", ""))
            raise Interrupted(why)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        here = os.getpid() == self._pid  # and not in a process that the body has forked
        if number == signal.SIGINT and self._sent and here:
            self._sent = False
            if not self._busy:
                self._deliver()
            return
        own = number == signal.SIGINT and self._before[number] is not signal.default_int_handler
        if own or not here or not self._on:
            self._pass_on(number, frame)
            return
        again, self._came = self._came, number
        if not self._busy or again:
            self._deliver()
        else:
            self._stop()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Does what the handler before would have done."""
        before = self._before[number]
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


class Uncaught:
    """Tells `heed` of an exception that ends the program, or this thread, before it is printed."""

    def __init__(self, heed: Callable[[BaseException], None]) -> None:
        self._heed, self._thread = heed, threading.current_thread()
        main = self._thread is threading.main_thread()
        self._owner: Any = sys if main else threading
        self._before: Callable[..., object] = self._owner.excepthook

    def install(self) -> None:
        """Comes before the hook that is there."""
        self._before, self._owner.excepthook = self._owner.excepthook, self._hook

    def restore(self) -> None:
        """Gives it back, unless another came before this one: that one calls on."""
        if self._owner.excepthook == self._hook:
            self._owner.excepthook = self._before

    def _hook(self, *given: Any) -> None:
        fault = given[1] if self._owner is sys else given[0].exc_value
        try:
            if fault is not None and threading.current_thread() is self._thread:
                self._heed(fault)
        finally:
            self._before(*given)
