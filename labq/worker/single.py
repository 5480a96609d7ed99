"""One task that is run here and now by the process that submits it, and recorded as any other."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

from labq.model.task import Document
from labq.queue import Claim, Queue
from labq.worker.leases import CANCELLED
from labq.worker.options import Finished, Options
from labq.worker.own import OwnShift
from labq.worker.process import Job
from labq.worker.signals import named
from labq.worker.supervisor import STOP, Worker


class Single(Worker):
    """Runs one new task to its end. Ctrl-C is passed on to the job, which may take its time."""

    def __init__(
        self,
        queue: Queue,
        task: Document,
        options: Options,
        on_start: Callable[[Claim], None],
        on_finish: Callable[[Finished], None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(
            queue, {}, options, on_finish, say, shift=partial(OwnShift, task, on_start)
        )
        self._heard = 0
        self._passed = False

    def _rest(self) -> float:
        """As a worker's; passes on what was heard, perhaps before there was a job to tell."""
        for held in self._shift.keeper.held:
            if not self._heard or self._passed or not isinstance(held.job, Job):
                continue
            self._passed = True
            held.asked = held.asked or {"reason": f"stopped by {named(self._heard)}"}
            if self._heard == signal.SIGINT:
                held.job.pass_on(self._heard, CANCELLED)
            else:
                held.job.stop(CANCELLED)
        return super()._rest()

    def _on_signal(self, number: int) -> None:
        """Passes on the first, stops the job at the second, and kills it at the third."""
        self._step += 1
        shift, jobs = self._shift, [job for job in self._shift.keeper.jobs if isinstance(job, Job)]
        shift.tally.stopped_by = number
        told = named(number)
        if not self._heard:
            self._heard = number
            shift.say(f"{told}: passed on, waiting for the job to end (again: stop it)")
        elif self._step == STOP:
            shift.stopping.set()  # nor is a reader of the output waited for
            for job in jobs:
                job.pass_on(signal.SIGTERM, CANCELLED)
                job.stop(CANCELLED)
            shift.say(f"{told} again: stopping the job (again: kill)")
        else:
            self._kill()
            shift.say(f"{told} again: killing the job")

    def _kill(self, why: str = CANCELLED) -> None:
        super()._kill(why)
