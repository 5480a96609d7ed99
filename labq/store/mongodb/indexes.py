"""The indexes of the collections: made where they are missing, and held to what they have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo import errors as mongo
from pymongo.collection import Collection

from labq.errors import AuthError, UnusableError
from labq.model.task import Document, Status
from labq.store.mongodb.errors import UNAUTHORIZED, hosts
from labq.store.mongodb.history import BORN, MOVED
from labq.store.mongodb.short_names import SHORT

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
        [("queue", ASCENDING), ("ended_at", ASCENDING), ("number", ASCENDING)],
        partialFilterExpression={"retention.ttl": {"$exists": True}},
        name="expiring",
    ),
    IndexModel(
        [("queue", ASCENDING), ("ended_at", ASCENDING), ("number", ASCENDING)],
        partialFilterExpression={"retention.auto_delete": True},
        name="evictable",
    ),
    IndexModel(
        [("queue", ASCENDING), ("group", ASCENDING), ("index", ASCENDING)],
        partialFilterExpression={"group": {"$exists": True}},
        name="group",
    ),
    IndexModel(  # a number that a person types may be a name as well
        [("queue", ASCENDING), ("name", ASCENDING)],
        partialFilterExpression={"name": {"$exists": True}},
        name="name",
    ),
    BORN,
    MOVED,
    SHORT,
]
DAY = 24 * 3600  # seconds that what a removed task leaves is kept
DELETED = [
    IndexModel([("queue", ASCENDING), ("at", ASCENDING)], name="at"),
    IndexModel([("at", ASCENDING)], expireAfterSeconds=DAY, name="kept"),
]
RULES = ("key", "unique", "partialFilterExpression", "expireAfterSeconds")
# What would have it hold other tasks, or in another order, than it has to.
OTHER = ("sparse", "hidden", "collation", "wildcardProjection")
TAKEN = {85, 86}  # another index has the name, or the keys
DUPLICATES = 11000


def ensure(collection: Collection[Document], wanted: Sequence[IndexModel], address: str) -> None:
    """Makes those of the indexes that are missing; where none is, nobody has to be allowed to.

    Raises:
        UnusableError: one is another than it has to be, or cannot be made.
        AuthError: one is missing, and this user may not make it.
    """
    there = _there(collection)
    missing = []
    for model in wanted:
        name = model.document["name"]
        if there is not None and name not in there:
            missing.append(model)
        elif there is not None and _rules(there[name]) != _rules(model.document):
            raise UnusableError(_drop(collection, name, address, "is not the one that labq makes"))
    if missing:
        _make(collection, missing, address)


def _there(collection: Collection[Document]) -> dict[str, Mapping[str, Any]] | None:
    """The indexes by their names; None where this user may not see them: they are taken as made."""
    try:
        return {index["name"]: index for index in collection.list_indexes()}
    except mongo.OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return None


def _rules(index: Mapping[str, Any]) -> Document:
    rules = {rule: index[rule] for rule in RULES if index.get(rule) not in (None, False)}
    other = {rule: index[rule] for rule in OTHER if index.get(rule)}
    return {**rules, "key": list(index["key"].items()), **other}


def _make(collection: Collection[Document], missing: Sequence[IndexModel], address: str) -> None:
    names = ", ".join(str(model.document["name"]) for model in missing)
    try:
        collection.create_indexes(list(missing))
    except mongo.OperationFailure as error:
        if error.code == UNAUTHORIZED:
            raise AuthError(
                f"MongoDB at {hosts(address)} refuses: indexes of {collection.full_name} are "
                f"missing ({names}), and the user may not make them: let one with the role "
                "readWrite submit or run a task there"
            ) from None
        if error.code in TAKEN:
            told = "cannot be made, for another index has its keys"
            raise UnusableError(_drop(collection, names, address, told)) from None
        if error.code == DUPLICATES:
            told = f"cannot make the indexes {names} of {collection.full_name}: {error}"
            raise UnusableError(f"MongoDB at {hosts(address)}: {told}") from None
        raise


def _drop(collection: Collection[Document], name: str, address: str, why: str) -> str:
    place = f"MongoDB at {hosts(address)}: index {name} of {collection.full_name} {why}"
    return f"{place}: drop the other (db.{collection.name}.dropIndex), and labq makes it"
