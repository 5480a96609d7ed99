"""What a dotted path reaches in a document.

Source: MongoDB 6.0 manual, "Query an Array of Embedded Documents", and mongod itself, which
`tests/filters/test_match.py` asks. A path reaches several values where a list stands on its way: a
part goes into every dict of the list, and a part that is a number also picks that place of it. A
list at the path's end stands for itself and, where `spread`, for each of its elements; one that a
number picked out of a list stands for itself alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from labq.filters.match.order import MISSING

Test: TypeAlias = Callable[[Any], bool]  # of one value, or MISSING


def at(path: str, test: Test, *, spread: bool = True) -> Test:
    """The predicate of a document: does a value that `path` reaches pass `test`?

    The common case, a path through dicts alone, touches no generator.
    """
    parts = tuple(path.split("."))
    last = len(parts)

    def holds(document: Any) -> bool:
        value = document
        for depth in range(last):
            if type(value) is dict:
                value = value.get(parts[depth], MISSING)
            elif type(value) is list:
                return any(test(reached) for reached in _within(value, parts, depth, spread))
            else:
                value = MISSING
                break
        if spread and type(value) is list:
            return any(map(test, value)) or test(value)
        return test(value)

    return holds


def reach(value: Any, parts: tuple[str, ...], *, spread: bool = True) -> Iterator[Any]:
    """Every value, or MISSING, that `parts` reach from `value`."""
    for depth, part in enumerate(parts):
        if type(value) is dict:
            value = value.get(part, MISSING)
        elif type(value) is list:
            yield from _within(value, parts, depth, spread)
            return
        else:
            yield MISSING
            return
    if spread and type(value) is list:
        yield from value
    yield value


def _within(array: list[Any], parts: tuple[str, ...], depth: int, spread: bool) -> Iterator[Any]:
    """What `parts[depth:]`, at least one, reach inside a list."""
    rest = parts[depth:]
    place = index(rest[0])
    for number, item in enumerate(array):
        if type(item) is dict:
            yield from reach(item, rest, spread=spread)
        if number != place:
            continue
        if len(rest) == 1:
            yield item
        elif type(item) is dict:
            yield from reach(item, rest[1:], spread=spread)
        elif type(item) is list:
            yield from _within(item, rest, 1, spread)


def index(part: str) -> int | None:
    """The place that a part names in a list, or None: digits without a leading zero."""
    if part.isascii() and part.isdigit() and (part == "0" or part[0] != "0"):
        return int(part) if len(part) < 10 else None  # noqa: PLR2004 (no list is that long)
    return None
