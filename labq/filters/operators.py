"""The operators a query may use; every other is refused by name, with the nearest of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labq.values import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

LOGICAL = frozenset({"$and", "$or", "$nor"})  # lists of queries
TOP = LOGICAL | {"$expr"}  # where a field's name may stand
COMPARISONS = frozenset({"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"})
FIELD = COMPARISONS | {
    *("$in", "$nin", "$not", "$exists", "$type"),
    *("$regex", "$options", "$size", "$all", "$elemMatch", "$mod"),
}

# Inside $expr: operator -> the least and the most operands it takes.
MANY = 1000
EXPRESSION: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp"), (2, 2)),
    **dict.fromkeys(("$and", "$or", "$add", "$multiply"), (0, MANY)),
    **dict.fromkeys(("$subtract", "$divide", "$mod", "$pow", "$in", "$arrayElemAt"), (2, 2)),
    **dict.fromkeys(("$abs", "$ceil", "$floor", "$sqrt", "$not"), (1, 1)),
    **dict.fromkeys(("$isNumber", "$isArray", "$type", "$size", "$literal"), (1, 1)),
    **dict.fromkeys(("$round", "$trunc"), (1, 2)),
    "$let": (1, 1),
    "$cond": (3, 3),
    "$ifNull": (2, MANY),
}

# $type: the names and numbers that a task's values can have.
TYPES = {
    "double": 1,
    "string": 2,
    "object": 3,
    "array": 4,
    "binData": 5,
    "undefined": 6,
    "objectId": 7,
    "bool": 8,
    "date": 9,
    "null": 10,
    "regex": 11,
    "javascript": 13,
    "int": 16,
    "timestamp": 17,
    "long": 18,
    "decimal": 19,
    "minKey": -1,
    "maxKey": 127,
}


# What people reach for that runs code or needs an index of its own, and what does it here.
INSTEAD = {
    **dict.fromkeys(("$where", "$function", "$accumulator"), "$expr"),
    **dict.fromkeys(("$text", "$search", "$like", "$contains", "$startsWith"), "$regex"),
    "$jsonSchema": "$type",
    "$any": "$elemMatch",
    "$between": "$gte",
    "$isNull": "$eq",
}


def no_field(word: str, fields: Iterable[str]) -> str:
    """What is said of a field that tasks do not have: the nearest, or where arguments are."""
    inside = f"; an argument is `args.{word}`" if "args" in fields else ""
    return f"there is no field `{word}`{nearest(word, fields) or inside}"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`; did you mean ...?` over the known words, or nothing where none is near."""
    near = suggest.nearest(word, known, cutoff)
    return f"; did you mean `{near}`?" if near else ""
