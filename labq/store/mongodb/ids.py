"""Ids that are no texts: a program that inserts without one has MongoDB make an ObjectId."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from labq.model.sound import OddId
from labq.store.base import Query

HEX = re.compile(r"[0-9a-f]{24}")


def meant(query: Query) -> Query:
    """The query with the ids as they are stored; the query itself where that is the same."""
    other: dict[str, Any] = {}
    for name, value in query.items():
        if name == "_id":
            new = _meant(value)
        elif name in ("$and", "$or", "$nor"):
            new = [meant(part) for part in value]
            new = value if all(map(_is, new, value)) else new
        else:
            continue
        if new is not value:
            other[name] = new
    return {**query, **other} if other else query


def _is(one: object, other: object) -> bool:
    return one is other


def _meant(value: Any) -> Any:
    if isinstance(value, str):
        ids = _raw(value)
        return ids[0] if len(ids) == 1 else {"$in": ids}
    if not isinstance(value, Mapping) or not value.keys() & {"$in", "$nin"}:
        return value
    lists = {
        name: [raw for one in held for raw in _raw(one)] if name in ("$in", "$nin") else held
        for name, held in value.items()
    }
    return value if lists == value else lists


def _raw(identity: Any) -> list[Any]:
    """What is stored where somebody says this id: a person can type an ObjectId as text alone."""
    if isinstance(identity, OddId):
        return [identity.raw]
    if isinstance(identity, str) and len(identity) == 24 and HEX.fullmatch(identity):  # noqa: PLR2004
        return [identity, ObjectId(identity)]
    return [identity]
