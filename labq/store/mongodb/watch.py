"""News of a queue from MongoDB: a change stream, or polling where the server has none."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

from pymongo import errors as mongo
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from labq.model.task import Document, Status
from labq.store.base import Watch

MAX_AWAIT_MS = 1000  # how long the server holds a question open
RETRY = 1.0  # seconds until a stream that broke is opened again
ASK_AGAIN = 30.0  # seconds until a server that refused a stream is asked once more
SHORTEST, LONGEST = 0.05, 0.4  # seconds between two looks where there is no stream


class MongoWatch(Watch):
    """A thread reads the stream, so that news is one flag however many changes there are.

    It is a daemon: it ends within MAX_AWAIT_MS of `close`, and holds no process up.
    """

    def __init__(self, database: Database[Document], queue: str) -> None:
        majority = ReadConcern("majority")  # which a change stream has in any case
        self._database = database.with_options(read_concern=majority)
        self._pipeline = pipeline(queue)
        self._news = threading.Event()
        self._closed = threading.Event()
        self._polling = False
        self._pause = SHORTEST
        self._look_at = 0.0  # monotonic; 0 where no look is due
        threading.Thread(target=self._follow, name="labq-watch", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        if self._polling:
            return self._poll(seconds)
        if not self._news.wait(seconds):
            return False
        self._news.clear()
        return not self._closed.is_set() or self._ended()

    def _ended(self) -> bool:
        self._news.set()  # nobody who comes back is to wait
        return False

    def _poll(self, seconds: float) -> bool:
        """Waits for the next look, which comes later each time."""
        now = time.monotonic()
        if not self._look_at:
            self._look_at = now + self._pause * random.uniform(0.75, 1.0)  # noqa: S311
            self._pause = min(2 * self._pause, LONGEST)
        rest = self._look_at - now
        if self._closed.wait(min(rest, seconds)) or rest > seconds:
            return False
        self._look_at = 0.0
        return True

    def active(self) -> None:
        self._pause = SHORTEST

    def close(self) -> None:
        self._closed.set()
        self._news.set()

    def _follow(self) -> None:
        """Reads streams, one after another; each begins with news, of what it may have missed."""
        while not self._closed.is_set():
            rest = RETRY
            try:
                with self._database.watch(self._pipeline, max_await_time_ms=MAX_AWAIT_MS) as stream:
                    self._polling = False
                    self._news.set()
                    while stream.alive and not self._closed.is_set():
                        if stream.try_next() is not None:
                            self._news.set()
            except mongo.OperationFailure:  # a lone mongod, or a user who may not
                self._polling, rest = True, ASK_AGAIN
                self._news.set()
            except (mongo.PyMongoError, RuntimeError):
                pass  # an outage; or the process ends, and starts no thread for a connection
            self._closed.wait(rest)


def pipeline(queue: str) -> list[dict[str, Any]]:
    """What the server is to look for: all that `Watch.wait` tells of, and as little else as it can.

    An update names the fields that it set, not the task's queue: another queue's are news too.
    """
    removed = "updateDescription.removedFields"
    of_tasks = [
        {"operationType": {"$in": ["insert", "replace"]}, "fullDocument.queue": queue},
        {"updateDescription.updatedFields.status": Status.PENDING.value},
        {removed: "waiting_for"},
        _touched("stop_requested", "available_at", "queue"),
    ]
    of_the_queue = [
        {"fullDocument.paused": {"$exists": True}},
        {removed: "paused"},
        _touched("paused"),
    ]
    news = [
        {"ns.coll": "tasks", "$or": of_tasks},
        {"ns.coll": "queues", "documentKey._id": queue, "$or": of_the_queue},
        {"ns.coll": "workers", **_touched("command")},
    ]
    return [{"$match": {"$or": news}}, {"$project": {"_id": 1}}]


def _touched(*fields: str) -> dict[str, Any]:
    """An update that set one of these fields or, where it holds a dict, something within."""
    changes = {"$objectToArray": {"$ifNull": ["$updateDescription.updatedFields", {}]}}
    field = {"$arrayElemAt": [{"$split": ["$$change.k", "."]}, 0]}
    found = {"$map": {"input": changes, "as": "change", "in": {"$in": [field, list(fields)]}}}
    return {"$expr": {"$anyElementTrue": [found]}}
