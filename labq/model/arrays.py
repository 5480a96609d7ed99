"""Which indexes an array has.

    array := count | item ("," item)+ | range        10      1,3-8,9,12-19      5-5
    count := digits                                  alone: the indexes from 0 on, so many
    item  := digits | range
    range := digits "-" digits                       both ends included

Spaces, and no other blanks, may stand around a comma and at the ends. An index that is named twice
counts once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labq.errors import ArrayError

MOST = 1_000_000  # instances
MOST_INDEX = 2**31 - 1
BLANK = " "
_ITEM = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)
_HOW = "write 10 for 0-9, or 1,3-8,12"
_SIZE = f"an array has 1 to {MOST:,} instances"


@dataclass(frozen=True)
class Array:
    """Indexes, as ranges with both ends included, ascending and apart from each other."""

    ranges: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """How many indexes there are."""
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __str__(self) -> str:
        return as_text(self.ranges)


def array_of(count: int) -> Array:
    """The indexes from 0 on, so many.

    Raises:
        ArrayError: there would be none, or more than MOST.
    """
    if not 1 <= count <= MOST:
        raise ArrayError(f"{_SIZE}, not {count:,}")
    return Array(((0, count - 1),))


def parse_array(text: str) -> Array:
    """The indexes of `--array`: a number alone is a count.

    Raises:
        ArrayError: no array, with a caret below what is wrong.
    """
    bare = text.strip(BLANK)
    if not re.fullmatch(r"\d+", bare, re.ASCII):
        return parse_indexes(text)
    if len(bare) > len(str(MOST)) or not 1 <= int(bare) <= MOST:
        raise ArrayError(_SIZE, text, _around(text, 0))
    return array_of(int(bare))


def parse_indexes(text: str) -> Array:
    """The same where a number alone is one index.

    Raises:
        ArrayError: no array, with a caret below what is wrong.
    """
    found: list[tuple[int, int]] = []
    at = 0
    for part in text.split(","):
        found.append(_range(text, part, _around(part, at)))
        at += len(part) + 1
    array = Array(merged(found))
    if array.count > MOST:
        raise ArrayError(f"{_SIZE}, not {array.count:,}", text, _around(text, 0))
    return array


def _around(part: str, at: int) -> tuple[int, int]:
    """Where a part that begins at `at` stands, without the spaces around it."""
    start = at + len(part) - len(part.lstrip(BLANK))
    return start, max(start + 1, at + len(part.rstrip(BLANK)))


def _range(text: str, part: str, span: tuple[int, int]) -> tuple[int, int]:
    bare = part.strip(BLANK)
    if not bare:
        one = f", {text.strip().strip(',')}-{text.strip().strip(',')} for one index"
        hint = one if re.fullmatch(r"\s*,?\d+,?\s*", text, re.ASCII) else ""
        raise ArrayError(f"an index is missing ({_HOW}{hint})", text, span)
    item = _ITEM.fullmatch(bare)
    if item is None:
        raise ArrayError(f"{bare!r} is no index and no range ({_HOW})", text, span)
    first, last = item[1], item[2] or item[1]
    if max(len(first), len(last)) > 10 or max(int(first), int(last)) > MOST_INDEX:  # noqa: PLR2004
        raise ArrayError(f"{bare} goes past {MOST_INDEX}, the highest index", text, span)
    if int(first) > int(last):
        raise ArrayError(f"{bare} goes down: write {last}-{first}", text, span)
    return int(first), int(last)


def merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same indexes in as few ranges as can be, ascending."""
    kept: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if kept and first <= kept[-1][1] + 1:
            kept[-1] = (kept[-1][0], max(kept[-1][1], last))
        else:
            kept.append((first, last))
    return tuple(kept)


def as_text(ranges: Sequence[tuple[int, int]]) -> str:
    """Ranges as people write them: `0-3,7`."""
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)
