"""The books that a job writes in, fenced by its lease: those of its task in the store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from labq.errors import ConflictError
from labq.model.task import Document, Status

if TYPE_CHECKING:
    from labq.queue import Queue


class Books(Protocol):
    """What a job may read and write of its task. Each call may raise StoreError."""

    token: str  # of the attempt

    def task(self) -> Document:
        """The task as it is now."""

    def summary(self, values: Mapping[str, Any]) -> None:
        """Merges values into the task's summary; ConflictError where the lease is lost."""

    def progress(self, percent: float) -> None:
        """Notes how far the job is; ConflictError where the lease is lost."""

    def to_stop(self) -> bool:
        """Whether the job is to stop: it was asked to, or the task is no longer its own."""


class Stored:
    """The books of a task in a store."""

    def __init__(self, queue: Queue, identity: str, token: str) -> None:
        self.queue, self.identity, self.token = queue, identity, token

    @property
    def _fence(self) -> Document:
        query: Document = {"queue": self.queue.name, "_id": self.identity}
        if self.token:
            query.update({"status": Status.RUNNING.value, "lease.token": self.token})
        return query

    def task(self) -> Document:
        query = {"queue": self.queue.name, "_id": self.identity}
        for task in self.queue.find(query):
            return task
        raise ConflictError(f"task {self.identity} is gone")

    def summary(self, values: Mapping[str, Any]) -> None:
        self.queue.report(self.identity, self.token, values)

    def progress(self, percent: float) -> None:
        self.queue.progress(self.identity, self.token, percent)

    def to_stop(self) -> bool:
        found = next(iter(self.queue.find(self._fence, limit=1, fields=("stop_requested",))), None)
        return found is None or "stop_requested" in found


class Spooled:
    """The books of a run whose store is out of reach: a folder, and nobody to ask it to stop."""

    def __init__(self, folder: str, token: str) -> None:
        from labq.spool import Spool

        self.spool, self.token = Spool(Path(folder)), token

    def task(self) -> Document:
        return {"number": 0, **self.spool.task()}

    def summary(self, values: Mapping[str, Any]) -> None:
        self.spool.summary(values)

    def progress(self, percent: float) -> None:
        self.spool.tell(progress=percent)

    def to_stop(self) -> bool:
        return False


def books(name: str) -> Books | None:
    """The books of the task that this process runs as; None, with a warning, where it is none.

    Args:
        name: the function that asks, for the warning.
    """
    identity = os.environ.get("LABQ_TASK_ID")
    if not identity:
        _outside(name)
        return None
    token = os.environ.get("LABQ_TOKEN", "")
    if folder := os.environ.get("LABQ_SPOOL"):
        return Spooled(folder, token)
    opened = queue(os.environ["LABQ_URI"], os.environ["LABQ_QUEUE"], os.getpid())
    return Stored(opened, identity, token)


@lru_cache(maxsize=1)
def queue(uri: str, name: str, _process: int) -> Queue:
    """The task's queue; a process that was forked opens the store anew."""
    from labq.queue import Queue
    from labq.store import open_store

    return Queue(open_store(uri), name)


@lru_cache(maxsize=1)
def _asked_outside() -> list[str]:
    """The function that was first called outside of a task: it has warned for all."""
    return []


def _outside(name: str) -> None:
    if not _asked_outside():
        _asked_outside().append(name)
        told = f"labq.{name}: this process is not a labq task, labq stores nothing of it"
        warnings.warn(told, stacklevel=4)
