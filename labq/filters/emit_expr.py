"""Comparisons between fields, and arithmetic -> `$expr`.

A field that is missing makes them unknown. Arithmetic is unknown too unless every operand is a
number and no divisor is zero: mongod would fail on such a task, so `$cond` asks first. Between two
fields an ordering holds only for values of one kind, as it does between a field and a value; a list
is compared as a whole.
"""

from __future__ import annotations

from typing import Any

from labq.filters.nodes import Arith, Elapsed, Length, Operand, Path

_OPERATORS = {"==": "$eq", "!=": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


def operand_paths(operand: Operand) -> list[Path]:
    """The paths in an operand, in their order."""
    if isinstance(operand, Path):
        return [operand]
    if isinstance(operand, Length):
        return [operand.path]
    if isinstance(operand, Arith):
        return [*operand_paths(operand.left), *operand_paths(operand.right)]
    if isinstance(operand, Elapsed):
        return [*operand_paths(operand.start), *operand_paths(operand.end)]
    return []


def compare(sign: str, left: Operand, right: Operand, wanted: bool) -> dict[str, Any]:
    """The query of a comparison that is no field against a value."""
    test = {_OPERATORS[sign]: [_value(left), _value(right)]}
    if isinstance(left, Path) and isinstance(right, Path):
        first, second = _value(left), _value(right)
        if sign not in ("==", "!="):
            test = {"$and": [_same_kind(first, second), test]}
        return _guarded([left, right], test if wanted else {"$not": [test]})
    guard = _Guard()
    for side in (left, right):
        guard.visit(side)
    asked = guard.around(test if wanted else {"$not": [test]})
    return _guarded([*operand_paths(left), *operand_paths(right)], asked)


def member(item: Path, array: Path, wanted: bool) -> dict[str, Any]:
    """The query of one field's value being an element of another."""
    held = {"$in": [_value(item), _value(array)]}
    test = {"$cond": [{"$isArray": [_value(array)]}, held, False]}
    return _guarded([item, array], test if wanted else {"$not": [test]})


def _guarded(paths: list[Path], test: Any) -> dict[str, Any]:
    return {**{path.dotted: {"$exists": True} for path in paths}, "$expr": test}


def _same_kind(first: Any, second: Any) -> dict[str, Any]:
    numbers = {"$and": [{"$isNumber": first}, {"$isNumber": second}]}
    kinds = [{"$type": first}, {"$type": second}]
    others = {"$and": [{"$eq": kinds}, {"$in": [kinds[0], ["string", "bool", "date"]]}]}
    return {"$or": [numbers, others]}


class _Guard:
    """What must hold before the arithmetic has a value, in the order of asking."""

    def __init__(self) -> None:
        self.kinds: list[Any] = []
        self.divisors: list[Any] = []

    def visit(self, operand: Operand) -> None:
        if isinstance(operand, Path):
            self.kinds.append({"$isNumber": _value(operand)})
        elif isinstance(operand, Length):
            self.kinds.append({"$isArray": [_value(operand.path)]})
        elif isinstance(operand, Elapsed):
            dates = [side for side in (operand.start, operand.end) if isinstance(side, Path)]
            self.kinds += [{"$eq": [{"$type": _value(side)}, "date"]} for side in dates]
        elif isinstance(operand, Arith):
            self.visit(operand.left)
            self.visit(operand.right)
            if operand.sign in ("/", "//", "%"):
                self.divisors.append({"$ne": [_value(operand.right), 0]})
            if operand.sign == "**":
                base, power = _value(operand.left), _value(operand.right)
                self.divisors.append({"$or": [{"$ne": [base, 0]}, {"$gte": [power, 0]}]})

    def around(self, test: Any) -> Any:
        """`test`, false where it has no value; each divisor is asked once those inside it are."""
        for divisor in reversed(self.divisors):
            test = {"$cond": [divisor, test, False]}
        kinds = [kind for place, kind in enumerate(self.kinds) if kind not in self.kinds[:place]]
        return {"$cond": [kinds[0] if len(kinds) == 1 else {"$and": kinds}, test, False]}


def _value(operand: Operand) -> Any:
    """The operand as an aggregation expression."""
    if isinstance(operand, Path):
        return _field(operand.parts)
    if isinstance(operand, Length):
        return {"$size": _value(operand.path)}
    if isinstance(operand, Elapsed):
        milliseconds = {"$subtract": [_value(operand.end), _value(operand.start)]}
        return {"$divide": [milliseconds, 1000]}
    if isinstance(operand, Arith):
        return _arithmetic(operand)
    return operand.value


def _field(parts: tuple[str | int, ...]) -> Any:
    """A field path; a place in a list needs `$arrayElemAt`, since `$a.0` is the key "0" alone."""
    dotted = "$" + ".".join(map(str, parts))
    place = next((at for at, part in enumerate(parts) if isinstance(part, int)), None)
    if place is None:
        return dotted
    holder = "$" + ".".join(map(str, parts[:place]))
    key = "$" + ".".join(map(str, parts[: place + 1]))
    picked = {"$cond": [{"$isArray": [holder]}, {"$arrayElemAt": [holder, parts[place]]}, key]}
    return _below(picked, parts[place + 1 :])


def _below(held: Any, parts: tuple[str | int, ...]) -> Any:
    """The value at `parts` of an expression's value."""
    if not parts:
        return held
    place = next((at for at, part in enumerate(parts) if isinstance(part, int)), len(parts))
    if place:
        inside = "$$this." + ".".join(map(str, parts[:place]))
        return _below({"$let": {"vars": {"this": held}, "in": inside}}, parts[place:])
    number = parts[0]
    key = {"$let": {"vars": {"this": held}, "in": f"$$this.{number}"}}
    picked = {"$cond": [{"$isArray": [held]}, {"$arrayElemAt": [held, number]}, key]}
    return _below(picked, parts[1:])


def _arithmetic(operand: Arith) -> Any:
    left, right = _value(operand.left), _value(operand.right)
    if operand.sign == "//":
        return {"$floor": {"$divide": [left, right]}}
    if operand.sign == "%":  # as in Python, where the sign is the divisor's
        rest = {"$mod": [left, right]}
        opposed = {"$lt": [{"$multiply": [rest, right]}, 0]}
        return {"$cond": [opposed, {"$add": [rest, right]}, rest]}
    name = {"+": "$add", "-": "$subtract", "*": "$multiply", "/": "$divide", "**": "$pow"}
    return {name[operand.sign]: [left, right]}
