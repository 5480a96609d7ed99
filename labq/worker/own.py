"""The shift of a process that runs one new task, its own, and then ends."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from labq.config import Settings
from labq.model.task import Document
from labq.queue import Claim, WorkerName
from labq.queue.claims import new_token
from labq.queue.submit_and_claim import begin
from labq.worker.capacity import Grant
from labq.worker.leases import CANCELLED
from labq.worker.options import Options
from labq.worker.state import RELEASED, Shift

LEASE = 600.0  # seconds at least, unless configured: an outage is not to end a person's own run


def own_options(settings: Settings, **more: Any) -> Options:
    """What such a process goes by, with these options besides."""
    return Options(
        home=settings.home,
        uri=settings.uri,
        lease=settings.lease if "lease" in settings.origins else max(settings.lease, LEASE),
        heartbeat=settings.heartbeat,
        max_tasks=1,
        patience=settings.lease,
        **more,
    )


class OwnShift(Shift):
    """A shift of one task, its own: whatever ends it before its time cancels the task."""

    own = True

    def __init__(
        self, task: Document, on_start: Callable[[Claim], None], *given: Any, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._task, self._on_start, self._token = task, on_start, new_token()
        self.environment = {"PYTHONUNBUFFERED": "1", **self.environment}  # somebody is looking on
        self.environment.pop("LABQ_SPOOL", None)  # of an offline run that this one began in

    def claim(
        self,
        worker: WorkerName,
        unfit: list[Document],  # noqa: ARG002 - it is this task or none
        since: float = inf,  # noqa: ARG002 - the same: however late, nobody else may have it
    ) -> tuple[Claim, Grant] | None:
        """The task, stored and held by this process."""
        with self.capacity.claiming():
            if not self.open:
                return None
            claim = begin(self.queue, self._task, worker, self.options.lease, self._token)
            grant = self.capacity.take(claim.task)
            self.claims += 1
            self.busy += 1
        self._on_start(claim)
        return claim, grant

    def stop(self, why: str = RELEASED) -> None:
        """Stops what runs; its task is not given back, for nobody else is to run it."""
        self.stopping.set()
        for held in self.keeper.held:
            held.asked = held.asked or {"reason": why}
            held.job.stop(CANCELLED)
        self.wake()
