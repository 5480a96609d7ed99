"""The MongoDB store: one node, a replica set or a sharded cluster; the only importer of pymongo."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

from bson import encode
from bson.errors import InvalidDocument
from bson.raw_bson import RawBSONDocument
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
from labq.errors import ConflictError, StoreError, UsageError
from labq.store.base import CLAIM_ORDER, MAX_BYTES, Change, Now, Query, Records, Sort, Store
from labq.task import Document

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
            ("queue", ASCENDING),
            ("status", ASCENDING),
            ("priority", DESCENDING),
            ("number", ASCENDING),
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
]
NOTHING: Query = MappingProxyType({})
COUNTER = {"next_number": 0, "submitted_at": 0}  # what a queue has beside its record
PATH_NOT_VIABLE, DUPLICATE = 28, 11000
TOO_LARGE = {10334, 17419, 17420}
DENIED = {13, 18, 8000}


class MongoStore(Store):
    """Tasks in a MongoDB database: the one that the URI names, or `labq`.

    Raises:
        UsageError: the URI is wrong.
        StoreError: it is a `mongodb+srv://` whose name does not resolve.
    """

    poll = 0.25

    def __init__(self, uri: str) -> None:
        self.address = masked(uri)
        given = uri.partition("?")[2].lower()
        options = {key: value for key, value in DEFAULTS.items() if f"{key.lower()}=" not in given}
        with self._faults():
            try:
                self._client: MongoClient[Document] = MongoClient(uri, tz_aware=True, **options)
            except ValueError as error:  # of an option or a port
                raise mongo.InvalidURI(str(error)) from None
            database = self._client.get_default_database("labq")
        self._tasks = database["tasks"]
        self._unwaited = self._tasks.with_options(write_concern=WriteConcern(w=1))
        self._own_concern = "w" in options
        self._queues = database["queues"]
        self.queues = MongoRecords(self._queues, self._faults)
        self._ready = threading.Event()

    def insert(self, queue: str, tasks: Sequence[Document]) -> list[int]:
        with self._faults():
            first, now = self._take_numbers(queue, len(tasks))
            if first == 1:  # a queue's first tasks: one round trip less for all others
                self._ensure_indexes()
            documents = [
                _encoded(task, queue, number, now) for number, task in enumerate(tasks, start=first)
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
        with self._faults():
            cursor = self._tasks.find(query, list(fields) or None, limit=limit)
            yield from cursor.sort(list(sort)).allow_disk_use(True) if sort else cursor

    def count(self, query: Query) -> int:
        with self._faults():
            return int(self._tasks.count_documents(query))

    def counts(self) -> dict[tuple[str, str], int]:
        by = {"queue": "$queue", "status": "$status"}
        with self._faults():
            groups = self._tasks.aggregate([{"$group": {"_id": by, "n": {"$sum": 1}}}])
            return {(group["_id"]["queue"], group["_id"]["status"]): group["n"] for group in groups}

    def update_first(
        self, query: Query, change: Change, fields: Sequence[str] = ()
    ) -> Document | None:
        with self._faults():
            self._ensure_indexes()
            return self._quick.find_one_and_update(
                query,
                _update(change),
                projection=list(fields) or None,
                sort=list(CLAIM_ORDER),
                return_document=ReturnDocument.AFTER,
            )

    def update(self, query: Query, change: Change) -> int:
        with self._faults():
            write = self._quick.update_one if _names_one(query) else self._quick.update_many
            return int(write(query, _update(change)).matched_count)

    def update_each(self, writes: Iterable[tuple[Query, Change]]) -> int:
        operations = [
            (UpdateOne if _names_one(query) else UpdateMany)(query, _update(change))
            for query, change in writes
        ]
        if not operations:
            return 0
        with self._faults():
            return int(self._tasks.bulk_write(operations, ordered=False).matched_count)

    def delete(self, query: Query) -> int:
        with self._faults():
            return int(self._tasks.delete_many(query).deleted_count)

    def now(self) -> datetime:
        with self._faults():
            local: datetime = self._client.admin.command("hello")["localTime"]
            return local.replace(tzinfo=timezone.utc)

    def close(self) -> None:
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

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turns pymongo's errors into labq's, which name the host and never the password."""
        try:
            yield
        except (mongo.ConnectionFailure, mongo.WTimeoutError) as error:
            raise StoreError(
                f"cannot reach MongoDB at {_hosts(self.address)}: {_first_clause(error)}; "
                "check that it runs, and LABQ_URI"
            ) from None
        except (mongo.InvalidURI, mongo.InvalidName) as error:
            raise UsageError(
                f"{self.address} is not a MongoDB URI: {_first_clause(error)}"
            ) from None
        except mongo.ConfigurationError as error:
            raise StoreError(f"cannot use {self.address}: {_first_clause(error)}") from None
        except mongo.DocumentTooLarge:
            raise UsageError(f"the task is too large: at most {MAX_BYTES:,} bytes") from None
        except InvalidDocument as error:
            raise UsageError(f"the task cannot be stored: {error}") from None
        except mongo.OperationFailure as error:
            raise _refused(error, self.address) from None
        except mongo.PyMongoError as error:
            raise StoreError(f"MongoDB at {_hosts(self.address)}: {error}") from None


class MongoRecords(Records):
    """The documents of one collection."""

    def __init__(
        self, collection: Collection[Document], faults: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._collection = collection
        self._faults = faults

    def find(self, query: Query = NOTHING) -> Iterator[Document]:
        with self._faults():
            yield from self._collection.find(dict(query), COUNTER).sort("_id")


def _names_one(query: Query) -> bool:
    return isinstance(query.get("_id"), str)


def _refused(error: mongo.OperationFailure, address: str) -> Exception:
    """What labq says of a command that the server refused."""
    faults = (error.details or {}).get("writeErrors") or [
        {"code": error.code, "errmsg": str(error)}
    ]
    code, message = faults[0].get("code"), str(faults[0].get("errmsg", error))
    if code in DENIED:
        return StoreError(
            f"MongoDB at {_hosts(address)} refuses: {_first_clause(message)}; check the user"
        )
    if code == PATH_NOT_VIABLE:
        return ConflictError("cannot write there: something on the way to it is not a dict")
    if code in TOO_LARGE:
        return UsageError(f"the task is too large: at most {MAX_BYTES:,} bytes")
    return StoreError(f"MongoDB at {_hosts(address)}: {_first_clause(message)}")


def _hosts(address: str) -> str:
    """`host:port`, or several, of a URI."""
    place = (
        re.sub(r"^mongodb(\+srv)?://", "", address).split("/")[0].split("?")[0].rpartition("@")[2]
    )
    if "+srv" in address:
        return place
    return ",".join(
        host if re.search(r":\d+$", host) else f"{host}:27017" for host in place.split(",")
    )


def _first_clause(error: object) -> str:
    """Pymongo's message without the topology that it appends."""
    return re.split(r" \(configured timeouts|, Timeout:|, full error:", str(error))[0]


def _encoded(task: Document, queue: str, number: int, now: datetime) -> RawBSONDocument:
    """A new document as BSON; one that is too large is refused before any sibling is sent."""
    timed = {field: now if isinstance(value, Now) else value for field, value in task.items()}
    raw = encode({**timed, "queue": queue, "number": number})
    if len(raw) > MAX_BYTES:
        raise UsageError(f"the task is too large: {len(raw):,} bytes of at most {MAX_BYTES:,}")
    return RawBSONDocument(raw)


def _update(change: Change) -> dict[str, Any] | list[dict[str, Any]]:
    """The update that makes a Change: operators, or a pipeline where the server's time is needed.

    `$currentDate` serves a bare Now; only a pipeline can add to `$$NOW` or put it within a value.
    """
    if any(_needs_pipeline(value) for value in (*change.set.values(), *change.push.values())):
        return _pipeline(change)
    update: dict[str, Any] = {
        "$set": {path: value for path, value in change.set.items() if not isinstance(value, Now)},
        "$currentDate": {
            path: True for path, value in change.set.items() if isinstance(value, Now)
        },
        "$inc": dict(change.inc),
        "$unset": dict.fromkeys(change.unset, ""),
        "$push": {
            path: {"$each": [item], "$slice": -change.keep} for path, item in change.push.items()
        },
    }
    return {operator: fields for operator, fields in update.items() if fields}


def _needs_pipeline(value: Any, depth: int = 0) -> bool:
    if isinstance(value, Now):
        return bool(depth or value.plus)
    return isinstance(value, dict) and any(_needs_pipeline(v, depth + 1) for v in value.values())


def _pipeline(change: Change) -> list[dict[str, Any]]:
    stage: dict[str, Any] = {path: _expression(value) for path, value in change.set.items()}
    for path, amount in change.inc.items():
        stage[path] = {"$add": [{"$ifNull": [f"${path}", 0]}, amount]}
    for path, item in change.push.items():
        joined = {"$concatArrays": [{"$ifNull": [f"${path}", []]}, [_expression(item)]]}
        stage[path] = {"$slice": [joined, -change.keep]}
    return [{"$set": stage}, *([{"$unset": list(change.unset)}] if change.unset else [])]


def _expression(value: Any) -> Any:
    """An aggregation expression for a value, in which nothing of the value's own is evaluated."""
    if isinstance(value, Now):
        return {"$add": ["$$NOW", round(value.plus * 1000)]} if value.plus else "$$NOW"
    if isinstance(value, Mapping) and _needs_pipeline(value):
        return {key: _expression(item) for key, item in value.items()}
    return {"$literal": value}
