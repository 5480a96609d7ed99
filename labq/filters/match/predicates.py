"""Field operators as Python predicates of one value that a path reached.

Source: MongoDB 6.0 manual, "Comparison Query Operators" (type bracketing: an ordering holds between
values of one kind alone; null equals missing; NaN equals NaN) and "Element Query Operators".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from labq.filters.match.order import MISSING, Rank, key, milliseconds, rank
from labq.filters.match.reach import Test
from labq.filters.operators import TYPES
from labq.filters.regex import compile_pattern

_INT32 = 2**31
_INT64 = 2**63
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def equals(wanted: Any) -> Test:
    """`$eq`."""
    place = rank(wanted)
    if place is Rank.NULL:
        return lambda value: value is None or value is MISSING
    if place is Rank.NUMBER and wanted == wanted:  # noqa: PLR0124 (not NaN)
        return lambda value: value == wanted and type(value) is not bool
    if place is Rank.TEXT:
        return lambda value: value == wanted and type(value) is str
    if place is Rank.BOOL:
        return lambda value: value is wanted
    if place is Rank.DATE:
        moment = milliseconds(wanted)
        return lambda value: isinstance(value, datetime) and milliseconds(value) == moment
    exact = key(wanted)
    return lambda value: rank(value) is place and key(value) == exact


def ordered(name: str, bound: Any) -> Test:
    """`$gt`, `$gte`, `$lt` or `$lte`."""
    compare, place = _ORDERINGS[name], rank(bound)
    if place is Rank.NULL:
        return equals(None) if name in ("$gte", "$lte") else lambda _value: False
    if place is Rank.NUMBER:
        return _numbers(name, bound)
    if place is Rank.TEXT:
        return lambda value: type(value) is str and compare(value, bound)
    exact = key(bound)
    return lambda value: rank(value) is place and compare(key(value), exact)


def _numbers(name: str, bound: float) -> Test:
    if bound != bound:  # noqa: PLR0124 (NaN)
        return equals(bound) if name in ("$gte", "$lte") else lambda _value: False
    compare = _ORDERINGS[name]
    return lambda value: (type(value) is float or type(value) is int) and compare(value, bound)


def one_of(values: list[Any]) -> Test:
    """`$in`: one hash look-up for text, the rest one by one."""
    texts = frozenset(value for value in values if type(value) is str)
    others = [equals(value) for value in values if type(value) is not str]
    if not others:
        return lambda value: type(value) is str and value in texts
    return lambda value: (
        (type(value) is str and value in texts) or any(test(value) for test in others)
    )


def pattern(text: str, options: str) -> Test:
    """`$regex` with `$options`: a search in text alone."""
    search = compile_pattern(text, options).search
    return lambda value: type(value) is str and search(value) is not None


def of_type(names: list[str | int | float]) -> Test:
    """`$type` with its names and numbers."""
    wanted = {
        TYPES[name] if isinstance(name, str) else int(name) for name in names if name != "number"
    }
    if "number" in names:
        wanted |= {TYPES[name] for name in ("double", "int", "long", "decimal")}
    return lambda value: bson_type(value) in wanted


_SIMPLE = {
    Rank.NULL: 10,
    Rank.TEXT: 2,
    Rank.OBJECT: 3,
    Rank.ARRAY: 4,
    Rank.BINARY: 5,
    Rank.BOOL: 8,
    Rank.DATE: 9,
}


def bson_type(value: Any) -> int:
    """The number of the BSON type that holds `value`; 0 for MISSING."""
    if value is MISSING:
        return 0
    place = rank(value)
    if place is not Rank.NUMBER:
        return _SIMPLE[place]
    if isinstance(value, float):
        return 1
    return 16 if -_INT32 <= value < _INT32 else 18


def has_size(length: int) -> Test:
    """`$size`."""
    return lambda value: type(value) is list and len(value) == length


def remainder(divisor: int, rest: int) -> Test:
    """`$mod`: the fraction of a value is cut off, the sign of the remainder is the value's."""

    def holds(value: Any) -> bool:
        if type(value) is float:
            if not math.isfinite(value) or not -_INT64 <= value < _INT64:
                return False
            whole = int(value)
        elif type(value) is int:
            whole = value
        else:
            return False
        left = abs(whole) % abs(divisor)
        return (-left if whole < 0 else left) == rest

    return holds
