"""A task that is run without a store: what it tells is kept in a folder."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from labq.model.task import Document, Status
from labq.queue import Ending
from labq.queue.claims import new_token
from labq.spool import Spool
from labq.worker.ending import ending_of
from labq.worker.leases import CANCELLED
from labq.worker.limits import exhausted
from labq.worker.options import Finished, Options
from labq.worker.orphan_killer import Guard
from labq.worker.output import Echo, Output
from labq.worker.process import Exit, Job
from labq.worker.signals import Wakeup, named
from labq.worker.supervisor import LOOK


def variables(spool: Spool, options: Options) -> dict[str, str]:
    """What a job finds in its environment, as one whose task a store has."""
    task, token = spool.task(), new_token()
    spool.tell(token=token)
    return {
        **task.get("env", {}),
        "LABQ_TASK_ID": task["_id"],
        "LABQ_TASK_NUMBER": "0",
        "LABQ_QUEUE": task["queue"],
        "LABQ_ATTEMPT": "1",
        "LABQ_URI": options.uri,
        "LABQ_HOME": str(options.home),
        "LABQ_SPOOL": str(spool.folder),
        "LABQ_TASK_DIR": str(spool.folder / "tasks" / task["_id"]),
        "LABQ_TOKEN": token,
    }


def told(spool: Spool, ending: Ending, heard: int) -> dict[str, Any]:
    """Writes how a run ended, by the signal that was `heard` perhaps; what was written."""
    status, reason = Status.SUCCESS if ending.succeeded else Status.FAILED, ending.reason
    if heard:
        status, reason = Status.CANCELLED, f"stopped by {named(heard)}"
    end: dict[str, Any] = {"status": status.value}
    end["record"] = {"host": socket.gethostname(), **ending.record}
    if reason:
        end["reason"] = reason
    if ending.error and status == Status.FAILED:
        end["error"] = dict(ending.error)
    spool.tell(end=end)
    return end


class Offline:
    """One run, recorded in its folder."""

    def __init__(
        self, queue: str, task: Document, options: Options, say: Callable[[str], None]
    ) -> None:
        self.spool = Spool.create(options.home, queue, task)
        self._task, self._options, self._say = self.spool.task(), options, say
        self._stopping = threading.Event()
        self._heard: list[int] = []
        self._ends: list[Exit] = []

    def run(self, words: Sequence[str]) -> Finished:
        """Runs the command to its end.

        Raises:
            StartError: it cannot be started.
        """
        guard, wakeup = Guard(self._say), Wakeup()
        echo = Echo(self._options.follow, self._stopping)
        output = Output(self.spool.folder, self._task, echo.copy)
        with self.spool.running(), wakeup.catching():
            job = Job(
                words,
                {"PYTHONUNBUFFERED": "1", **os.environ, **variables(self.spool, self._options)},
                output,
                folder=self._task["cwd"],
                timeout=self._task.get("timeout"),
                grace=self._options.grace,
                guard=guard,
            )

            def wait() -> None:
                self._ends.append(job.wait())
                wakeup.wake()

            waiting = threading.Thread(target=wait)
            try:
                waiting.start()
            except RuntimeError as fault:
                job.kill(CANCELLED)
                job.wait()
                raise exhausted(fault) or fault from None
            while not self._ends:
                guard.check()
                rest = min(LOOK, job.tick() - time.monotonic())
                for number in wakeup.wait(rest):
                    self._pass_on(job, number)
            waiting.join()
            guard.close()
            return self._conclude(words, job, output)

    def _pass_on(self, job: Job, number: int) -> None:
        """Climbs the ladder of signals, as `Single` does."""
        self._heard.append(number)
        if len(self._heard) > 2:  # noqa: PLR2004 - the third one
            job.kill(CANCELLED)
        elif number == signal.SIGINT and len(self._heard) == 1:
            job.pass_on(number, CANCELLED)
        else:
            self._stopping.set()
            job.pass_on(signal.SIGTERM, CANCELLED)
            job.stop(CANCELLED)

    def _conclude(self, words: Sequence[str], job: Job, output: Output) -> Finished:
        (ended,) = self._ends
        ending = ending_of(words, job.pid, ended, output)
        end = told(self.spool, ending, self._heard[0] if self._heard else 0)
        if output.fault:
            self._say(f"not all of the output is kept: {output.fault}")
        output.close()
        code = ended.code if ended.signal is None else 128 + ended.signal
        return Finished(self._task, end["status"], end.get("reason", ""), ended.wall, code=code)
