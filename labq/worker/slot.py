"""One slot: claims a task, runs its command, writes how it ended, and begins again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from labq.command import line
from labq.command.template import with_raw
from labq.errors import StoreError, TemplateError
from labq.queue import Claim, Ending, claims
from labq.source.interpreter import started
from labq.worker.capacity import Grant
from labq.worker.ending import ending_of
from labq.worker.environment import job_environment
from labq.worker.ledger import close, conclude, give_back, take
from labq.worker.limits import exhausted
from labq.worker.options import Finished, Options
from labq.worker.orphan_killer import Guard
from labq.worker.output import Output
from labq.worker.preparation import Stopped, alone
from labq.worker.process import Job, StartError
from labq.worker.state import RELEASED, TIME_OVER, Shift

Whole: TypeAlias = Callable[[list[str]], list[str]]  # a command, with the text behind it


class Slot:
    """Runs one task at a time; the body of one of the worker's threads."""

    def __init__(self, shift: Shift, guard: Guard, number: int) -> None:
        self._shift, self._guard = shift, guard
        self._name = replace(shift.name, slot=number, on_lost=shift.options.on_lost)
        self._unfit: list[dict[str, Any]] = []  # tasks as they are, whose cmd does not fit them

    def run(self) -> None:
        """Claims and runs until the worker stops or the queue is drained."""
        while (taken := take(self._shift, self._name, self._unfit)) is not None:
            claim, grant, asked = taken
            finished = None
            try:
                finished = self._attempt(claim, grant, asked)
            except Exception as fault:
                if (spent := exhausted(fault)) is None:
                    raise
                self._shift.give_up(str(spent))  # first: no slot is to take the task again
                finished = give_back(self._shift, claim, str(spent))
            finally:
                self._shift.ended(finished, grant)

    def _attempt(self, claim: Claim, grant: Grant, asked: float) -> Finished:
        options = self._shift.options
        task = claim.task
        try:
            argv = line.argv(task, options.template)
            _require_folder(task, options)
        except TemplateError as error:
            return self._pass_over(claim, error)
        shell = options.template is not None and options.template.shell
        whole = partial(_with_raw, raw=task.get("raw_args"), shell=shell)
        try:
            self._shift.folders.own(task["_id"])
            output = Output(options.home, task, self._shift.echo)
        except OSError as error:  # no place for output: the next task would fare no better
            if exhausted(error):
                raise
            give_back(self._shift, claim, RELEASED)
            raise StoreError(f"{options.home}: {error.strerror or error}") from None
        environment = self._environment(claim, grant, output)
        try:
            if task["attempt"] > 1:
                asked = alone(self._shift, claim, asked)
            if options.checkout or options.venv:
                return self._prepared(claim, argv, whole, environment, output, asked)
            argv = started(argv, environment, partial(self._source, task))
            return self._job(claim, whole(argv), environment, output, task.get("cwd"), asked)
        except TemplateError as error:
            output.abandon()
            return self._pass_over(claim, error)
        except StartError as error:
            output.abandon()
            ending = Ending(succeeded=False, reason=str(error), error={"message": str(error)})
            until = asked + options.lease
            return replace(close(self._shift, claims.finish, claim, ending, until), unstarted=True)
        except Stopped as stopped:
            output.abandon()
            ending = Ending(succeeded=False, reason=stopped.why)
            return conclude(self._shift, claim, stopped.held, stopped.why, ending)
        except Exception:
            output.abandon()
            raise

    def _source(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        found = next(self._shift.queue.store.find({"_id": task["_id"]}, fields=("source",)), {})
        source = found.get("source")
        return source if isinstance(source, dict) else {}

    def _pass_over(self, claim: Claim, why: TemplateError) -> Finished:
        """Gives back a task that this worker's command, or its own, does not fit."""
        task = claim.task
        self._shift.uncount()
        self._unfit.append({"_id": task["_id"], "rev": task["rev"] + 1})  # once given back
        return give_back(self._shift, claim, f"passed over: {why}")

    def _prepared(
        self,
        claim: Claim,
        argv: list[str],
        whole: Whole,
        environment: Mapping[str, str],
        output: Output,
        asked: float,
    ) -> Finished:
        """As `_job`, in the tree that the task came from, or with its packages."""
        from labq.worker.checkout import prepared

        with prepared(self._shift, claim, output.folder, asked) as place:
            environment = {**environment, **place.variables, **claim.task.get("env", {})}
            named = self._shift.options.template is not None
            own = self._shift.options.venv
            argv = started(argv, environment, lambda: place.source, own=own)
            argv, environment = place.command(argv, environment, named=named)
            return self._job(claim, whole(argv), environment, output, place.folder, place.since)

    def _job(
        self,
        claim: Claim,
        argv: list[str],
        environment: Mapping[str, str],
        output: Output,
        folder: str | None,
        asked: float,
    ) -> Finished:
        """Runs the job in the folder to its end, and writes that.

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
            descriptors=self._shift.job_descriptors,
        )
        self._shift.keeper.hold(claim, job, asked)
        if self._shift.stopping.is_set():
            job.stop(RELEASED if self._shift.left() > 0 else TIME_OVER)
        ended = job.wait()
        if ended.signal and not ended.stopped and self._shift.shares(ended.signal):
            ended = replace(ended, stopped=RELEASED)
        held = self._shift.keeper.drop(claim)
        ending = ending_of(argv, job.pid, ended, output)
        finished = conclude(self._shift, claim, held, ended.stopped, ending)
        code = ended.code if ended.signal is None else 128 + ended.signal
        if output.fault:
            told = f"task {task['number']}: not all of its output is kept: {output.fault}"
            self._shift.say(told)
        output.close()
        return replace(finished, code=code)

    def _environment(self, claim: Claim, grant: Grant, output: Output) -> dict[str, str]:
        around = self._shift.environment
        own = job_environment(claim, grant, self._shift.options, output.folder, around)
        return {**around, **own}


def _require_folder(task: Mapping[str, Any], options: Options) -> None:
    """Refuses a command that is to run where it was submitted, on a machine without that folder.

    Raises:
        TemplateError: there is none.
    """
    if options.checkout or options.venv or options.template:
        return
    if "typed" not in task.get("words", ()):
        return
    try:
        os.stat(f"{task.get('cwd', '.')}/.")  # noqa: PTH116 - a Path leaves the dot out
    except (FileNotFoundError, NotADirectoryError):
        told = f"there is no folder {task['cwd']} here (--cwd - is the worker's)"
        raise TemplateError(told) from None
    except (OSError, ValueError):
        return  # which fails its task


def _with_raw(argv: list[str], raw: str | None, *, shell: bool) -> list[str]:
    return argv if raw is None else with_raw(argv, raw, shell=shell)
