"""What a queue's record says of its tasks, in MongoDB: numbers, limit, defaults; and its groups.

A queue that keeps at most so many tasks takes them in three steps: a place is reserved in its
record for all of them, by a compare-and-set that fails where another reserved meanwhile; they are
inserted; the place is given back. Tasks with reserved numbers count as there, whether or not they
are yet, so two can never both take the last place.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pymongo import ReturnDocument
from pymongo import errors as mongo
from pymongo.collection import Collection

from labq.errors import ConflictError, NotFoundError
from labq.model.fields import QUEUE
from labq.model.shapes import MOST
from labq.model.sound import sound_record
from labq.model.task import Document, Status, new_id
from labq.store.base import KEYED_AS, Run
from labq.store.mongodb.history import steadily
from labq.store.mongodb.schema import VERSION, Schema
from labq.store.refusals import quota_exceeded, renaming
from labq.values.batches import batches

PLACE_SECONDS = 300.0  # longer than any insert takes: by then its client has given up, or is dead
MOST_IDS = 10_000  # of one query
RUNNING = Status.RUNNING.value

# A run of indexes without a gap is where index and rank differ by the same: "gaps and islands".
RUNS: list[dict[str, Any]] = [
    {
        "$setWindowFields": {
            "partitionBy": "$status",
            "sortBy": {"index": 1},
            "output": {"rank": {"$denseRank": {}}},
        }
    },
    {
        "$group": {
            "_id": {"status": "$status", "island": {"$subtract": ["$index", "$rank"]}},
            "first": {"$min": "$index"},
            "last": {"$max": "$index"},
            "count": {"$sum": 1},
            "progress": {"$sum": "$progress"},
            "cpus": {"$sum": {"$ifNull": ["$resources.cpus", 1]}},
            "created_at": {"$min": "$created_at"},
            "started_at": {"$min": "$started_at"},
            "ended_at": {"$max": "$ended_at"},
        }
    },
    {"$sort": {"_id.status": 1, "first": 1}},
]
# What another program wrote there counts for nothing where it is no number, and no date.
PLAIN: dict[str, Any] = {
    "$set": {
        "index": {"$cond": [{"$isNumber": "$index"}, "$index", None]},
        **{
            name: {"$cond": [{"$eq": [{"$type": f"${name}"}, "date"]}, f"${name}", None]}
            for name in ("created_at", "started_at", "ended_at")
        },
    }
}


def _between(field: str, least: int) -> Document:
    """Whether a field is a whole number as labq has it, of so much at the least."""
    return {
        "$and": [
            {"$in": [{"$type": field}, ["int", "long", "double"]]},
            {"$gte": [field, least]},
            {"$lt": [field, MOST]},
            {"$eq": [field, {"$trunc": field}]},
        ]
    }


# Whether a queue has a limit that `sound_record` takes for one too.
LIMITED = _between("$max_tasks", 0)


class Taken(NamedTuple):
    """Numbers for new tasks: the first of them, the store's time, the queue's defaults."""

    first: int
    now: datetime
    defaults: Document
    place: str = ""  # the token of what is reserved


class Counters:
    """The queues' records, as an insert and a rename need them."""

    def __init__(
        self, queues: Collection[Document], tasks: Collection[Document], schema: Schema
    ) -> None:
        self._queues, self._tasks, self._schema = queues, tasks, schema

    def take(self, queue: str, ids: Sequence[str]) -> Taken:
        """Numbers for tasks with these ids: one round trip, unless the queue has a limit.

        Raises:
            NewerStoreError: it is a newer labq's.
            QuotaExceeded: the queue has no room for them.
            ConflictError: it is being renamed.
        """
        while True:
            record = self._step(queue, len(ids))
            self._schema.meet(record["schema"])
            now = record["submitted_at"]
            record = sound_record(record, QUEUE)
            defaults = record.get("defaults", {})
            if "renaming" in record:
                raise ConflictError(renaming(queue, record["renaming"]))
            if "max_tasks" not in record:
                return Taken(int(record["next_number"]) - len(ids), now, defaults)
            if place := self._reserve(record, ids):
                return Taken(int(record["next_number"]), now, defaults, place)

    def _step(self, queue: str, count: int) -> Document:
        """Takes `count` numbers, unless the queue has a limit or is being renamed; its record.

        None is taken of a newer labq's either.
        """
        schema = {"$max": [VERSION, {"$cond": [{"$isNumber": "$schema"}, "$schema", VERSION]}]}
        free = {
            "$and": [
                {"$eq": [schema, VERSION]},
                {"$not": [LIMITED]},
                {"$eq": [{"$type": "$renaming"}, "missing"]},
            ]
        }
        following = {"$cond": [_between("$next_number", 1), "$next_number", 1]}
        following = {"$cond": [free, {"$add": [following, count]}, following]}
        record: Any = self._queues.find_one_and_update(
            {"_id": queue},
            [{"$set": {"next_number": following, "submitted_at": "$$NOW", "schema": schema}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return dict(record)

    def _reserve(self, record: Document, ids: Sequence[str]) -> str:
        """A place for new tasks; empty where another was faster.

        Raises:
            QuotaExceeded: there is no room for them.
        """
        queue, most, first = record["_id"], record["max_tasks"], int(record["next_number"])
        fresh = len(ids) - self._stored(ids)
        if fresh and first - 1 + fresh > most:  # so many were never there
            places = [
                one for one in record.get("reserved", ()) if one["until"] > record["submitted_at"]
            ]
            others: Document = {"queue": queue}
            if places:
                ranges = [{"number": {"$gte": one["first"], "$lt": one["end"]}} for one in places]
                others["$nor"] = ranges
            held = steadily(others, lambda by: self._tasks.count_documents(others, **by))
            held += sum(one["count"] for one in places)
            if held + fresh > most:
                raise quota_exceeded(queue, most, held, fresh)
        end = first + len(ids)
        until = record["submitted_at"] + timedelta(seconds=PLACE_SECONDS)
        mine = {"token": new_id(), "first": first, "end": end, "count": fresh, "until": until}
        done = self._queues.update_one(
            {"_id": queue, "max_tasks": most, "next_number": first, "renaming": {"$exists": False}},
            {"$set": {"next_number": end}, "$push": {"reserved": mine}},
        )
        return str(mine["token"]) if done.matched_count else ""

    def _stored(self, ids: Sequence[str]) -> int:
        return sum(
            self._tasks.count_documents({"_id": {"$in": chunk}}) for chunk in batches(ids, MOST_IDS)
        )

    def give_back(self, queue: str, taken: Taken) -> None:
        """Gives the place back: its tasks are there now, or will never be. Else it ends by time."""
        if taken.place:
            over = {"$or": [{"token": taken.place}, {"until": {"$lt": taken.now}}]}
            with suppress(mongo.PyMongoError):
                self._queues.update_one({"_id": queue}, {"$pull": {"reserved": over}})

    def skip(self, queue: str) -> None:
        """Puts the next number behind all that are in use.

        A task may be older than its queue's record, which was removed while it was submitted.
        """
        numbered = {"queue": queue, "number": {"$type": ["int", "long", "double"], "$lt": MOST}}
        last = self._tasks.find_one(numbered, {"number": 1}, sort=[("number", -1)])
        if last is not None:
            behind = {"$max": {"next_number": int(last["number"]) + 1}}
            self._queues.update_one({"_id": queue}, behind)

    def rename(self, queue: str, new: str) -> int:
        """`Store.rename`: what is left of the old queue says where it goes, and takes no tasks.

        The tasks move one by one. `renamed_from` stays in the record, so that a task whose submit
        was under way is moved by calling again.
        """
        old = self._queues.find_one({"_id": queue})
        there = self._queues.find_one({"_id": new})
        begun = there is not None and there.get("renamed_from") == queue
        late = begun and old is None and self._tasks.count_documents({"queue": queue}, limit=1)
        if old is None and not late:
            raise NotFoundError(f"no queue {queue!r} (labq queue ls shows what is there)")
        if old is not None and old.get("renaming", new) != new:
            where = old["renaming"]
            raise ConflictError(f"cannot rename queue {queue}: it is being renamed to {where}")
        if there is not None and not (begun and (late or (old and "renaming" in old))):
            raise ConflictError(f"cannot rename queue {queue}: {new} is there already")
        self._none_runs(queue)
        if old is not None:
            self._begin(queue, new)
        idle = {"queue": queue, "status": {"$ne": RUNNING}}
        renamed = {"$set": {"queue": new}}
        moved = steadily(idle, lambda by: self._tasks.update_many(idle, renamed, **by))
        self._none_runs(queue)  # a worker may have claimed one before it could be moved
        self._queues.delete_one({"_id": queue, "renaming": new})
        return int(moved.modified_count)

    def _none_runs(self, queue: str) -> None:
        if running := self._tasks.count_documents({"queue": queue, "status": RUNNING}):
            raise ConflictError(f"cannot rename queue {queue}: {running:,} of its tasks run")

    def _begin(self, queue: str, new: str) -> None:
        """Keeps new tasks out of the queue, and makes the record of what it becomes."""
        last: Any = self._queues.find_one_and_update(
            {"_id": queue}, {"$set": {"renaming": new}}, return_document=ReturnDocument.AFTER
        )
        kept = {key: value for key, value in last.items() if key not in ("renaming", "reserved")}
        try:
            began = {KEYED_AS: kept.get(KEYED_AS, queue), "renamed_from": queue}
            self._queues.insert_one({**kept, **began, "_id": new})
        except mongo.DuplicateKeyError:
            there = self._queues.find_one({"_id": new}) or {}
            if there.get("renamed_from") != queue:  # somebody was faster
                self._queues.update_one({"_id": queue}, {"$unset": {"renaming": ""}})
                told = f"cannot rename queue {queue}: {new} is there already"
                raise ConflictError(told) from None

    def runs(self, queue: str, group: str) -> list[Run]:
        """`Store.runs`."""
        match = {"$match": {"queue": queue, "group": group}}
        found = self._tasks.aggregate([match, PLAIN, *RUNS], allowDiskUse=True)
        return [Run(str(one.pop("_id").get("status")), **one) for one in found]
