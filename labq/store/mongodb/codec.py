"""Documents and Changes as the server takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bson import encode
from bson.raw_bson import RawBSONDocument

from labq.model.fields import INSTEAD
from labq.model.size import refuse_size
from labq.model.task import Document
from labq.store.base import Change, Now
from labq.store.mongodb.history import born, moves

NOTHING: Mapping[str, Any] = MappingProxyType({})


def encoded(task: Document, queue: str, number: int, now: datetime) -> RawBSONDocument:
    """A new document as BSON; one that is too large is refused before any sibling is sent."""
    timed = {field: now if isinstance(value, Now) else value for field, value in task.items()}
    raw = encode({**timed, "queue": queue, "number": number, **born(task.get("status"))})
    refuse_size(len(raw))
    return RawBSONDocument(raw)


def update_of(change: Change, *, logged: bool = False) -> dict[str, Any] | list[dict[str, Any]]:
    """The update that makes a Change: operators, or a pipeline where the server's time is needed.

    `$currentDate` serves a bare Now; only a pipeline can add to `$$NOW` or put it within a value,
    and log a change of status.
    """
    if logged and "status" in change.set:
        return _pipeline(change, moves(change))
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


def _pipeline(change: Change, also: Mapping[str, Any] = NOTHING) -> list[dict[str, Any]]:
    """Of what another program wrote: what is no number is not added to, no list begun anew."""
    stage = {**{path: _expression(value) for path, value in change.set.items()}, **also}
    for path, amount in change.inc.items():
        there = f"${path}"
        first = there if path in INSTEAD else {"$cond": [{"$lte": [there, None]}, amount, there]}
        stage[path] = {"$cond": [{"$isNumber": there}, {"$add": [there, amount]}, first]}
    for path, item in change.push.items():
        before = {"$cond": [{"$isArray": f"${path}"}, f"${path}", []]}
        stage[path] = {"$slice": [{"$concatArrays": [before, [_expression(item)]]}, -change.keep]}
    return [{"$set": stage}, *([{"$unset": list(change.unset)}] if change.unset else [])]


def uncountable(name: str) -> dict[str, Any]:
    """The query for documents whose field cannot be added to."""
    number = {"$type": "number", "$not": {"$type": "array"}}
    return {"$nor": [{name: number}, {name: {"$exists": False}}]}


def _expression(value: Any) -> Any:
    """An aggregation expression for a value, in which nothing of the value's own is evaluated."""
    if isinstance(value, Now):
        return {"$add": ["$$NOW", round(value.plus * 1000)]} if value.plus else "$$NOW"
    if isinstance(value, Mapping) and _needs_pipeline(value):
        return {key: _expression(item) for key, item in value.items()}
    return {"$literal": value}
