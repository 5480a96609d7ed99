"""This program as a run without a store: its record is kept in a folder until it ends."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from labq.config import Settings
from labq.inprocess.attempt import Attempt
from labq.inprocess.exit_status import Exits, ending_signal, exited
from labq.inprocess.failures import below, failure
from labq.inprocess.signals import Signals, Uncaught
from labq.model.task import Document
from labq.queue import Ending
from labq.spool import Spool
from labq.worker.offline import told, variables
from labq.worker.own import own_options


class Recorded:
    """The rest of the program as a run that is kept in a folder."""

    def __init__(self, settings: Settings, task: Document, words: Sequence[str]) -> None:
        self._settings, self._words = settings, list(words)
        self._spool = Spool.create(settings.home, settings.queue, task)
        self.folder = self._spool.folder
        self._signals, self._uncaught = Signals(_nothing), Uncaught(self._heed)
        self._exits, self._held = Exits(), ExitStack()
        self._pid = os.getpid()

    def open(self) -> None:
        """Begins."""
        self._held.enter_context(self._spool.running())
        given = variables(self._spool, own_options(self._settings))
        os.makedirs(given["LABQ_TASK_DIR"], mode=0o700, exist_ok=True)  # noqa: PTH103 - a text
        self._attempt = Attempt(self._words, given)
        for hook in (self._signals, self._uncaught, self._exits):
            hook.install()
        atexit.register(self.close)
        if self._settings.source:  # which takes a while
            self._spool.record(self._settings.home, self._words, ours=True)

    def close(self) -> None:
        """Ends it, as the program does."""
        if os.getpid() == self._pid:
            self._end(self._exits.fault)

    def _heed(self, fault: BaseException) -> None:
        if os.getpid() == self._pid and not hasattr(sys, "ps1"):
            self._end(fault)

    def _end(self, fault: BaseException | None) -> None:
        atexit.unregister(self.close)
        heard = ending_signal(self._signals.heard, fault)
        try:
            with self._signals.deferred():  # an impatient second Ctrl-C comes just now
                for hook in (self._exits, self._uncaught):
                    hook.restore()
                self._write(fault, heard)
        finally:
            self._signals.restore()

    def _write(self, fault: BaseException | None, heard: int) -> None:
        if isinstance(fault, SystemExit):
            ending = exited(fault)
        else:
            ending = failure(fault, "", below(fault, 0)) if fault else Ending(succeeded=True)
        self._attempt.restore()
        record = {**self._attempt.record(), **ending.record}
        told(self._spool, Ending(ending.succeeded, ending.reason, record, ending.error), heard)
        self._held.close()


def _nothing(*_given: Any) -> None:
    pass
