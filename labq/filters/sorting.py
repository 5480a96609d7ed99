"""Documents in mongod's sort order.

Source: MongoDB 6.0 manual, "Comparison/Sort Order", "Arrays": a list sorts by its least value when
ascending and by its greatest when descending; an empty one is below null; a missing value is null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

from labq.filters.order import MISSING, Key, Rank, key
from labq.filters.paths import index

Sort: TypeAlias = Sequence[tuple[str, int]]
_EMPTY: Key = (Rank.EMPTY,)


def sorted_by(documents: Iterable[Mapping[str, Any]], sort: Sort) -> list[Any]:
    """The documents in the order of `[(field, 1 or -1), ...]`; equal ones keep theirs."""
    found = list(documents)
    for field, direction in reversed(sort):
        found.sort(key=sort_key(field, direction), reverse=direction < 0)
    return found


def sort_key(field: str, direction: int) -> Callable[[Any], Key]:
    """What one field sorts a document by."""
    parts = tuple(field.split("."))
    pick = max if direction < 0 else min
    return lambda document: pick(_keys(document, parts))


def _keys(value: Any, parts: tuple[str, ...]) -> list[Key]:
    """The key of every value that an index on the path would hold."""
    for depth, part in enumerate(parts):
        if type(value) is list:
            return _list_keys(value, parts[depth:])
        value = value.get(part, MISSING) if type(value) is dict else MISSING
    if type(value) is list:
        return [key(item) for item in value] or [_EMPTY]
    return [key(value)]


def _list_keys(array: list[Any], rest: tuple[str, ...]) -> list[Key]:
    place = index(rest[0])
    if place is not None and place < len(array):
        return _keys(array[place], rest[1:])
    found = [found for item in array for found in _keys(item if type(item) is dict else {}, rest)]
    return found or [key(None)]


__all__ = ["product", "sort_key", "sorted_by"]
