"""The contents beside the tasks, in MongoDB: a document each, or several for a large one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

from pymongo import errors as mongo
from pymongo.collection import Collection

from labq.errors import NotFoundError, StoreError
from labq.model.task import Document
from labq.store.base import CONTENTS, FRESH, HOUR, Blobs, digest_of
from labq.store.mongodb.errors import faults

TOUCH = {"$currentDate": {"kept_at": True}}
PIECE = 8 * 1024 * 1024  # bytes: a document holds 16 MiB at most


class MongoBlobs(Blobs):
    """The documents of one collection.

    A content of one piece is `{_id: hash, size, kept_at, data}`. A larger one is a `{_id: "KEY:N",
    of: KEY, kept_at, data}` for each piece and `{_id: hash, size, kept_at, pieces, key}`, written
    last, so that what is there is whole; each `put` has a KEY of its own.
    """

    def __init__(self, collection: Collection[Document], address: str) -> None:
        super().__init__()
        self._collection, self._address = collection, address

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        if self.renew([digest]):
            with faults(self._address):
                self._keep(digest, content)
            self._note([digest])
        return digest

    def _keep(self, digest: str, content: bytes) -> None:
        head: Document = {"size": len(content)}
        key = f"{digest}:{os.urandom(4).hex()}"
        if len(content) <= PIECE:
            head["data"] = content
        else:
            starts = range(0, len(content), PIECE)
            for number, start in enumerate(starts):
                piece = {"of": key, "data": content[start : start + PIECE]}
                self._write(f"{key}:{number}", piece)
            head |= {"pieces": len(starts), "key": key}
        if not self._write(digest, head):  # another was faster
            self._collection.delete_many({"of": key})

    def _write(self, identity: str, document: Document) -> bool:
        """Writes the document, unless it is there; whether it was not."""
        update = {"$setOnInsert": document, **TOUCH}
        return not self._collection.update_one({"_id": identity}, update, upsert=True).matched_count

    def get(self, digest: str) -> bytes:
        with faults(self._address):
            head = self._collection.find_one({"_id": digest})
            if head is None:
                raise NotFoundError(f"{self._address}: there is no content {digest}")
            names = [f"{head['key']}:{number}" for number in range(head.get("pieces", 0))]
            found = self._collection.find({"_id": {"$in": names}}) if names else ()
            pieces = {piece["_id"]: piece["data"] for piece in found}
        content = b"".join(pieces.get(name, b"") for name in names) if names else head["data"]
        if digest_of(content) != digest:
            raise StoreError(f"{self._address}: the content {digest} is damaged")
        return bytes(content)

    def renew(self, digests: Sequence[str]) -> list[str]:
        query: Document = {"_id": {"$in": list(digests)}}
        with faults(self._address):
            there = self._fresh(query)
            late: Document = {"_id": {"$in": [one for one, fresh in there.items() if not fresh]}}
            many = len(late["_id"]["$in"])
            if many and self._collection.update_many(late, TOUCH).matched_count < many:
                there = self._fresh(query)
        self._note(there)
        return [digest for digest in digests if digest not in there]

    def _fresh(self, query: Document) -> dict[str, bool]:
        """Of those that match, whether they were renewed just now."""
        fresh = {"$gt": ["$kept_at", {"$subtract": ["$$NOW", int(FRESH * 1000)]}]}
        found = self._collection.find(query, {"_id": 1, "fresh": fresh})
        return {document["_id"]: document["fresh"] for document in found}

    def collect(self, age: float = HOUR) -> int:
        blobs = self._collection
        with faults(self._address):
            if blobs.find_one({}, {"_id": 1}) is None:  # an index would make the collection
                return 0
            with suppress(mongo.OperationFailure):  # by one who may not: then it is slower
                blobs.create_index("kept_at")
            hello = blobs.database.client.admin.command("hello")
            over = hello["localTime"] - timedelta(seconds=age)
            late: Document = {"$or": [{"kept_at": {"$lte": over}}, {"kept_at": None}]}
            old = list(blobs.find(late, {"kept_at": 1, "of": 1, "key": 1}))
            if not old:
                return 0
            named = self._named()
            keys = set(blobs.distinct("key"))
            count = 0
            for one in old:
                if one["_id"] in named or one.get("of") in keys:
                    continue
                guard = {"_id": one["_id"], "kept_at": one.get("kept_at")}
                done = blobs.delete_one(guard).deleted_count
                if done and "key" in one:
                    blobs.delete_many({"of": one["key"]})
                count += done and "of" not in one
            seen = [one["_id"] for one in old if one["_id"] in named or one.get("of") in keys]
            blobs.update_many({"_id": {"$in": seen}}, TOUCH)
        return count

    def _named(self) -> set[str]:
        """The contents that tasks name."""
        by = {part: f"$source.{part}.blob" for part in CONTENTS}
        tasks = self._collection.database["tasks"]
        groups = tasks.aggregate([{"$group": {"_id": by}}], allowDiskUse=True)
        return {one for group in groups for told in group["_id"].values() for one in _texts(told)}


def _texts(value: object) -> Iterator[str]:
    """A hash, and any that another program has put in lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
