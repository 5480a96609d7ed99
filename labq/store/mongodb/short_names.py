"""Short names in MongoDB: an index keeps each the only one of its queue.

An insert looks first, and stores nothing where another task has one of its short names. Where
another insert was faster between that look and the write, the index refuses the task, and the rest
of its batch is taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo import errors as mongo
from pymongo.collection import Collection

from labq.model.task import Document
from labq.store.refusals import short_taken

SHORT = IndexModel(
    [("queue", ASCENDING), ("short", ASCENDING)],
    partialFilterExpression={"short": {"$exists": True}},
    unique=True,
    name="short",
)


class Shorts:
    """The short names of the tasks of a collection."""

    def __init__(self, tasks: Collection[Document]) -> None:
        self._tasks = tasks

    def require_free(self, queue: str, wanted: Mapping[str, str]) -> None:
        """Refuses short names, each with the id of its new task, that others have.

        Raises:
            ConflictError: naming one that has.
        """
        there = {"queue": queue, "short": {"$in": list(wanted)}}
        for task in self._tasks.find(there, {"short": 1, "number": 1}, sort=[("number", 1)]):
            if task["_id"] != wanted[task["short"]]:
                raise short_taken(queue, task["short"], task["number"])

    def require_stored(
        self, error: mongo.BulkWriteError, queue: str, tasks: Sequence[Document]
    ) -> None:
        """Takes the insert of these tasks back where another was faster with a short name.

        Raises:
            ConflictError: it was.
        """
        failed = list(_faults(error))
        for fault in failed:
            task = tasks[fault["index"]]
            if "short" not in fault.get("keyPattern", {}):
                continue
            taken = self._taken(queue, task["short"])
            if taken.get("_id") != task["_id"]:
                others = {fault["index"] for fault in failed}
                mine = [one["_id"] for at, one in enumerate(tasks) if at not in others]
                # one that a worker has begun in this moment is its worker's
                self._tasks.delete_many({"_id": {"$in": mine}, "attempt": 0})
                raise short_taken(queue, task["short"], taken.get("number")) from None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Names the task that has the short name which a write would give to another.

        Raises:
            ConflictError: there is one.
        """
        try:
            yield
        except mongo.OperationFailure as error:
            for fault in _faults(error):
                if "short" in fault.get("keyPattern", {}):
                    key = fault["keyValue"]
                    number = self._taken(**key).get("number")
                    raise short_taken(key["queue"], key["short"], number) from None
            raise

    def _taken(self, queue: str, short: str) -> Document:
        """The id and the number of the task that has it; empty where none has any more."""
        there = {"queue": queue, "short": short}
        return self._tasks.find_one(there, {"number": 1}) or {}


def _faults(error: mongo.OperationFailure) -> Iterator[Mapping[str, Any]]:
    """What was wrong with each write of a command."""
    details = error.details or {}
    of_many = isinstance(error, mongo.BulkWriteError)
    yield from details.get("writeErrors") or (() if of_many else [details])
