"""Documents in mongod's sort order.

Source: MongoDB 6.0 manual, "Comparison/Sort Order" and "Multikey Indexes", and mongod itself. A
missing value is null. A list sorts by its least value when ascending and by its greatest when
descending; an empty one is below null. Where the fields of one sort meet in a list, its elements
are taken one by one for all of them; two different lists in one sort are an error, as in mongod.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from labq.errors import FilterError
from labq.filters.match.order import MISSING, Key, Rank, key
from labq.filters.match.reach import index

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Sort: TypeAlias = Sequence[tuple[str, int]]

_EMPTY = object()  # what the elements of an empty list sort as


def sorted_by(documents: Iterable[Mapping[str, Any]], sort: Sort) -> list[Any]:
    """The documents in the order of `[(field, 1 or -1), ...]`; equal ones keep theirs."""
    keyed = [(sort_key(document, sort), document) for document in documents]
    for place in reversed(range(len(sort))):
        keyed.sort(key=lambda pair, at=place: pair[0][at], reverse=sort[place][1] < 0)  # type: ignore[misc]
    return [document for _, document in keyed]


def sort_key(document: Mapping[str, Any], sort: Sort) -> tuple[Key, ...]:
    """One key per field of the sort; of a list's, those that come first in its directions."""
    columns = [_Column(tuple(field.split("."))) for field, _ in sort]
    rows = [tuple(map(_key, row)) for row in _rows(document, columns)]
    for place in reversed(range(len(sort) if len(rows) > 1 else 0)):
        rows.sort(key=lambda row, at=place: row[at], reverse=sort[place][1] < 0)  # type: ignore[misc]
    return rows[0]


def _key(value: Any) -> Key:
    return (Rank.EMPTY,) if value is _EMPTY else key(value)


@dataclass(frozen=True)
class _Column:
    """A field of the sort on its way down: the parts still to go, or the value it came to.

    `picked` is what a number among the parts picked out of the list at hand, with what was left.
    """

    rest: tuple[str, ...]
    value: Any = MISSING
    picked: tuple[Any, tuple[str, ...]] | None = None
    whole: bool = False  # the list at its end was picked out of a list, and is not taken apart


def _rows(holder: Any, columns: list[_Column]) -> list[list[Any]]:
    """The values of every column, once for each element of the list that they meet."""
    stepped = [_step(holder, column) if column.rest else column for column in columns]
    moved = [at for at, column in enumerate(columns) if column.rest]
    lists = [at for at in moved if type(stepped[at].value) is list]
    if not lists:
        return [[column.value for column in stepped]]
    array = stepped[lists[0]].value
    if any(stepped[at].value is not array for at in lists):
        raise FilterError("a sort cannot go through two lists of one task")
    if not array:
        ended = [_in_list(at in lists, column, _EMPTY, array) for at, column in enumerate(stepped)]
        return _rows({}, ended)
    return [
        row
        for item in array
        for row in _rows(
            item if type(item) is dict else {},
            [_in_list(at in lists, column, item, array) for at, column in enumerate(stepped)],
        )
    ]


def _step(holder: Any, column: _Column) -> _Column:
    """The column as far as dicts lead: at its value, at a list, or at nothing."""
    name = column.rest[0]
    if type(holder) is dict and name in holder:
        value, rest = _walk(holder, column.rest)
        return _Column(rest, value)
    if column.picked is not None:
        value, rest = column.picked
        return _Column(rest, value, whole=type(value) is list and not rest)
    return _Column(())


def _walk(value: Any, parts: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """What the parts lead to, and those that are left behind a list."""
    for depth, part in enumerate(parts):
        if type(value) is list:
            return value, parts[depth:]
        value = value.get(part, MISSING) if type(value) is dict else MISSING
    return value, ()


def _in_list(inside: bool, column: _Column, item: Any, array: list[Any]) -> _Column:
    """The column at one element of the list that it came to."""
    if not inside:
        return column
    if not column.rest:
        whole = column.whole and item is not _EMPTY
        return replace(column, value=array if whole else item)
    place = index(column.rest[0])
    if place is None or place >= len(array):
        return _Column(column.rest)
    return _Column(column.rest, picked=_walk(array[place], column.rest[1:]))
