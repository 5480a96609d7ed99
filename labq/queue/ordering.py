"""The order in which tasks are listed, for `ls --sort` and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from labq.command.words import key_path
from labq.errors import UsageError
from labq.model.task import FIELDS
from labq.store import Sort
from labq.values.suggest import hint
from labq.values.text import shortened

MOST_KEYS = 31  # MongoDB takes 32, and number is the last


def parse_sort(texts: Sequence[str], option: str) -> Sort:
    """`args.lr:desc` -> ("args.lr", -1); ascending unless it says so, and by number at last.

    Args:
        texts: one for each field.
        option: what the caller calls them in a message.

    Raises:
        UsageError: no such field or direction, or too many of them.
    """
    if len(texts) > MOST_KEYS:
        raise UsageError(f"{option} takes at most {MOST_KEYS} fields")
    order = []
    for text in texts:
        field, _, direction = text.partition(":")
        check_path(field, f"{option} {shortened(text)}")
        if direction not in ("", "asc", "desc"):
            raise UsageError(f"{option} {text}: {direction!r} is neither asc nor desc")
        order.append((field, -1 if direction == "desc" else 1))
    return order if any(field == "number" for field, _ in order) else [*order, ("number", 1)]


def check_path(path: str, where: str) -> None:
    """Refuses a path that begins with no field.

    Raises:
        UsageError: naming the nearest.
    """
    top = path.partition(".")[0]
    if top not in FIELDS:
        near = hint(top, FIELDS, f" (write args.{path} for an argument)")
        raise UsageError(f"{where}: no field {top!r}{near}")
    key_path(path, where)
