"""One slot: claims a task, runs its command, writes how it ended, and begins again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from labq.errors import StoreError, TemplateError
from labq.queue import Claim, Ending, WorkerName, leases
from labq.task import Status
from labq.template import parse_command
from labq.worker.lease import LOST
from labq.worker.logs import Output
from labq.worker.process import Exit, Job, StartError
from labq.worker.shift import RELEASED, Finished, Shift

BECAME = {Status.SUCCESS: "success", Status.FAILED: "failed", None: "lost"}


class Slot:
    """Runs one task at a time; the body of one of the worker's threads."""

    def __init__(self, shift: Shift, number: int) -> None:
        self._shift = shift
        self._name = WorkerName(shift.name.id, shift.name.host, number)
        self._unfit: list[dict[str, Any]] = []  # tasks as they are, whose cmd does not fit them

    def run(self) -> None:
        """Claims and runs until the worker stops or the queue is drained."""
        while (claim := self._claim()) is not None:
            self._attempt(*claim)

    def _claim(self) -> tuple[Claim, float] | None:
        """The next task, and when it was asked for; None when this slot's work is over."""
        shift = self._shift
        failing_since = None
        while shift.may_claim():
            asked = time.monotonic()
            try:
                store = shift.queue.store
                claim = leases.claim(store, self._query(), self._name, shift.options.lease)
            except StoreError as error:
                shift.unclaim()
                failing_since = failing_since or asked
                if asked - failing_since > shift.options.patience:
                    raise
                shift.say(f"cannot claim yet: {error}")
                shift.stopping.wait(1)
                continue
            failing_since = None
            if claim is not None:
                return claim, asked
            shift.unclaim()
            if shift.idle():
                continue
            if not shift.options.forever:
                return None
            shift.stopping.wait(shift.queue.store.poll)
        return None

    def _query(self) -> dict[str, Any]:
        if not self._unfit:
            return dict(self._shift.query)
        return {"$and": [self._shift.query, {"$nor": self._unfit}]}

    def _attempt(self, claim: Claim, asked: float) -> None:
        options = self._shift.options
        task = claim.task
        try:
            template = options.template or parse_command(task["cmd"])
            argv = template.render(task["args"])
        except TemplateError as error:
            self._unfit.append({"_id": task["_id"], "rev": task["rev"] + 1})  # once given back
            self._give_back(claim, f"passed over: {error}")
            return
        try:
            output = Output(options.home, task, self._shift.echo)
        except OSError as error:  # no place for output: the next task would fare no better
            self._give_back(claim, RELEASED)
            raise StoreError(f"{options.home}: {error.strerror or error}") from None
        environment = self._environment(claim, output)
        try:
            job = Job(
                argv,
                environment,
                output,
                folder=task.get("cwd"),
                timeout=task.get("timeout"),
                grace=options.grace,
                guard=self._shift.guard,
            )
        except StartError as error:
            output.abandon()
            ending = Ending(succeeded=False, reason=str(error), error={"message": str(error)})
            self._finish(claim, ending, asked + options.lease, unstarted=True)
            return
        self._shift.keeper.hold(claim, job, asked)
        if self._shift.stopping.is_set():
            job.stop(RELEASED)
        ended = job.wait()
        until = self._shift.keeper.drop(claim)
        self._conclude(claim, argv, ended, output, job.pid, until)
        if output.fault:
            told = f"task {task['number']}: not all of its output is kept: {output.fault}"
            self._shift.say(told)
        output.close()

    def _conclude(
        self, claim: Claim, argv: Sequence[str], ended: Exit, output: Output, pid: int, until: float
    ) -> None:
        record: dict[str, Any] = {
            "pid": pid,
            "argv": _cut(argv),
            "wall": round(ended.wall, 3),
            "cpu": round(ended.cpu, 3),
            "max_rss": ended.rss,
        }
        record.update(
            {"exit_code": ended.code} if ended.signal is None else {"signal": ended.signal}
        )
        if ended.stopped == LOST:
            kept = False
            with suppress(StoreError):  # the lease may hold still, where the store was away
                kept = leases.release(self._shift.queue.store, claim, LOST, record)
            became = "released" if kept else "lost"
            self._shift.count(Finished(claim.task, became, LOST, ended.wall))
        elif ended.stopped == RELEASED:
            self._give_back(claim, RELEASED, record, ended.wall)
        else:
            succeeded = ended.code == 0 and not ended.stopped
            error = None if succeeded else {"message": ended.told, "stderr": output.tail()}
            ending = Ending(succeeded, "" if succeeded else ended.told, record, error)
            self._finish(claim, ending, until, wall=ended.wall)

    def _environment(self, claim: Claim, output: Output) -> dict[str, str]:
        task, options = claim.task, self._shift.options
        return {
            **self._shift.environment,
            **task.get("env", {}),
            "LABQ_TASK_ID": task["_id"],
            "LABQ_TASK_NUMBER": str(task["number"]),
            "LABQ_QUEUE": task["queue"],
            "LABQ_ATTEMPT": str(task["attempt"]),
            "LABQ_URI": options.uri,
            "LABQ_HOME": str(options.home),
            "LABQ_TASK_DIR": output.folder,
            "LABQ_TOKEN": claim.token,
        }

    def _give_back(
        self, claim: Claim, reason: str, record: dict[str, Any] | None = None, wall: float = 0.0
    ) -> None:
        kept = leases.release(self._shift.queue.store, claim, reason, record)
        self._shift.count(Finished(claim.task, "released" if kept else "lost", reason, wall))

    def _finish(
        self,
        claim: Claim,
        ending: Ending,
        until: float,
        *,
        wall: float = 0.0,
        unstarted: bool = False,
    ) -> None:
        """Writes the end; while the store cannot be reached, tries until the lease is over."""
        stopped = False
        while True:
            try:
                status = leases.finish(self._shift.queue.store, claim, ending)
                break
            except StoreError as error:
                if time.monotonic() >= until:
                    raise
                self._shift.say(f"task {claim.task['number']}: cannot write its end yet: {error}")
                if self._shift.stopping.wait(1) and stopped:
                    raise
                stopped = self._shift.stopping.is_set()
        became, reason = BECAME.get(status, "retried"), ending.reason if status else LOST
        self._shift.count(Finished(claim.task, became, reason, wall, unstarted))


LONGEST = 4096  # characters of a command in the books: an attempt must not fill the document


def _cut(argv: Sequence[str]) -> list[str]:
    """The command as it is recorded: whole, unless it is longer than any person would read."""
    kept: list[str] = []
    room = LONGEST
    for word in argv:
        if len(word) > room:
            return [*kept, f"{word[:room]}..."]
        kept.append(word)
        room -= len(word)
    return kept
