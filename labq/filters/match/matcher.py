"""A query document as a Python predicate that decides as mongod does.

The query is one that `labq.filters.mongo_reader` lets through, or one of labq's own. It is compiled
once, to closures; `tests/filters/test_differential.py` holds them against mongod.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from labq.errors import FilterError
from labq.filters.match import expressions, predicates
from labq.filters.match.order import MISSING
from labq.filters.match.reach import Test, at

Predicate: TypeAlias = Callable[[Any], bool]
_POSITIVE = {"$ne": "$eq", "$nin": "$in"}


def matcher(query: Mapping[str, Any]) -> Predicate:
    """The predicate of `query` over task documents (dicts of JSON values and aware datetimes).

    Raises FilterError for an operator that is not on the list; the predicate raises it where
    mongod's `$expr` fails on a document (text plus number, a division by zero).
    """
    return _all([_clause(name, query[name]) for name in sorted(query, key="$expr".__eq__)])


def _clause(name: str, held: Any) -> Predicate:
    if name == "$and":
        return _all([matcher(query) for query in held])
    if name == "$or":
        return _any([matcher(query) for query in held])
    if name == "$nor":
        return _negated(_any([matcher(query) for query in held]))
    if name == "$expr":
        return expressions.condition(held)
    if name.startswith("$"):
        raise FilterError(f"`{name}` is not an operator of labq's queries")
    return _field(name, held)


def _field(path: str, held: Any) -> Predicate:
    """A path with its operators, or with the value that it equals."""
    if not is_operators(held):
        return at(path, predicates.equals(held))
    return _all([_operator(path, name, value, held) for name, value in held.items()])


def is_operators(held: Any) -> bool:
    """Is this the operators of a field, rather than a value?"""
    return isinstance(held, dict) and next(iter(held), "").startswith("$")


def _operator(path: str, name: str, value: Any, among: Mapping[str, Any]) -> Predicate:
    if name in _POSITIVE:
        return _negated(_operator(path, _POSITIVE[name], value, among))
    if name == "$not":
        return _negated(_field(path, value))
    if name == "$exists":
        found = at(path, lambda reached: reached is not MISSING, spread=False)
        return found if value else _negated(found)
    if name == "$all":
        return _every(path, value)
    return at(path, single(name, value, among), spread=name not in ("$size", "$elemMatch"))


def _every(path: str, wanted: list[Any]) -> Predicate:
    """`$all`: each of the values, or each of the `$elemMatch`; an empty list matches nothing."""
    if not wanted:
        return lambda _document: False
    return _all([_field(path, value) for value in wanted])


def single(name: str, value: Any, among: Mapping[str, Any]) -> Test:
    """The test of an operator on one value, itself: what `$elemMatch` asks of an element."""
    maker = _SINGLE.get(name)
    if maker is None:
        raise FilterError(f"`{name}` is not an operator of labq's queries")
    return maker(value, among)


def _element(conditions: Mapping[str, Any]) -> Test:
    """`$elemMatch`: of a list, an element that passes all of its conditions."""
    first = next(iter(conditions), "")
    if first.startswith("$") and first not in ("$and", "$or", "$nor"):
        test = _all([single(name, held, conditions) for name, held in conditions.items()])
        return lambda value: type(value) is list and any(map(test, value))
    inner = matcher(conditions)

    def holds(value: Any) -> bool:
        return type(value) is list and any(
            inner(_numbered(item) if type(item) is list else item)
            for item in value
            if type(item) is dict or type(item) is list
        )

    return holds


def _numbered(items: list[Any]) -> dict[str, Any]:
    """A list as BSON keeps it: a document whose names are the places."""
    return {str(place): item for place, item in enumerate(items)}


def _conditions(held: Mapping[str, Any]) -> Test:
    return _all([single(name, value, held) for name, value in held.items()])


def _each(wanted: list[Any]) -> Test:
    """`$all` on one value."""
    if not wanted:
        return lambda _value: False
    return _all(
        [_conditions(held) if is_operators(held) else predicates.equals(held) for held in wanted]
    )


def _exists(wanted: bool) -> Test:
    return lambda value: (value is not MISSING) == wanted


_Maker: TypeAlias = Callable[[Any, Mapping[str, Any]], Test]
_SINGLE: dict[str, _Maker] = {
    "$eq": lambda value, _: predicates.equals(value),
    "$ne": lambda value, _: _negated(predicates.equals(value)),
    "$gt": lambda value, _: predicates.ordered("$gt", value),
    "$gte": lambda value, _: predicates.ordered("$gte", value),
    "$lt": lambda value, _: predicates.ordered("$lt", value),
    "$lte": lambda value, _: predicates.ordered("$lte", value),
    "$in": lambda value, _: predicates.one_of(value),
    "$nin": lambda value, _: _negated(predicates.one_of(value)),
    "$not": lambda value, _: _negated(_conditions(value)),
    "$exists": lambda value, _: _exists(bool(value)),
    "$type": lambda value, _: predicates.of_type(value if isinstance(value, list) else [value]),
    "$regex": lambda value, among: predicates.pattern(value, among.get("$options", "")),
    "$options": lambda _value, _: lambda _reached: True,
    "$size": lambda value, _: predicates.has_size(int(value)),
    "$all": lambda value, _: _each(value),
    "$elemMatch": lambda value, _: _element(value),
    "$mod": lambda value, _: predicates.remainder(int(value[0]), int(value[1])),
}


def _all(tests: list[Predicate]) -> Predicate:
    """One predicate for several; without any, it holds."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:  # noqa: PLR2004 (the common case, without a generator)
        first, second = tests
        return lambda value: first(value) and second(value)
    return lambda value: all(test(value) for test in tests)


def _any(tests: list[Predicate]) -> Predicate:
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _negated(test: Predicate) -> Predicate:
    return lambda value: not test(value)
