"""The malformed tasks that a worker has come by: it passes them over until they are mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labq.model.sound import MALFORMED, faults_of
from labq.model.task import Document, Status
from labq.queue import Queue

NAMED = 3  # of many tasks that are malformed alike


class Malformed:
    """Those of one queue."""

    def __init__(self, queue: Queue, say: Callable[[str], None]) -> None:
        self._queue, self._say = queue, say
        self._found: dict[str, int] = {}  # their ids and revisions
        self._told: dict[str, str] = {}  # what was said of each

    @property
    def query(self) -> Document:
        """What leaves them out; empty where there are none."""
        return {"_id": {"$nin": sorted(self._found)}} if self._found else {}

    def pass_over(self, tasks: Sequence[Document]) -> None:
        """Leaves tasks out until they are mended, and says so once."""
        self._found = {**self._found, **{task["_id"]: task["rev"] for task in tasks}}
        alike: dict[str, list[str]] = {}
        for task in tasks:
            why = faults_of(task)
            if self._told.get(task["_id"]) != why:
                self._told[task["_id"]] = why
                alike.setdefault(why, []).append(str(task["number"] or task["_id"]))
        for why, refs in alike.items():
            who = f"task {refs[0]} is"
            if len(refs) > 1:
                more = ", ..." if len(refs) > NAMED else ""
                who = f"{len(refs):,} tasks ({', '.join(refs[:NAMED])}{more}) are"
            self._say(f"{who} malformed and passed over: {why} (labq task update mends it)")

    def look_again(self) -> bool:
        """Whether one of them is mended, or gone: it is left out no longer."""
        if not self._found:
            return False
        mine: Document = {"queue": self._queue.name, "_id": {"$in": sorted(self._found)}}
        there = {
            task["_id"]: MALFORMED in task or task["rev"] == self._found.get(task["_id"])
            for task in self._queue.store.find({**mine, "status": Status.PENDING.value})
        }
        self._found = {one: rev for one, rev in self._found.items() if there.get(one)}
        return not all(there.values())
