"""What a task's own document tells of its past, in MongoDB: when it was inserted, and its moves.

A move is written by the update that makes it, so that neither is there without the other. Its time
is `$$NOW`, that of an insert the timestamp that the server puts where a new document has an empty
one. `events` reads them out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

from bson import Timestamp
from pymongo import ASCENDING, IndexModel
from pymongo import errors as mongo

from labq.model.task import Document
from labq.store.base import Change, Query

NEVER = Timestamp(0, 0)
FAR = datetime(9000, 1, 1, tzinfo=timezone.utc)  # later than any move
MOST = 20  # moves that a task keeps
STEP = 250  # tasks that one command moves or removes
HIDDEN = dict.fromkeys(("born", "born_as", "moves", "moved_at"), 0)  # what only the log reads
MOVED = IndexModel(
    [("queue", ASCENDING), ("moved_at", ASCENDING)],
    partialFilterExpression={"moved_at": {"$exists": True}},
    name="moved",
)
BAD_VALUE = 2  # what mongod says of a hint that is no index
Result = TypeVar("Result")
BORN = IndexModel([("queue", ASCENDING), ("born", ASCENDING)], name="born")


def has_ids(query: Query) -> bool:
    """Whether it is for certain ids."""
    return "_id" in query or any(map(has_ids, query.get("$and", ())))


def steadily(query: Query, do: Callable[[Any], Result], *, steady: bool = True) -> Result:
    """Does it with the `hint` of an index in which no task changes its place.

    One that goes by the status, the priority or the args shows a task not at all, or twice, where
    somebody changes these while mongod reads along it. Where there is no index, there is none;
    nor is there without `steady`, but for a query of ids, whose index costs nothing.
    """
    if not steady and not has_ids(query):
        return do({})
    try:
        return do({"hint": "_id_" if has_ids(query) else "number"})
    except mongo.OperationFailure as error:
        if error.code != BAD_VALUE:
            raise
        return do({})


def born(status: Any) -> Document:
    """What a new task's document has beside its fields."""
    return {"born": NEVER, "born_as": status}


def moves(change: Change) -> Document:
    """What the update of a Change that sets the status does beside it; all of it is expressions."""
    status = {"$literal": change.set["status"]}
    before = {"$cond": [{"$isArray": "$moves"}, "$moves", []]}
    last = {"$cond": [{"$isArray": "$moves"}, {"$arrayElemAt": ["$moves.n", -1]}, 0]}
    number = {"$add": [{"$convert": {"input": last, "to": "int", "onError": 0, "onNull": 0}}, 1]}
    attempt = {"$cond": [{"$isNumber": "$attempt"}, "$attempt", 0]}
    move = {
        "n": number,
        "from": "$status",
        "to": status,
        "at": {"$cond": [{"$lt": ["$moved_at", FAR]}, {"$max": ["$$NOW", "$moved_at"]}, "$$NOW"]},
        "was": "$moved_at",
        "attempt": {"$add": [attempt, change.inc.get("attempt", 0)]},
        "worker": "$lease.worker",
        "reason": "$reason",
    }
    if "lease" in change.set:
        move["worker"] = {"$literal": change.set["lease"].get("worker")}
    if "reason" in change.set:
        move["reason"] = {"$literal": change.set["reason"]}
    elif "reason" in change.unset:
        del move["reason"]
    after = {"$slice": [{"$concatArrays": [before, [move]]}, -MOST]}
    moved = {"$ne": ["$status", status]}
    return {
        "moves": {"$cond": [moved, after, before]},
        "moved_at": {"$cond": [moved, move["at"], "$moved_at"]},
    }
