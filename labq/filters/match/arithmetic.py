"""The arithmetic of `$expr`, on numbers as BSON has them: 64-bit integers and doubles.

Source: MongoDB 6.0 manual, "Arithmetic Expression Operators", and mongod itself. None or MISSING
among the operands gives None. Sums keep the bits that a plain loop would round off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from labq.errors import FilterError
from labq.filters.match.order import MISSING, milliseconds

_INT64 = 2**63


def is_number(value: Any) -> bool:
    """An int or a float, and no bool."""
    return type(value) is int or type(value) is float


def _numeric(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of numbers alone, with null passed through."""

    def checked(*values: Any) -> Any:
        if any(value is None or value is MISSING for value in values):
            return None
        for value in values:
            if not is_number(value):
                raise FilterError(f"`{name}` takes numbers; a task holds another value there")
        return function(*values)

    return checked


def fit(value: Any) -> Any:
    """An integer past 64 bits becomes a double."""
    if type(value) is int and not -_INT64 <= value < _INT64:
        return float(value)
    return value


def _sum(*values: Any) -> Any:
    if all(type(value) is int for value in values):
        return fit(sum(values))
    floats: list[float] = []
    for value in values:
        floats.append(float(value))
        if type(value) is int:
            floats.append(float(value - int(float(value))))
    try:
        return math.fsum(floats)
    except (OverflowError, ValueError):
        return sum(floats)


def _add(*values: Any) -> Any:
    dates = [value for value in values if isinstance(value, datetime)]
    if not dates:
        return _NUMBERS_SUM(*values)
    if len(dates) > 1:
        raise FilterError("`$add` takes one date at most")
    total = _NUMBERS_SUM(*(value for value in values if not isinstance(value, datetime)))
    return None if total is None else _moved(dates[0], total)


def _moved(moment: datetime, span: float) -> datetime:
    try:
        return moment + timedelta(milliseconds=round(span))
    except (OverflowError, ValueError):
        raise FilterError("a date past the year 9999") from None


def _subtract(left: Any, right: Any) -> Any:
    if isinstance(left, datetime) and isinstance(right, datetime):
        return milliseconds(left) - milliseconds(right)
    if isinstance(left, datetime) and is_number(right):
        return _moved(left, -right)
    return _NUMBERS_DIFFERENCE(left, right)


def _multiply(*values: Any) -> Any:
    product: Any = 1
    for value in values:
        product = fit(product * value)
    return product


def _divide(left: Any, right: Any) -> float:
    if right == 0:
        raise FilterError("`$divide` by zero")
    return float(left) / float(right)


def _mod(left: Any, right: Any) -> Any:
    if right == 0:
        raise FilterError("`$mod` by zero")
    if type(left) is int and type(right) is int:
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    if not math.isfinite(left):
        return math.nan
    return math.fmod(left, right)


def _power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        raise FilterError("`$pow` of zero by a negative power")
    if type(base) is int and type(exponent) is int and exponent >= 0:
        return _whole_power(base, exponent)
    try:
        return math.pow(base, exponent)
    except ValueError:
        return math.nan
    except OverflowError:
        odd = float(exponent).is_integer() and exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf


def _whole_power(base: int, exponent: int) -> Any:
    if abs(base) < 2 or exponent <= 63:  # noqa: PLR2004 (no more fits 64 bits)
        exact = base ** (exponent if abs(base) > 1 else 2 - exponent % 2 if exponent else 0)
        if -_INT64 <= exact < _INT64:
            return exact
    return _power(float(base), exponent)


def _absolute(value: Any) -> Any:
    if value == -_INT64 and type(value) is int:
        raise FilterError("`$abs` of the least 64-bit integer")
    return abs(value)


def _root(value: Any) -> float:
    if value < 0:
        raise FilterError("`$sqrt` of a negative number")
    return math.sqrt(value)


def _whole(function: Callable[[float], int]) -> Callable[[Any], Any]:
    """`function` on doubles that have a fraction; the result stays a double."""

    def rounded(value: Any) -> Any:
        if type(value) is int or not math.isfinite(value):
            return value
        return float(function(value))

    return rounded


def _to_place(name: str, function: Callable[[float], int]) -> Callable[..., Any]:
    """`$round` and `$trunc` with their second operand, the decimal place from -20 to 100."""

    def rounded(value: Any, place: Any = 0) -> Any:
        if not -20 <= place <= 100 or place != int(place):  # noqa: PLR2004 (the manual's bounds)
            raise FilterError(f"`{name}` takes a whole place from -20 to 100")
        digits = int(place)
        if type(value) is int:
            return value if digits >= 0 else _places_off(value, -digits, function)
        if not math.isfinite(value):
            return value
        return _decimal(value, digits, function)

    return rounded


def _places_off(value: int, digits: int, function: Callable[[float], int]) -> Any:
    from fractions import Fraction

    scaled = Fraction(value, 10**digits)
    return fit(function(scaled) * 10**digits)  # type: ignore[arg-type]


def _decimal(value: float, digits: int, function: Callable[[float], int]) -> float:
    from fractions import Fraction

    scale = Fraction(10) ** digits
    return float(function(Fraction(value) * scale) / scale)  # type: ignore[arg-type]


_NUMBERS_SUM = _numeric("$add", _sum)
_NUMBERS_DIFFERENCE = _numeric("$subtract", lambda left, right: fit(left - right))

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "$add": _add,
    "$subtract": _subtract,
    "$multiply": _numeric("$multiply", _multiply),
    "$divide": _numeric("$divide", _divide),
    "$mod": _numeric("$mod", _mod),
    "$pow": _numeric("$pow", _power),
    "$abs": _numeric("$abs", _absolute),
    "$ceil": _numeric("$ceil", _whole(math.ceil)),
    "$floor": _numeric("$floor", _whole(math.floor)),
    "$sqrt": _numeric("$sqrt", _root),
    "$round": _numeric("$round", _to_place("$round", round)),
    "$trunc": _numeric("$trunc", _to_place("$trunc", math.trunc)),
}
