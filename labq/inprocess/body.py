"""A task's body that runs in this process, as its lease sees it: told to end, killed with us."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

MOMENT = 1.0  # seconds that the body has to hear of a lease that is lost already
AGAIN = 1.0  # seconds until a body that has not heard is interrupted again


class Interrupted(KeyboardInterrupt):
    """The task is to stop."""


class Activity:
    """A body that runs in this process, a `Stoppable`: it is told, and may have to die with us.

    A function cannot be ended from outside of it: where `interrupt` reaches it, it is interrupted;
    elsewhere it may look at `told`. Where it has to be gone by a time and is not, the whole process
    is killed: another worker may start the task then. `timeout` seconds from now it is to stop.
    """

    def __init__(
        self,
        timeout: float | None,
        interrupt: Callable[[], None],
        last_words: Callable[[str], None],
        patience: float,
    ) -> None:
        """Begins.

        Args:
            timeout: seconds; None: it may take as long as it likes.
            interrupt: makes the body's thread ask `interrupts` soon; safe from any thread.
            last_words: called with the reason before the process is killed.
            patience: seconds that it is waited for.
        """
        self._interrupt, self._last_words, self._patience = interrupt, last_words, patience
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout if timeout else inf
        self._kill_at, self._killed_for = inf, ""
        self._again_at = inf
        self._gate = threading.Lock()  # held while telling it, while killing, and to end
        self._over = False
        self._why = ""  # why it is to stop
        self._knows = self._interrupted = False

    # for those who stop it

    def stop(self, why: str, by: float = inf) -> None:
        """Tells the body, and sees to it at monotonic time `by`.

        The first reason stands; a sooner `by` counts at any time.
        """
        with self._gate:
            if self._over:
                return
            now = time.monotonic()
            by = now + MOMENT if by <= now else by
            if by < self._kill_at:
                self._kill_at, self._killed_for = by, why
            if not self._why:
                self._why, self._again_at = why, now + AGAIN
                self._interrupt()

    def kill(self, why: str) -> None:
        """Ends the body at once, and with it this process."""
        with self._gate:
            if self._over:
                return
            self._why = self._why or why
            words = threading.Thread(target=self._last_words, args=(why,), daemon=True)
            with suppress(RuntimeError):  # there may be no more threads
                words.start()
                words.join(self._patience)
            os.kill(os.getpid(), signal.SIGKILL)

    def tick(self) -> float:
        """Does what is due; the monotonic time of the next thing due, infinity for never."""
        now = time.monotonic()
        if now >= self._kill_at:
            self._kill_at = inf
            self.kill(self._killed_for)
        elif now >= self._deadline:
            self._deadline = inf
            self.stop(f"timeout after {self._timeout:g} s")
        elif now >= self._again_at:
            self._remind(now)
        return min(self._kill_at, self._deadline, self._again_at)

    def _remind(self, now: float) -> None:
        """Interrupts again: a signal may slip in between Python's look for signals and a wait."""
        with self._gate:
            heard = self._over or self._interrupted
            self._again_at = inf if heard else now + AGAIN
            if not heard:
                self._interrupt()

    # for the body's own thread

    @property
    def told(self) -> bool:
        """Whether it is to stop; who asks knows."""
        self._knows = self._knows or bool(self._why)
        return self._knows

    def interrupts(self) -> str:
        """Why the body is to be interrupted here and now: once, and not when it is over."""
        if self._over or self._interrupted or not self._why:
            return ""
        self._knows = self._interrupted = True
        return self._why

    def end(self, *, knows: bool = False) -> str:
        """Ends it: nothing reaches it any more; why it was stopped, if it knew, or `knows`."""
        with self._gate:
            self._over = True
        self._knows = self._knows or knows
        return self._why if self._knows else ""
