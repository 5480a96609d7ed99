"""The log of what becomes of tasks, in MongoDB: read out of the tasks' own documents.

It is put in order by the server's times of the moves and inserts (`history`). These are taken
moments before the write is to be seen, and a reader takes only what is SETTLE old, so that nothing
comes before what it has given already. A removed task leaves a document in `deleted`, made before
it goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import chain, takewhile
from typing import Any

from bson import Timestamp
from pymongo import DeleteMany, ReadPreference
from pymongo import errors as mongo
from pymongo.collection import Collection

from labq import clock
from labq.model.sound import sound_event
from labq.model.task import Document
from labq.store.base import Query
from labq.store.mongodb.errors import require_kept
from labq.store.mongodb.history import FAR, NEVER, STEP, Result, steadily
from labq.store.refusals import no_token
from labq.values.batches import batches

SETTLE = 0.5  # seconds: longer than a write of STEP tasks takes from its `$$NOW` until it is seen
ROUNDS = 10  # how often a removal is tried again where others move the same tasks
ELECTION = 15.0  # seconds: by default a primary is taken to be gone after 10
AGAIN = 0.2
FEW = 25  # tasks whose states one condition lists: each is held against all of them
STALE = 60  # seconds after which nobody is at it who began to remove a task
LAST = 2**31 - 1  # the `n` of a removal
START = datetime(1970, 1, 1, tzinfo=timezone.utc)
# FAR is the `at` of what is about to be removed.
DUPLICATE = 11000
END: Document = {"task": "", "moves": {"at": FAR, "n": LAST}}  # comes after all moves
KEPT = ("queue", "number", "status", "attempt", "created_at", "born_as", "moves", "moved_at")


@dataclass(frozen=True)
class Position:
    """Up to where a reader has come among the moves, and among the inserts."""

    at: datetime = START
    n: int = 0
    task: str = ""
    born: Timestamp = NEVER

    def __str__(self) -> str:
        """The token."""
        return "-".join(
            map(str, (clock.to_ms(self.at), self.n, self.born.time, self.born.inc, self.task))
        )

    @classmethod
    def read(cls, token: str) -> Position:
        """The position of a token.

        Raises:
            UsageError: it is none.
        """
        try:
            at, n, seconds, count, task = token.split("-", 4)
            return cls(clock.from_ms(int(at)), int(n), task, Timestamp(int(seconds), int(count)))
        except (ValueError, OverflowError):
            raise no_token(token) from None


class Events:
    """The moves of the tasks of a collection, and of those that were removed from it."""

    def __init__(self, tasks: Collection[Document]) -> None:
        self._tasks = tasks.with_options(read_preference=ReadPreference.PRIMARY)
        self._deleted = tasks.database["deleted"].with_options(
            read_preference=ReadPreference.PRIMARY
        )

    def newest(self, queue: str, now: datetime) -> str:
        """`Store.newest_event`."""
        return str(Position(at=now, born=self._last(queue, now)[1]))

    def since(self, queue: str, token: str | None, now: datetime) -> Iterator[Document]:
        """`Store.events`."""
        place = Position() if token is None else Position.read(token)
        moved, born = self._last(queue, place.at)
        end = now - timedelta(seconds=SETTLE)
        recent = born > place.born and born.time >= int(end.timestamp()) - 1
        if moved > end or recent:
            time.sleep(SETTLE)
            end = now
        moves = self._moves(queue, place, end, again=token is not None)
        inserts = self._inserts(queue, place, born)
        return _merged(moves, inserts, place, born)

    def _last(self, queue: str, at: datetime) -> tuple[datetime, Timestamp]:
        """When a task of the queue moved last, and the last insert's timestamp."""
        ours: Document = {"queue": queue}

        def top(collection: Collection[Document], query: Document, field: str) -> Any:
            found = collection.find_one(query, {field: 1}, sort=[(field, -1)]) or {}
            for key in field.split("."):
                found = (isinstance(found, dict) and found.get(key)) or {}
            return found or None

        moved = [
            top(self._tasks, {**ours, "moved_at": {"$gt": START}}, "moved_at"),
            top(self._deleted, {**ours, "at": {"$lt": FAR}}, "at"),
        ]
        born = [
            top(self._tasks, {**ours, "born": {"$gt": NEVER}}, "born"),
            top(self._deleted, {**ours, "at": {"$gte": at}}, "_id.born"),
        ]
        times = [at for at in moved if isinstance(at, datetime)]
        return max(times, default=START), max(map(_born, born))

    def _moves(
        self, queue: str, place: Position, end: datetime, *, again: bool
    ) -> Iterator[Document]:
        """The moves from the position on, until `end`, in their order."""
        listed = {"$cond": [{"$isArray": "$moves"}, "$moves", []]}
        dropped = {"$gt": [{"$arrayElemAt": ["$moves.was", 0]}, place.at]}
        shown: Document = {
            **dict.fromkeys(("queue", "number", "born", "moves"), 1),
            "task": "$_id",
            "dropped": {"$and": [again, {"$gt": [{"$arrayElemAt": ["$moves.n", 0]}, 1]}, dropped]},
            "first": {"$arrayElemAt": ["$moves.n", 0]},
        }
        removal = {"n": LAST, "from": "$status", "to": "deleted", "at": "$at"}
        removed = {"$concatArrays": [listed, [{**removal, "attempt": "$attempt"}]]}
        gone: list[Document] = [
            {"$match": {"queue": queue, "at": {"$gte": place.at}}},
            {"$set": {"moves": removed}},
            {"$project": {**shown, "task": "$_id.task", "born": "$_id.born"}},
        ]
        asked: list[Document] = [
            {"$match": {"queue": queue, "moved_at": {"$gte": place.at}}},
            {"$set": {"moves": listed}},
            {"$project": shown},
            {"$unionWith": {"coll": "deleted", "pipeline": gone}},
            {"$unwind": "$moves"},
            {"$match": {"moves.at": {"$gte": place.at, "$lte": end}, "moves.n": {"$type": "int"}}},
            {"$sort": {"moves.at": 1, "task": 1, "moves.n": 1}},
        ]
        return iter(self._tasks.aggregate(asked, allowDiskUse=True))

    def _inserts(self, queue: str, place: Position, last: Timestamp) -> Iterator[Document]:
        """The new tasks from the position on, until the `last`, in their order."""
        span = {"$gt": place.born, "$lte": last}
        shown = dict.fromkeys(("queue", "number", "born", "born_as", "created_at"), 1)
        gone: list[Document] = [
            {"$match": {"queue": queue, "at": {"$gte": place.at}, "_id.born": span}},
            {"$project": {**shown, "task": "$_id.task", "born": "$_id.born"}},
        ]
        asked: list[Document] = [
            {"$match": {"queue": queue, "born": span}},
            {"$project": {**shown, "task": "$_id"}},
            {"$unionWith": {"coll": "deleted", "pipeline": gone}},
            {"$sort": {"born": 1, "task": 1}},
        ]
        return iter(self._tasks.aggregate(asked, allowDiskUse=True))

    def delete(self, query: Query, now: datetime) -> int:
        """`Store.delete`: what a task leaves is there before it goes, and says so afterwards."""
        if "queue" in query:
            self._clear(query["queue"], now)
        found = steadily(query, lambda by: list(self._tasks.find(query, {"_id": 1}, **by)))
        ids = [task["_id"] for task in found]
        return sum(
            self._delete({"$and": [query, {"_id": {"$in": part}}]}) for part in batches(ids, STEP)
        )

    def _delete(self, part: Query) -> int:
        """Removes the tasks of one part; a change of the primary meanwhile is ridden out."""
        count = 0
        for _ in range(ROUNDS):
            tasks = patiently(lambda: list(self._tasks.find(part, [*KEPT, "born"], hint="_id_")))
            if not tasks:
                break
            try:
                removed = self._remove(part, tasks)
            except mongo.AutoReconnect:  # it may have been done, or in part
                keys = [_key(task) for task in tasks]
                removed = patiently(partial(self._settle, keys))
            count += removed
            if removed == len(tasks):
                break
        return count

    def _remove(self, part: Query, tasks: Sequence[Document]) -> int:
        """Removes those of the tasks that stand as they were read; how many."""
        left = [
            {**{field: task[field] for field in KEPT if field in task}, "_id": _key(task)}
            for task in tasks
        ]
        made = [{"moves": [], **one, "at": FAR, "made": NEVER} for one in left]
        try:
            self._deleted.insert_many(made, ordered=False)
        except mongo.BulkWriteError as error:  # another removes the same ones, or did not end
            require_kept(error)
            if any(fault["code"] != DUPLICATE for fault in (error.details or {})["writeErrors"]):
                raise
        as_read: list[Document] = [
            {"_id": task["_id"], "moved_at": task.get("moved_at"), "born": task.get("born")}
            for task in tasks
        ]
        # by their ids, whatever else is asked: else each part examines every task
        writes = [
            DeleteMany(
                {"$and": [part, {"_id": {"$in": [one["_id"] for one in some]}}, {"$or": some}]},
                hint="_id_",
            )
            for some in batches(as_read, FEW)
        ]
        try:
            count = self._tasks.bulk_write(writes, ordered=False).deleted_count
        except mongo.BulkWriteError as error:
            require_kept(error)
            raise
        self._settle([one["_id"] for one in left])
        return int(count)

    def _settle(self, keys: Sequence[Document]) -> int:
        """Says of the removals that were begun whether they were made; how many were."""
        ids = {"_id": {"$in": [key["task"] for key in keys]}}
        found = self._tasks.find(ids, {"born": 1})
        there = {repr((task["_id"], task.get("born"))) for task in found}  # not all have a hash
        gone = [key for key in keys if repr((key["task"], key["born"])) not in there]
        stays = [key for key in keys if repr((key["task"], key["born"])) in there]
        begun: Document = {"at": FAR}
        time_of_it = [{"$set": {"at": {"$max": ["$$NOW", "$moved_at"]}}}]
        self._deleted.update_many({"_id": {"$in": gone}, **begun}, time_of_it, hint="_id_")
        if stays:
            self._deleted.delete_many({"_id": {"$in": stays}, **begun}, hint="_id_")
        return len(gone)

    def _clear(self, queue: str, now: datetime) -> None:
        """Ends the removals that somebody began who is no more."""
        begun = list(self._deleted.find({"queue": queue, "at": FAR}, {"made": 1}, limit=STEP))
        over = int(now.timestamp()) - STALE
        if stale := [one["_id"] for one in begun if _born(one.get("made")).time < over]:
            self._settle(stale)


def patiently(ask: Callable[[], Result]) -> Result:
    """What it gives, asked again while a replica set elects another primary."""
    until = time.monotonic() + ELECTION
    while True:
        try:
            return ask()
        except mongo.AutoReconnect:  # noqa: PERF203 - it is the trying again that is wanted
            if time.monotonic() >= until:
                raise
            time.sleep(AGAIN)


def _key(task: Document) -> Document:
    """What a task in this state leaves is known by."""
    return {"task": task["_id"], "born": task.get("born"), "moved_at": task.get("moved_at")}


def _merged(
    moves: Iterator[Document], inserts: Iterator[Document], place: Position, last: Timestamp
) -> Iterator[Document]:
    """The events of both, a task's in their order, until a move whose insert is after `last`."""
    at, born = (place.at, place.task, place.n), place.born
    new, told = next(inserts, None), ("", NEVER)
    settled = takewhile(lambda row: _born(row.get("born")) <= last, moves)
    for row in chain(settled, [END]):
        move = row["moves"]
        here = (move["at"], str(row["task"]), move["n"])
        if here <= at:
            continue  # given before, or that of a task that is being removed just now
        row_born = _born(row.get("born"))
        while new is not None and (new["born"] <= row_born or _time(new) < here[0]):
            if (new["task"], new["born"]) != told:
                born = new["born"]
                told = (new["task"], born)
                yield _inserted(new, Position(at[0], at[2], at[1], born))
            new = next(inserts, None)
        if row is not END:
            at = here
            yield _moved(row, Position(at[0], at[2], at[1], born))


def _born(value: Any) -> Timestamp:
    """The time of an insert; another program's document may have none."""
    return value if isinstance(value, Timestamp) else NEVER


def _time(new: Document) -> datetime:
    made = new.get("created_at")
    return made if isinstance(made, datetime) else new["born"].as_datetime()


def _inserted(new: Document, token: Position) -> Document:
    event = {"to": new.get("born_as"), "at": _time(new), "attempt": 0}
    return {"token": str(token), **sound_event({**new, **event})}


def _moved(row: Document, token: Position) -> Document:
    move = row["moves"]
    event = {"token": str(token), **sound_event({**row, **move, "task": row["task"]})}
    lost = row["dropped"] and move["n"] == row["first"]
    return {**event, "missed": True} if lost else event
