"""One run of a loop: takes a task, lets its body run in this thread, writes how it ended."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from types import CodeType, FrameType, TracebackType
from typing import Any

from labq.errors import LabqError, StoreError, UsageError
from labq.inprocess.attempt import Attempt
from labq.inprocess.body import Activity
from labq.inprocess.failures import below, failure, places
from labq.inprocess.signals import Signals, Uncaught
from labq.inprocess.task_handle import BY_BODY, LOG, LoopTask
from labq.inprocess.threads import Threads
from labq.job import callbacks
from labq.queue import Claim, Ending, Queue
from labq.store import Query
from labq.worker.capacity import Grant
from labq.worker.environment import job_environment
from labq.worker.leases import CANCELLED, Held
from labq.worker.ledger import conclude, give_back, take
from labq.worker.options import Finished, Options, Tally
from labq.worker.preparation import Stopped, alone
from labq.worker.state import GIVEN_BACK, RELEASED, TIME_OVER, Shift

LEFT = "its loop was left"
ENDING = (KeyboardInterrupt, SystemExit, GeneratorExit)  # of the program: no failure of its task
QUIET = frozenset({"success", "released"})
_ON: list[Run] = []  # the run that has this process: os.environ and the signals are there once


@dataclass(frozen=True)
class Body:
    """What runs, or has been left undecided."""

    claim: Claim
    grant: Grant
    activity: Activity
    attempt: Attempt
    task: LoopTask


def make_way() -> None:
    """Ends the run that was left with a task undecided: the task is given back.

    Raises:
        UsageError: a loop is on in this process.
    """
    for run in list(_ON):
        if run.over or run.elsewhere:
            _ON.remove(run)
        elif run.left:
            run.close()
        else:
            raise UsageError(
                "labq.loop: another loop, or labq.init, is on in this process: let it end first, "
                "or use a process for each"
            )


class Run:
    """A worker of one slot whose tasks run here; every method is called by the loop's thread."""

    def __init__(
        self,
        queue: Queue,
        query: Query,
        options: Options,
        name: str,
        shift: Callable[..., Shift] = Shift,
    ) -> None:
        self._shift = shift(queue, query, options, _nothing, LOG.warning)
        self._threads = Threads(self._shift)
        self._signals = Signals(self._threads.stop)
        self._uncaught = Uncaught(self._heed)
        self._argv = [sys.argv[0] or "python", name]
        self._pid = os.getpid()
        self._body: Body | None = None
        self._place: tuple[CodeType, int] | None = None  # where the loop was left, and its line
        self.over = False

    @property
    def elsewhere(self) -> bool:
        """Whether this is a process that a body has forked: the run is none of its business."""
        return os.getpid() != self._pid

    @property
    def left(self) -> bool:
        """Whether the loop was left, with a task undecided."""
        return self._place is not None

    def open(self) -> None:
        """Begins.

        Raises:
            StoreError: the store is away.
        """
        self._signals.install()
        with self._signals.deferred():
            atexit.register(self.close)
            self._uncaught.install()
            self._threads.start()
            _ON.append(self)

    def next(self) -> LoopTask | None:
        """Ends the last task, if need be, as a success; the next one, None when all is done.

        Raises:
            StoreError: the store was away for too long.
            KeyboardInterrupt, SystemExit: a signal came.
        """
        if self.elsewhere:
            return None
        with self._signals.deferred():
            self.conclude(None)
            while True:
                ending = self._signals.ending
                taken = None if ending else take(self._shift, self._shift.name, [])
                if taken is None:
                    self._threads.check()
                    return None
                task = self._begin(*taken)
                if task is not None or self._shift.stopping.is_set():
                    return task

    def work(self, body: Callable[[LoopTask], object]) -> Tally:
        """Runs the body for one task after another until all is done.

        Raises:
            BaseException: of the body what ends the program, besides what `next` raises.
        """
        try:
            self.open()
            with self._signals.deferred():
                while task := self.next():
                    self._attempt(body, task)
        finally:
            self.close()
        return self._shift.tally

    def _attempt(self, body: Callable[[LoopTask], object], task: LoopTask) -> None:
        try:
            with self._signals.exposed():
                body(task)
        except BaseException as fault:
            if not self.leave_body(task, fault, skip=2):
                raise
        else:
            self.conclude(None)

    def _begin(self, claim: Claim, grant: Grant, asked: float) -> LoopTask | None:
        """The task's body may begin; None where it, or the worker, was stopped meanwhile."""
        shift, task = self._shift, claim.task
        if task["attempt"] > 1:
            try:
                asked = alone(shift, claim, asked)
            except Stopped as stopped:
                ending = Ending(succeeded=False, reason=stopped.why)
                finished = conclude(shift, claim, stopped.held, stopped.why, ending)
                shift.ended(finished, grant)
                return None
        folder = shift.options.home / "tasks" / task["_id"]
        words = partial(self._last_words, claim)
        activity = Activity(
            task.get("timeout"), self._signals.interrupt, words, shift.keeper.margin / 4
        )
        variables = job_environment(claim, grant, shift.options, str(folder), os.environ)
        attempt = Attempt(self._argv, variables)
        handle = LoopTask(task, folder, activity, self, shift.folders)
        self._body = Body(claim, grant, activity, attempt, handle)
        shift.keeper.hold(claim, activity, asked)
        if shift.stopping.is_set():
            self.decide(Ending(succeeded=False), RELEASED if shift.left() > 0 else TIME_OVER)
            return None
        self._signals.activity = activity
        self._threads.look()
        return handle

    # how a body ends

    def leave_body(self, task: LoopTask, fault: BaseException | None, *, skip: int = 0) -> bool:
        """As `conclude`; an exception of a body that has decided its task's end is only logged."""
        if task.status == "running" or self.elsewhere:
            return self.conclude(fault, skip=skip)
        if not isinstance(fault, Exception):
            return False
        told = "task %s has ended already (%s): an exception after that changes nothing"
        LOG.warning(told, task.number, task.status, exc_info=fault)
        return True

    def conclude(self, fault: BaseException | None, *, skip: int = 0, told: bool = False) -> bool:
        """Writes how the body ended, by an exception perhaps; whether that is all there is to do.

        Args:
            fault: the exception; None where it came to its end.
            skip: how many frames of its traceback are labq's own.
            told: whether somebody else shows the exception.
        """
        if self._body is None or self.elsewhere:
            return False
        with self._signals.deferred():
            knows = callbacks.heard(self._body.claim.token)
            if knows and not self._body.activity.told:
                with suppress(StoreError):
                    self._shift.keeper.obey()  # it has asked the books before the worker did
            stopped = self._body.activity.end(knows=knows)
            ours = bool(stopped)
            ending, stopped = self._judged(fault, stopped, below(fault, skip))
            shown = None if told or not isinstance(fault, Exception) else fault
            self.decide(ending, stopped, shown)
        return ours or isinstance(fault, Exception)

    def _judged(
        self, fault: BaseException | None, stopped: str, trace: TracebackType | None
    ) -> tuple[Ending, str]:
        """How a body ended, and why it did where that was not its own doing."""
        if isinstance(fault, ENDING):
            stopped = stopped or RELEASED
        if fault is None and not stopped:
            return Ending(succeeded=True), ""
        return failure(fault, stopped, trace), stopped

    def decide(self, ending: Ending, stopped: str = "", shown: BaseException | None = None) -> None:
        """Writes the end of the task, of which `stopped` is why labq ended it, if it did.

        Raises:
            StoreError: the store was away until the lease was over.
        """
        body = self._body
        if body is None or self.elsewhere:
            return
        left = self.left
        with self._signals.deferred():
            self._body = self._place = self._signals.activity = None
            body.activity.end()
            held = self._shift.keeper.drop(body.claim)
            body.attempt.restore()
            finished = None
            try:
                whole = replace(ending, record={**body.attempt.record(), **ending.record})
                finished = self._write(body.claim, held, whole, stopped)
            finally:
                body.task.status = finished.became if finished else "lost"
                self._shift.ended(finished, body.grant)
            if finished is not None:
                self._tell(finished, shown)
        if left:  # and nobody asks for the next one
            self.close()

    def _write(self, claim: Claim, held: Held | None, ending: Ending, stopped: str) -> Finished:
        if stopped not in GIVEN_BACK | {LEFT, BY_BODY}:
            return conclude(self._shift, claim, held, stopped, ending)
        try:
            return give_back(self._shift, claim, stopped, ending.record)
        except StoreError as error:  # the program is about to end: that is not for this to stop
            told = f"task {claim.task['number']} is given back when its lease is over: {error}"
            self._shift.say(told)
            return Finished(claim.task, "lost", stopped)

    @staticmethod
    def _tell(finished: Finished, shown: BaseException | None) -> None:
        """Logs an attempt's end, with the exception that nobody else will show."""
        task, became = finished.task, finished.became
        name = f" ({task['name']})" if "name" in task else ""
        told = f"task {task['number']}{name} {'failed' if became == 'retried' else became}"
        told += f": {finished.reason}" if finished.reason else ""
        if became == "retried":
            told += f" (retry {task['retries'] + 1} of {task['max_retries']})"
        LOG.log(logging.INFO if became in QUIET else logging.WARNING, told, exc_info=shown)

    def _last_words(self, claim: Claim, why: str) -> None:
        """Says why this process is killed; a task that was cancelled is so in the books."""
        body, shift = self._body, self._shift
        whose = "" if why == CANCELLED else ", for another worker may run the task now"
        LOG.critical(
            "task %s: %s, but its code runs on: killing this process%s",
            *(claim.task["number"], why, whose),
        )
        if body is not None and why == CANCELLED:
            held = next((one for one in shift.keeper.held if one.claim is claim), None)
            ending = Ending(succeeded=False, record=body.attempt.record())
            conclude(shift, claim, held, why, ending)
        self._threads.leave()

    # how the loop ends

    def leave(self, frame: FrameType | None) -> None:
        """The loop was left, in that frame; a task that is not decided waits for somebody to."""
        if self._body is None or frame is None:
            self.close()
        else:
            self._body.activity.end()
            self._place = (frame.f_code, frame.f_lineno)

    def close(self) -> None:
        """Ends the run: a task that is not decided is given back."""
        if self.over or self.elsewhere:
            return
        self.over, ended = True, False
        atexit.unregister(self.close)
        if self._shift.tally.gave_up:
            LOG.warning("no more tasks: %s", self._shift.tally.gave_up)
        try:
            with self._signals.deferred():
                try:
                    stopped = RELEASED if self._signals.heard else LEFT
                    self.decide(Ending(succeeded=False), stopped)
                finally:
                    self._uncaught.restore()
                    ended = self._threads.end()
        finally:
            self._signals.restore()
            try:
                self._shift.notifier.close()  # may take a while: a signal ends the wait
            finally:
                if ended:
                    self._shift.queue.store.close()

    def _heed(self, fault: BaseException) -> None:
        """An exception ends the program: of the body that it came from it is the failure."""
        try:
            if self._place is None or self._place in places(fault.__traceback__):
                self.conclude(fault, told=True)
            self.close()
        except LabqError as error:
            self._shift.say(str(error))


def _nothing(_finished: Any) -> None:
    pass
