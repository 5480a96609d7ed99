"""Many things, so many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in their order, in lists of `size`; the last may be shorter, none is empty.

    They are taken when their list is asked for.
    """
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
