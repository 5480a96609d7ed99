"""The MongoDB store: one node, a replica set or a sharded cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from pymongo import (
    ASCENDING,
    DESCENDING,
    IndexModel,
    MongoClient,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
)
from pymongo import errors as mongo
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from labq.config import masked
from labq.store.base import CLAIM_ORDER, Change, Query, Sort, Store, Watch
from labq.store.mongodb_blobs import MongoBlobs
from labq.store.mongodb_changes import encoded, update_of
from labq.store.mongodb_errors import faults
from labq.store.mongodb_records import MongoRecords
from labq.task import Document, Status

DEFAULTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 3000,
    "socketTimeoutMS": 60_000,
    "w": "majority",
    "appname": "labq",
}
INDEXES = [
    IndexModel([("queue", ASCENDING), ("number", ASCENDING)], unique=True, name="number"),
    IndexModel(
        [
            *(("queue", ASCENDING), ("status", ASCENDING)),
            *(("priority", DESCENDING), ("number", ASCENDING)),
        ],
        name="claim",
    ),
    IndexModel(
        [
            *(("queue", ASCENDING), ("status", ASCENDING), ("args_signature", ASCENDING)),
            *(("priority", DESCENDING), ("number", ASCENDING)),
        ],
        name="fit",
    ),
    IndexModel(  # what is due by time, and what waits for another task: one or the other
        [("queue", ASCENDING), ("waiting_for", ASCENDING), ("available_at", ASCENDING)],
        partialFilterExpression={"status": Status.WAITING.value},
        name="waiting",
    ),
    IndexModel(
        [("queue", ASCENDING), ("ended_at", ASCENDING)],
        partialFilterExpression={"retention.ttl": {"$exists": True}},
        name="expiring",
    ),
]
DUPLICATE = 11000


class MongoStore(Store):
    """Tasks in a MongoDB database: the one that the URI names, or `labq`.

    Raises:
        UsageError: the URI is wrong.
        StoreError: it is a `mongodb+srv://` whose name does not resolve.
    """

    def __init__(self, uri: str) -> None:
        self.address = masked(uri)
        given = uri.partition("?")[2].lower()
        options = {key: value for key, value in DEFAULTS.items() if f"{key.lower()}=" not in given}
        with faults(self.address):
            try:
                self._client: MongoClient[Document] = MongoClient(uri, tz_aware=True, **options)
            except ValueError as error:  # of an option or a port
                raise mongo.InvalidURI(str(error)) from None
            database = self._client.get_default_database("labq")
        self._tasks = database["tasks"]
        self._unwaited = self._tasks.with_options(write_concern=WriteConcern(w=1))
        self._own_concern = "w" in options
        self._queues = database["queues"]
        self.queues = MongoRecords(self._queues, self.address)
        self.workers = MongoRecords(database["workers"], self.address)
        self.blobs = MongoBlobs(database["blobs"], self.address)
        self._ready = threading.Event()
        self._watches: list[Watch] = []

    def insert(self, queue: str, tasks: Sequence[Document]) -> list[int]:
        with faults(self.address):
            first, now = self._take_numbers(queue, len(tasks))
            if first == 1:  # a queue's first tasks: one round trip less for all others
                self._ensure_indexes()
            documents = [
                encoded(task, queue, number, now) for number, task in enumerate(tasks, start=first)
            ]
            try:
                self._tasks.insert_many(documents, ordered=False)
            except mongo.BulkWriteError as error:
                self._only_repeats(error)
                ids = [task["_id"] for task in tasks]
                stored = self._tasks.find({"_id": {"$in": ids}}, {"number": 1})
                numbers = {task["_id"]: int(task["number"]) for task in stored}
                return [numbers[identity] for identity in ids]
        return list(range(first, first + len(tasks)))

    def _take_numbers(self, queue: str, count: int) -> tuple[int, datetime]:
        """Reserves `count` numbers; the first of them and the store's time, in one round trip."""
        taken = {"$add": [{"$ifNull": ["$next_number", 1]}, count]}
        counter: Any = self._queues.find_one_and_update(
            {"_id": queue},
            [{"$set": {"next_number": taken, "submitted_at": "$$NOW"}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return counter["next_number"] - count, counter["submitted_at"]

    @staticmethod
    def _only_repeats(error: mongo.BulkWriteError) -> None:
        """Raises the error again unless all it says is that an `_id` is there already."""
        for fault in (error.details or {}).get("writeErrors", []):
            if fault.get("code") != DUPLICATE or "_id" not in fault.get("keyPattern", {}):
                raise error

    def find(
        self, query: Query, *, sort: Sort = (), limit: int = 0, fields: Sequence[str] = ()
    ) -> Iterator[Document]:
        with faults(self.address):
            cursor = self._tasks.find(query, list(fields) or None, limit=limit)
            yield from cursor.sort(list(sort)).allow_disk_use(True) if sort else cursor

    def count(self, query: Query) -> int:
        with faults(self.address):
            return int(self._tasks.count_documents(query))

    def counts(self) -> dict[tuple[str, str], int]:
        by = {"queue": "$queue", "status": "$status"}
        with faults(self.address):
            groups = self._tasks.aggregate([{"$group": {"_id": by, "n": {"$sum": 1}}}])
            return {(group["_id"]["queue"], group["_id"]["status"]): group["n"] for group in groups}

    def update_first(
        self, query: Query, change: Change, fields: Sequence[str] = ()
    ) -> Document | None:
        with faults(self.address):
            self._ensure_indexes()
            return self._quick.find_one_and_update(
                query,
                update_of(change),
                projection=list(fields) or None,
                sort=None if _names_one(query) else list(CLAIM_ORDER),
                return_document=ReturnDocument.AFTER,
            )

    def update(self, query: Query, change: Change) -> int:
        with faults(self.address):
            write = self._quick.update_one if _names_one(query) else self._quick.update_many
            return int(write(query, update_of(change)).matched_count)

    def update_each(self, writes: Iterable[tuple[Query, Change]]) -> int:
        operations = [
            (UpdateOne if _names_one(query) else UpdateMany)(query, update_of(change))
            for query, change in writes
        ]
        if not operations:
            return 0
        with faults(self.address):
            return int(self._tasks.bulk_write(operations, ordered=False).matched_count)

    def delete(self, query: Query) -> int:
        with faults(self.address):
            return int(self._tasks.delete_many(query).deleted_count)

    def now(self) -> datetime:
        with faults(self.address):
            local: datetime = self._client.admin.command("hello")["localTime"]
            return local.replace(tzinfo=timezone.utc)

    def watch(self, queue: str) -> Watch:
        from labq.store.mongodb_watch import MongoWatch

        watch = MongoWatch(self._tasks.database, queue)
        self._watches.append(watch)
        return watch

    def close(self) -> None:
        while self._watches:
            self._watches.pop().close()
        with suppress(mongo.InvalidOperation):  # of a second close, after a cursor was left open
            self._client.close()

    @property
    def _quick(self) -> Collection[Document]:
        """The tasks, for the writes of a worker.

        On a lone mongod "majority" waits for the journal's fsync, half a millisecond; a claim or
        finish of its last 100 ms, undone by a crash of mongod, costs a second run. Elsewhere it
        stays; `w=majority` in the URI asks for it everywhere.
        """
        servers = self._client.topology_description.server_descriptions().values()
        alone = any(server.server_type_name == "Standalone" for server in servers)
        return self._unwaited if alone and self._own_concern else self._tasks

    def _ensure_indexes(self) -> None:
        if not self._ready.is_set():
            self._tasks.create_indexes(INDEXES)
            self._ready.set()


def _names_one(query: Query) -> bool:
    return isinstance(query.get("_id"), str)
