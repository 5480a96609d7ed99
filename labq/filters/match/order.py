"""BSON's order of values, as Python keys that compare.

Source: MongoDB 6.0 manual, "Comparison/Sort Order": null, numbers, text, objects, arrays, booleans,
dates; a NaN is below every number and equal to itself; objects compare field by field in their
order, first by the kind of the value, then by name, then by the value; a shorter one is less.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import Any, Final, TypeAlias

Key: TypeAlias = tuple[Any, ...]


class Rank(IntEnum):
    """The place of a kind of value among the others."""

    EMPTY = 1  # an empty list, where a list's values are sorted by
    NULL = 5
    NUMBER = 10
    TEXT = 15
    OBJECT = 20
    ARRAY = 25
    BINARY = 30
    BOOL = 40
    DATE = 45


class Missing(Enum):
    """The absence of a value, apart from None."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)

_RANKS: dict[type, Rank] = {
    type(None): Rank.NULL,
    Missing: Rank.NULL,
    int: Rank.NUMBER,
    float: Rank.NUMBER,
    str: Rank.TEXT,
    dict: Rank.OBJECT,
    list: Rank.ARRAY,
    bytes: Rank.BINARY,
    bool: Rank.BOOL,
    datetime: Rank.DATE,
}


def rank(value: Any) -> Rank:
    """The kind of a JSON value, date or MISSING; a subclass counts as its base."""
    found = _RANKS.get(type(value))
    if found is not None:
        return found
    return next(_RANKS[base] for base in type(value).__mro__ if base in _RANKS)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch, rounded down; a naive moment counts as UTC, as in BSON."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return (aware - _EPOCH) // _MILLISECOND


def key(value: Any) -> Key:
    """A key that compares as BSON compares `value`; two values are equal when their keys are."""
    place = rank(value)
    if place is Rank.NUMBER:
        return (place, 0, 0) if value != value else (place, 1, value)  # noqa: PLR0124 (NaN alone)
    if place is Rank.OBJECT:
        return (place, [_field_key(name, held) for name, held in value.items()])
    if place is Rank.ARRAY:
        return (place, [key(held) for held in value])
    if place is Rank.DATE:
        return (place, milliseconds(value))
    return (place,) if place is Rank.NULL else (place, value)


def _field_key(name: str, value: Any) -> Key:
    return (rank(value), name, key(value))
