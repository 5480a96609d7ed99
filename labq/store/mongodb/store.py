"""The MongoDB store: one node or a replica set."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import finalize

from pymongo import (
    MongoClient,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
)
from pymongo import errors as mongo
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from labq.config import masked
from labq.model.fields import QUEUE, WORKER
from labq.model.sound import sound_task
from labq.model.task import Document
from labq.store.base import CLAIM_ORDER, EXPIRES, Change, Query, Run, Sort, Store, Watch
from labq.store.mongodb.codec import encoded, uncountable, update_of
from labq.store.mongodb.errors import faults, require_kept
from labq.store.mongodb.history import HIDDEN, STEP, steadily
from labq.store.mongodb.ids import meant
from labq.store.mongodb.indexes import DELETED, INDEXES, ensure
from labq.store.mongodb.queues import Counters
from labq.store.mongodb.records import MongoRecords
from labq.store.mongodb.schema import Schema
from labq.store.mongodb.short_names import Shorts
from labq.store.mongodb.uri import connected
from labq.store.refusals import require_here, shorts_of
from labq.values.batches import batches

if TYPE_CHECKING:
    from labq.store.mongodb.blobs import MongoBlobs
    from labq.store.mongodb.events import Events

DUPLICATE = 11000
WRONG_TYPE = 14  # of what is added to


class MongoStore(Store):
    """Tasks in a MongoDB database: the one that the URI names, or `labq`.

    Raises:
        UsageError: the URI is wrong.
        StoreError: it is a `mongodb+srv://` whose name does not resolve, or the direct connection
            is not to a primary.
    """

    def __init__(self, uri: str) -> None:
        self.address = masked(uri)
        self._client, wanted = connected(uri, self.address)
        self.notes, self.forgetful = wanted.notes, wanted.forgetful
        with faults(self.address):
            # what another program wrote that is no UTF-8 is read as lone surrogates, and told of
            read = self._client.codec_options.with_options(
                unicode_decode_error_handler="surrogateescape"
            )
            database = self._client.get_default_database("labq", codec_options=read)
        self._database, self._schema = database, Schema(database, self.address)
        self._shorts = Shorts(database["tasks"])
        self._counters = Counters(database["queues"], database["tasks"], self._schema)
        self._queues = MongoRecords(database["queues"], self.address, QUEUE)
        workers = database.get_collection("workers", write_concern=WriteConcern("majority"))
        self._workers = MongoRecords(workers, self.address, WORKER)  # lasting: so all before it is
        self._ready = threading.Event()
        self._watches: list[Watch] = []
        # A store that is collected closes; at the interpreter's end others may use it to the last.
        finalize(self, _close, self._client).atexit = False

    @property
    def _tasks(self) -> Collection[Document]:
        """The tasks, of a database that this labq knows."""
        self._schema.check()
        return self._database["tasks"]

    @property
    def queues(self) -> MongoRecords:  # type: ignore[override]
        """The queues' records, likewise."""
        return self._known(self._queues)

    @property
    def workers(self) -> MongoRecords:  # type: ignore[override]
        """The workers' records, likewise."""
        return self._known(self._workers)

    def _known(self, records: MongoRecords) -> MongoRecords:
        with faults(self.address):
            self._schema.check()
        return records

    def insert(self, queue: str, tasks: Sequence[Document]) -> list[int]:
        ids = [task["_id"] for task in tasks]
        shorts = shorts_of(tasks)
        with faults(self.address):
            self._schema.check()
            if shorts:
                self._ensure_indexes()
                self._shorts.require_free(queue, shorts)
            taken = self._counters.take(queue, ids)
            if taken.first == 1:  # a queue's first tasks: one round trip less for all others
                self._ensure_indexes()
            documents = [
                encoded({**taken.defaults, **task}, queue, number, taken.now)
                for number, task in enumerate(tasks, start=taken.first)
            ]
            try:
                self._tasks.insert_many(documents, ordered=False)
            except mongo.BulkWriteError as error:
                require_kept(error)
                self._shorts.require_stored(error, queue, tasks)
                clash = self._clash(error)
            else:
                return list(range(taken.first, taken.first + len(tasks)))
            finally:
                self._counters.give_back(queue, taken)
            if clash:
                self._counters.skip(queue)
                return self.insert(queue, tasks)
            stored = list(self._tasks.find({"_id": {"$in": ids}}, {"number": 1, "queue": 1}))
            require_here(queue, (task["queue"] for task in stored))
            numbers = {task["_id"]: int(task["number"]) for task in stored}
            return [numbers[identity] for identity in ids]

    @staticmethod
    def _clash(error: mongo.BulkWriteError) -> bool:
        """Whether a number was taken; else every fault is that the task is there already.

        Any other error is raised again.
        """
        clash = False
        for fault in (error.details or {}).get("writeErrors", []):
            pattern = fault.get("keyPattern", {})
            known = pattern.keys() & {"_id", "number", "short"}
            if fault.get("code") != DUPLICATE or not known:
                raise error
            clash = clash or "number" in pattern
        return clash

    def find(
        self,
        query: Query,
        *,
        sort: Sort = (),
        limit: int = 0,
        fields: Sequence[str] = (),
        steady: bool = False,
    ) -> Iterator[Document]:
        query = meant(query)

        def begin(by: Any) -> tuple[Iterator[Document], Document | None]:
            cursor = self._tasks.find(query, list(fields) or HIDDEN, limit=limit, **by)
            rest = cursor.sort(list(sort)).allow_disk_use(True) if sort else cursor
            return rest, next(rest, None)

        with faults(self.address):
            rest, first = steadily(query, begin, steady=steady)
            if first is not None:
                yield sound_task(first, fields)
            for task in rest:
                yield sound_task(task, fields)

    def count(self, query: Query, *, steady: bool = False) -> int:
        query = meant(query)

        def count(by: Any) -> int:
            return int(self._tasks.count_documents(query, **by))

        with faults(self.address):
            return steadily(query, count, steady=steady)

    def counts(self) -> dict[tuple[str, str], int]:
        by = {"queue": "$queue", "status": "$status"}
        with faults(self.address):
            groups = self._tasks.aggregate([{"$group": {"_id": by, "n": {"$sum": 1}}}])
            by_pair = ((group["_id"], group["n"]) for group in groups)
            return {(one.get("queue"), one.get("status")): n for one, n in by_pair if _names(one)}

    def runs(self, queue: str, group: str) -> list[Run]:
        with faults(self.address):
            self._schema.check()
            return self._counters.runs(queue, group)

    def rename(self, queue: str, new: str) -> int:
        with faults(self.address), self._shorts.kept():
            self._schema.check()
            return self._counters.rename(queue, new)

    def update_first(
        self, query: Query, change: Change, fields: Sequence[str] = ()
    ) -> Document | None:
        with faults(self.address), self._shorts.kept():
            self._ensure_indexes()
            task = self._tasks.find_one_and_update(
                meant(query),
                update_of(change, logged=True),
                projection=list(fields) or HIDDEN,
                sort=None if _names_one(query) else list(CLAIM_ORDER),
                return_document=ReturnDocument.AFTER,
            )
            return None if task is None else sound_task(task, fields)

    def update(self, query: Query, change: Change) -> int:
        with faults(self.address), self._shorts.kept():
            self._prepare(change)
            return self._update(query, change)

    def _update(self, query: Query, change: Change) -> int:
        try:
            return self._update_as(query, change)
        except mongo.OperationFailure as error:
            if error.code != WRONG_TYPE or not change.inc:
                raise
        counted: Query = {"$and": [query, {"$nor": [uncountable(name) for name in change.inc]}]}
        rest: Query = {"$and": [query, {"$or": [uncountable(name) for name in change.inc]}]}
        done = self._update_as(rest, replace(change, inc={}))
        return done + self._update_as(counted, change)

    def _update_as(self, query: Query, change: Change) -> int:
        """One update, where no counter that it adds to is anything but a number."""
        update = update_of(change, logged=True)
        one, query = _names_one(query), meant(query)
        if one:
            return int(self._tasks.update_one(query, update).matched_count)
        if "status" not in change.set:
            return self._update_many(query, update)
        ids = steadily(query, lambda by: list(self._tasks.find(query, {"_id": 1}, **by)))
        parts = ([task["_id"] for task in part] for part in batches(ids, STEP))  # each at one time
        return sum(
            self._update_many({"$and": [query, {"_id": {"$in": part}}]}, update) for part in parts
        )

    def _update_many(self, query: Query, update: Any) -> int:
        done = steadily(query, lambda by: self._tasks.update_many(query, update, **by))
        return int(done.matched_count)

    def update_each(self, writes: Iterable[tuple[Query, Change]]) -> int:
        pairs = list(writes)
        with faults(self.address), self._shorts.kept():
            self._prepare(*(change for _, change in pairs))
            return sum(map(self._update_part, batches(pairs, STEP)))

    def _update_part(self, pairs: Sequence[tuple[Query, Change]]) -> int:
        operations = [
            (UpdateOne if _names_one(query) else UpdateMany)(
                meant(query), update_of(change, logged=True)
            )
            for query, change in pairs
        ]
        try:
            return self._tasks.bulk_write(operations, ordered=False).matched_count
        except mongo.BulkWriteError as error:
            require_kept(error)
            details: Any = error.details or {}
            failed = details.get("writeErrors", [])
            if any(fault.get("code") != WRONG_TYPE for fault in failed):
                raise
            done = int(details["nMatched"])
            return done + sum(self._update(*pairs[fault["index"]]) for fault in failed)

    def delete(self, query: Query) -> int:
        now = self.now()
        with faults(self.address):
            return self._events.delete(meant(query), now)

    def events(self, queue: str, since: str | None = None) -> Iterator[Document]:
        now = self.now()
        with faults(self.address):
            yield from self._events.since(queue, since, now)

    def newest_event(self, queue: str) -> str:
        now = self.now()
        with faults(self.address):
            return self._events.newest(queue, now)

    @cached_property
    def blobs(self) -> MongoBlobs:  # type: ignore[override]
        """The contents beside the tasks."""
        from labq.store.mongodb.blobs import MongoBlobs

        return MongoBlobs(self._database["blobs"], self.address)

    @cached_property
    def _events(self) -> Events:
        """The log; most commands do without it."""
        from labq.store.mongodb.events import Events

        return Events(self._tasks)

    def identity(self, *, make: bool = False) -> str:
        kept = self._tasks.database["store"]
        which = {"_id": "identity"}
        with faults(self.address):
            found = kept.find_one(which)
            if found is None and make:
                with suppress(mongo.DuplicateKeyError):  # another was faster
                    kept.insert_one({**which, "value": os.urandom(16).hex()})
                found = kept.find_one(which)
        return str(found["value"]) if found else ""

    def exists(self) -> bool:
        with faults(self.address):
            names = self._tasks.database.list_collection_names
            return bool(names(authorizedCollections=True, nameOnly=True))

    def now(self) -> datetime:
        with faults(self.address):
            self._schema.check()
            local: datetime = self._client.admin.command("hello")["localTime"]
            return local.replace(tzinfo=timezone.utc)

    def over(self, field: str = EXPIRES) -> Query:
        return {field: {"$lt": self.now()}}

    def watch(self, queue: str) -> Watch:
        from labq.store.mongodb.watch import MongoWatch

        watch = MongoWatch(self._database, queue)
        self._watches.append(watch)
        return watch

    def close(self) -> None:
        while self._watches:
            self._watches.pop().close()
        _close(self._client)

    def _prepare(self, *changes: Change) -> None:
        """Sees to what holds a short name that these give: its index, in an older database too."""
        if any("short" in change.set for change in changes):
            self._ensure_indexes()

    def _ensure_indexes(self) -> None:
        if not self._ready.is_set():
            self._schema.prepare()
            ensure(self._tasks, INDEXES, self.address)
            ensure(self._tasks.database["deleted"], DELETED, self.address)
            self._ready.set()


def _names(pair: Document) -> bool:
    """Whether a queue and a status that were counted are names; another program's may be none.

    `bson.Code` is a text too, and no key of a dict.
    """
    return all(type(name) is str for name in (pair.get("queue"), pair.get("status", "")))


def _names_one(query: Query) -> bool:
    return isinstance(query.get("_id"), str)


def _close(client: MongoClient[Document]) -> None:
    with suppress(mongo.InvalidOperation):  # of a second close, after a cursor was left open
        client.close()
