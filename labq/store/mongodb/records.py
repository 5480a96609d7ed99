"""The small collections beside the tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection

from labq.model.shapes import Shape
from labq.model.sound import sound_record
from labq.model.task import Document
from labq.store.base import EVERY, Change, Query, Records
from labq.store.mongodb.codec import update_of
from labq.store.mongodb.errors import faults

# What a queue has beside its record.
COUNTER = dict.fromkeys(
    ("next_number", "submitted_at", "reserved", "renaming", "renamed_from", "schema"), 0
)


class MongoRecords(Records):
    """The documents of one collection."""

    def __init__(
        self, collection: Collection[Document], address: str, shapes: Mapping[str, Shape]
    ) -> None:
        self._collection, self._address, self._shapes = collection, address, shapes

    def put(self, identity: str, change: Change) -> Document:
        with faults(self._address):
            # an upsert leaves a record in any case; not all versions of pymongo's types say so
            record: Any = self._collection.find_one_and_update(
                {"_id": identity},
                update_of(change) or {"$set": {"_id": identity}},
                projection=COUNTER,
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return sound_record(record, self._shapes)

    def update(self, query: Query, change: Change) -> int:
        with faults(self._address):
            return int(self._collection.update_many(query, update_of(change)).matched_count)

    def find(self, query: Query = EVERY) -> Iterator[Document]:
        with faults(self._address):
            for record in self._collection.find(dict(query), COUNTER).sort("_id"):
                yield sound_record(record, self._shapes)

    def delete(self, query: Query) -> int:
        with faults(self._address):
            return int(self._collection.delete_many(query).deleted_count)
