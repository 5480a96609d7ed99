"""`$expr`: aggregation expressions as Python functions of a document.

Source: MongoDB 6.0 manual, "Arithmetic Expression Operators" and "Comparison Expression Operators".
Unlike a field's operators these compare across kinds, in BSON's order with a missing value below
all, and look at a list as one value. Arithmetic on null or a missing value gives null; on text it
is an error, here a FilterError. Integers stay integers while they fit 64 bits, then become doubles.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from labq.errors import FilterError
from labq.filters.match import arithmetic
from labq.filters.match.order import MISSING, Key, key
from labq.filters.match.predicates import bson_type

Expression: TypeAlias = Callable[[Any], Any]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_TYPE_NAMES = {
    0: "missing",
    1: "double",
    2: "string",
    3: "object",
    4: "array",
    5: "binData",
    8: "bool",
    9: "date",
    10: "null",
    16: "int",
    18: "long",
}


def condition(expression: Any) -> Callable[[Any], bool]:
    """The predicate of `{"$expr": expression}`."""
    value = compile_expression(expression)
    return lambda document: truth(value(document))


def compile_expression(expression: Any) -> Expression:
    """The function from a document to the expression's value, or MISSING."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _path(expression[1:])
    if isinstance(expression, list):
        items = [compile_expression(item) for item in expression]
        return lambda document: [_null(item(document)) for item in items]
    if not isinstance(expression, Mapping):
        return lambda _document: expression
    [(name, held)] = expression.items()
    return _operation(name, held)


def _let(held: Mapping[str, Any]) -> Expression:
    """`$let` in the one shape that is allowed: a path into its only variable."""
    [value] = [compile_expression(expression) for expression in held["vars"].values()]
    parts = held["in"].split(".")[1:]
    return lambda document: _get(value(document), parts, 0)


def _operation(name: str, held: Any) -> Expression:
    if name == "$literal":
        return lambda _document: held
    if name == "$let":
        return _let(held)
    operands = [compile_expression(item) for item in (held if isinstance(held, list) else [held])]
    if name in _LAZY:
        return _LAZY[name](operands)
    if name in _COMPARISONS:
        compare = _COMPARISONS[name]
        left, right = operands
        return lambda document: compare(order(left(document)), order(right(document)))
    function = _EAGER.get(name)
    if function is None:
        raise FilterError(f"`{name}` is not an operator of labq's queries")
    return lambda document: function(*(operand(document) for operand in operands))


def order(value: Any) -> Key:
    """BSON's order with the missing value below all others."""
    return (0,) if value is MISSING else key(value)


def truth(value: Any) -> bool:
    """What counts as true: all but false, null, missing and zero."""
    if value is None or value is MISSING or value is False:
        return False
    return not (isinstance(value, (int, float)) and value == 0)


def _path(path: str) -> Expression:
    parts = path.split(".")
    return lambda document: _get(document, parts, 0)


def _get(value: Any, parts: list[str], depth: int) -> Any:
    """A field path: into each dict of a list, and a list of what was found there."""
    for at in range(depth, len(parts)):
        if type(value) is list:
            found = [_get(item, parts, at) for item in value if type(item) is dict]
            return [item for item in found if item is not MISSING]
        if type(value) is not dict:
            return MISSING
        value = value.get(parts[at], MISSING)
    return value


def _null(value: Any) -> Any:
    return None if value is MISSING else value


def _both(operands: list[Expression]) -> Expression:
    return lambda document: all(truth(operand(document)) for operand in operands)


def _either(operands: list[Expression]) -> Expression:
    return lambda document: any(truth(operand(document)) for operand in operands)


def _choose(operands: list[Expression]) -> Expression:
    test, then, otherwise = operands
    return lambda document: then(document) if truth(test(document)) else otherwise(document)


def _first_value(operands: list[Expression]) -> Expression:
    *tried, last = operands

    def value(document: Any) -> Any:
        for operand in tried:
            found = operand(document)
            if found is not None and found is not MISSING:
                return found
        return last(document)

    return value


_LAZY: dict[str, Callable[[list[Expression]], Expression]] = {
    "$and": _both,
    "$or": _either,
    "$cond": _choose,
    "$ifNull": _first_value,
}


def _compared(left: Any, right: Any) -> int:
    first, second = order(left), order(right)
    return (first > second) - (first < second)


def _member(value: Any, array: Any) -> bool:
    if type(array) is not list:
        raise FilterError("`$in` needs a list on its right")
    wanted = order(value)
    return any(order(item) == wanted for item in array)


def _element(array: Any, place: Any) -> Any:
    if array is None or array is MISSING or place is None or place is MISSING:
        return None
    if type(array) is not list:
        raise FilterError("`$arrayElemAt` needs a list")
    if not arithmetic.is_number(place) or place != int(place):
        raise FilterError("`$arrayElemAt` needs a whole number as the place")
    at = int(place)
    return array[at] if -len(array) <= at < len(array) else MISSING


def _length(array: Any) -> int:
    if type(array) is not list:
        raise FilterError("`$size` in `$expr` needs a list")
    return len(array)


_EAGER: dict[str, Callable[..., Any]] = {
    "$cmp": _compared,
    "$not": lambda value: not truth(value),
    "$in": _member,
    "$arrayElemAt": _element,
    "$size": _length,
    "$isArray": lambda value: type(value) is list,
    "$isNumber": arithmetic.is_number,
    "$type": lambda value: _TYPE_NAMES[bson_type(value)],
    **arithmetic.FUNCTIONS,
}
