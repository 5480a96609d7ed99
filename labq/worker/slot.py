"""One slot: claims a task, runs its command, writes how it ended, and begins again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from labq.errors import StoreError, TemplateError
from labq.queue import Claim, Ending, leases
from labq.template import parse_command, with_raw
from labq.worker.capacity import Grant
from labq.worker.claims import close, conclude, give_back, take
from labq.worker.ending import ending_of
from labq.worker.guard import Guard
from labq.worker.logs import Output
from labq.worker.options import Finished
from labq.worker.process import Exit, Job, StartError
from labq.worker.shift import RELEASED, TIME_OVER, Shift


@dataclass(frozen=True)
class Owed:
    """The end of an attempt, still to be written."""

    write: Callable[[], Finished]
    can_wait: bool = False  # until the next job has started


class Slot:
    """Runs one task at a time; the body of one of the worker's threads.

    That a job succeeded is written while the next one starts and runs. Any other end is written
    before the next claim: it may end the worker's work.
    """

    def __init__(self, shift: Shift, guard: Guard, number: int) -> None:
        self._shift, self._guard = shift, guard
        self._name = replace(shift.name, slot=number, on_lost=shift.options.on_lost)
        self._unfit: list[dict[str, Any]] = []  # tasks as they are, whose cmd does not fit them
        self._owed: Owed | None = None
        self._fault: StoreError | None = None

    def run(self) -> None:
        """Claims and runs until the worker stops or the queue is drained."""
        try:
            while (taken := self._next()) is not None:
                self._owe(*taken)
        finally:
            self._settle()
        if self._fault is not None:
            raise self._fault

    def _next(self) -> tuple[Claim, Grant, float] | None:
        """The next task; where there is none at once, the last one's end is written first."""
        if self._owed is not None:
            asked = time.monotonic()
            with suppress(StoreError):  # who writes the end tells of it
                if claimed := self._shift.claim(self._name, self._unfit):
                    return *claimed, asked
            self._settle()
        return take(self._shift, self._name, self._unfit)

    def _owe(self, claim: Claim, grant: Grant, asked: float) -> None:
        """Makes the attempt, and writes its end if that cannot wait."""
        try:
            owed = self._attempt(claim, grant, asked)
        except BaseException:
            self._shift.ended(None)
            raise
        finally:
            self._shift.free(grant)
        self._settle()  # where no job started to do it
        self._owed = owed
        if not owed.can_wait:
            self._settle()

    def _settle(self) -> None:
        """Writes the end that is owed, if one is; where that fails, the worker stops."""
        owed, self._owed = self._owed, None
        if owed is None:
            return
        finished = None
        try:
            finished = owed.write()
        except StoreError as fault:
            self._fault = self._fault or fault
            self._shift.stop()
        finally:
            self._shift.ended(finished)

    def _attempt(self, claim: Claim, grant: Grant, asked: float) -> Owed:
        options = self._shift.options
        task = claim.task
        try:
            template = options.template or parse_command(task["cmd"])
            argv = template.render(task["args"])
            if "raw_args" in task:
                argv = with_raw(argv, task["raw_args"], shell=template.shell)
        except TemplateError as error:
            self._unfit.append({"_id": task["_id"], "rev": task["rev"] + 1})  # once given back
            return Owed(partial(give_back, self._shift, claim, f"passed over: {error}"))
        try:
            output = Output(options.home, task, self._shift.echo)
        except OSError as error:  # no place for output: the next task would fare no better
            give_back(self._shift, claim, RELEASED)
            raise StoreError(f"{options.home}: {error.strerror or error}") from None
        environment = self._environment(claim, grant, output)
        try:
            if options.checkout or options.venv:
                return self._prepared(claim, argv, environment, output, asked)
            return self._job(claim, argv, environment, output, task.get("cwd"), asked)
        except StartError as error:
            output.abandon()
            ending = Ending(succeeded=False, reason=str(error), error={"message": str(error)})
            return Owed(partial(self._unstarted, claim, ending, asked + options.lease))

    def _unstarted(self, claim: Claim, ending: Ending, until: float) -> Finished:
        return replace(close(self._shift, leases.finish, claim, ending, until), unstarted=True)

    def _prepared(
        self,
        claim: Claim,
        argv: list[str],
        environment: Mapping[str, str],
        output: Output,
        asked: float,
    ) -> Owed:
        """As `_job`, in the tree that the task came from, or with its packages."""
        from labq.worker.checkout import Stopped, prepared

        self._settle()  # a tree may take its time
        try:
            with prepared(self._shift, claim, output.folder, asked) as place:
                environment = {**environment, **place.variables, **claim.task.get("env", {})}
                return self._job(claim, argv, environment, output, place.folder, place.since)
        except Stopped as stopped:
            output.abandon()
            ending = Ending(succeeded=False, reason=stopped.why)
            return Owed(partial(conclude, self._shift, claim, stopped.held, stopped.why, ending))

    def _job(
        self,
        claim: Claim,
        argv: list[str],
        environment: Mapping[str, str],
        output: Output,
        folder: str | None,
        asked: float,
    ) -> Owed:
        """Runs the job in the folder to its end; writes that of the one before meanwhile.

        Raises:
            StartError: it cannot be started.
        """
        task, options = claim.task, self._shift.options
        job = Job(
            argv,
            environment,
            output,
            folder=folder,
            timeout=task.get("timeout"),
            grace=options.grace,
            guard=self._guard,
        )
        self._shift.keeper.hold(claim, job, asked)
        if self._shift.stopping.is_set():
            job.stop(RELEASED if self._shift.left() > 0 else TIME_OVER)
        self._settle()
        ended = job.wait()
        ending = ending_of(argv, job.pid, ended, output)
        if output.fault:
            told = f"task {task['number']}: not all of its output is kept: {output.fault}"
            self._shift.say(told)
        output.close()
        return Owed(partial(self._close, claim, ended, ending), can_wait=ending.succeeded)

    def _close(self, claim: Claim, ended: Exit, ending: Ending) -> Finished:
        """Writes the end of a job; until then its lease is renewed."""
        held = self._shift.keeper.drop(claim)
        finished = conclude(self._shift, claim, held, ended.stopped, ending)
        return replace(finished, code=ended.code if ended.signal is None else 128 + ended.signal)

    def _environment(self, claim: Claim, grant: Grant, output: Output) -> dict[str, str]:
        task, options = claim.task, self._shift.options
        return {
            **self._shift.environment,
            **claim.inherited,
            **grant.environment(),
            **task.get("env", {}),
            "LABQ_TASK_ID": task["_id"],
            "LABQ_TASK_NUMBER": str(task["number"]),
            "LABQ_QUEUE": task["queue"],
            "LABQ_ATTEMPT": str(task["attempt"]),
            "LABQ_SLOT": str(self._name.slot),
            "LABQ_URI": options.uri,
            "LABQ_HOME": str(options.home),
            "LABQ_TASK_DIR": output.folder,
            "LABQ_TOKEN": claim.token,
            **claim.place,
        }
