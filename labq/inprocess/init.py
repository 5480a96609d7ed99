"""`labq.init`: this very program as a task, recorded from now until it ends."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from labq import config, spool
from labq.command.grammar import Line, program_end
from labq.command.line import typed
from labq.command.words import flat, normalised
from labq.config import Settings
from labq.errors import LabqError, StoreError, UsageError
from labq.inprocess.exit_status import Exits, ending_signal, exited
from labq.inprocess.failures import failure
from labq.inprocess.recorded import Recorded
from labq.inprocess.run import Run
from labq.inprocess.task_handle import LOG
from labq.job import CurrentTask, current_task
from labq.model.task import Document, new
from labq.queue import Claim, Ending, Queue
from labq.source.capture import capture
from labq.store import open_store
from labq.values.coerce import mapping, text
from labq.worker.leases import CANCELLED, Held
from labq.worker.options import Finished, Options
from labq.worker.own import OwnShift, own_options
from labq.worker.signals import named
from labq.worker.state import GIVEN_BACK


def init(
    name: str | None = None,
    project: str | None = None,
    *,
    args: Mapping[str, Any] | None = None,
    type: str | None = None,  # noqa: A002 - what the field is called
    tags: Sequence[str] | None = None,
    comment: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    queue: str | None = None,
    uri: str | None = None,
) -> CurrentTask:
    """Records this program as a task that runs from now until the program ends; returns the task.

    It is a new task each time, whatever others are called (`Task.init` of ClearML, which overwrites
    one of the same name). In a job of labq, and where it was called before, it is the task that
    runs already, and the words count for nothing: the same script serves both.

    What the program's words bind are its args, as for `labq task submit`. It ends as a success;
    failed by an exception that nobody takes (its traceback in `errors`), and by `sys.exit`, `exit`
    or `quit` of another code than 0; cancelled by Ctrl-C, SIGTERM and any other signal that would
    end it, and by `labq task cancel`, which interrupts the main thread. With LABQ_OFFLINE=1 the
    record is kept in a folder, which `labq import` brings in later. What the program prints is not
    kept: `labq run` does that.

    Args:
        name: to find it by.
        project: a path such as "vision/resnet".
        args: laid over those of the words.
        type: training (unless said), testing, inference, ...
        tags: words, to find it by.
        comment: a note.
        metadata: a nested dict of JSON values.
        queue: the queue; LABQ_QUEUE and `labq.yaml` unless said.
        uri: the store, likewise.

    Raises:
        UsageError: a word that cannot be stored; another thread than the main one.
        StoreError: the store cannot be reached.
    """
    if (found := current_task()) is not None:
        return found
    if threading.current_thread() is not threading.main_thread():
        raise UsageError("labq.init: call it in the main thread, which alone hears of signals")
    settings = config.load({"queue": queue, "uri": uri})
    words = _words()
    said = {"name": name, "project": project, "type": type, "comment": comment}
    fields = {what: _text(what, given) for what, given in said.items()}
    task = _task(settings, words, args, **fields, tags=tags, metadata=metadata)
    away = spool.wanted()
    place = (_record if away else _begin)(settings, task, words)
    begun = current_task()
    if begun is None:
        raise LabqError("labq.init: the task has ended already")
    told = f"task {begun.number} in queue {begun.queue} ({place})"
    told = f"the record is {place} (labq import {place})" if away else told
    sys.stderr.write(f"labq: {told}\n")
    return begun


def _text(what: str, given: str | None) -> str | None:
    return None if given is None else text(what, given)


def _task(
    settings: Settings, words: Sequence[str], args: Mapping[str, Any] | None, **fields: Any
) -> Document:
    """The task of a program that these words started."""
    end = program_end(words) if words else 0
    line = Line({}, list(words[:end]), list(words[end:]))
    stored, bound, _ = typed(line, {}, style="none")
    if words and not settings.source:  # nothing else tells that nobody typed the path
        line.command[0] = "python"
    return new(
        normalised({**flat(bound), **flat({} if args is None else mapping("args", args))}, "args"),
        **fields,
        cmd=line.command or None,
        words=stored if words else None,
        cwd=os.getcwd(),  # noqa: PTH109 - fast
    )


def _words() -> list[str]:
    """The command that this program is; empty where a person types it."""
    typed = hasattr(sys, "ps1") or "ipykernel" in sys.modules
    return [] if typed else [sys.executable or sys.orig_argv[0], *sys.orig_argv[1:]]


def _record(settings: Settings, task: Document, words: Sequence[str]) -> str:
    """Begins in a folder, and returns its path."""
    recorded = Recorded(settings, task, words)
    recorded.open()
    return str(recorded.folder)


def _begin(settings: Settings, task: Document, words: Sequence[str]) -> str:
    """Begins in the store, and returns its address."""
    store = open_store(settings.uri)
    for note in store.notes:
        LOG.warning(note)
    try:
        try:
            store.now()
        except StoreError as error:
            told = f"{error} (LABQ_OFFLINE=1 keeps the record in a folder)"
            raise type(error)(told) from None
        if settings.source:
            task["source"] = capture(
                store.blobs, settings.home, task["cwd"], words, ours=True, run=True
            )
        program = Program(
            Queue(store, settings.queue, home=settings.home), task, own_options(settings), words
        )
    except BaseException:
        store.close()
        raise
    try:
        program.open()
        program.next()
    except BaseException:
        program.close()
        raise
    return store.address


class Program(Run):
    """A worker whose one task is the rest of the program."""

    def __init__(
        self, queue: Queue, task: Document, options: Options, words: Sequence[str]
    ) -> None:
        super().__init__(queue, {}, options, "", shift=partial(OwnShift, task, _nothing))
        self._argv = list(words)
        self._exits = Exits()

    def open(self) -> None:
        super().open()
        self._exits.install()

    def close(self) -> None:
        """Ends the run, as the program does."""
        if self.over or self.elsewhere:
            return
        self._exits.restore()
        try:
            self.conclude(self._exits.fault, told=True)
        except LabqError as error:
            LOG.warning(str(error))
        super().close()

    def _judged(
        self, fault: BaseException | None, stopped: str, trace: TracebackType | None
    ) -> tuple[Ending, str]:
        heard = ending_signal(self._signals.heard, fault)
        if heard and not stopped:
            reason = f"stopped by {named(heard)}"
            for held in self._shift.keeper.held:
                held.asked = held.asked or {"reason": reason}
            return failure(fault, reason, trace), CANCELLED
        if isinstance(fault, SystemExit) and not stopped:
            return exited(fault), ""
        if isinstance(fault, GeneratorExit):  # nobody is left whose loop this could end
            return failure(fault, stopped, trace), stopped
        return super()._judged(fault, stopped, trace)

    def _write(self, claim: Claim, held: Held | None, ending: Ending, stopped: str) -> Finished:
        """Writes the end; what would give the task back cancels it, for it is this program's."""
        if stopped not in GIVEN_BACK:
            return super()._write(claim, held, ending, stopped)
        if held is not None:
            held.asked = held.asked or {"reason": stopped}
        return super()._write(claim, held, ending, CANCELLED)

    def _heed(self, fault: BaseException) -> None:
        if not hasattr(sys, "ps1"):  # where a person types, an exception does not end the program
            super()._heed(fault)


def _nothing(*_given: Any) -> None:
    pass
