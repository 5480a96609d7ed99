"""What a program gives where it may give anything, refused by name before anything comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from math import inf
from typing import Any

from labq.errors import UsageError
from labq.values.durations import LONGEST, seconds_or_none
from labq.values.text import shortened

Span = float | str | timedelta  # seconds, or such as "10m"


def told(value: Any) -> str:
    """A value in a refusal: cut, on one line."""
    return shortened(repr(value))


def text(what: str, value: Any) -> str:
    """A text.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(value, str):
        raise UsageError(f"{what} must be a text, not {told(value)}")
    return value


def texts(what: str, value: Any) -> list[str]:
    """One text, or several.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(value, str):
        return [value]
    found = list(value) if _is_listed(value) else [None]
    if not all(isinstance(one, str) for one in found):
        raise UsageError(f"{what} must be a text or a list of texts, not {told(value)}")
    return [str(one) for one in found]


def several(what: str, value: Any) -> list[Any]:
    """What a list, or another row of things, holds.

    Raises:
        UsageError: it is none.
    """
    if not _is_listed(value):
        raise UsageError(f"{what} must be a list, not {told(value)}")
    return list(value)


def _is_listed(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, bytearray, Mapping))


def mapping(what: str, value: Any) -> dict[Any, Any]:
    """A dict.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(value, Mapping):
        raise UsageError(f"{what} must be a dict, not {told(value)}")
    return dict(value)


def switch(what: str, value: Any) -> bool:
    """True or False, and no word for either: "no" would count as true.

    Raises:
        UsageError: it is another thing.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{what} must be True or False, not {told(value)}")
    return value


def count(what: str, value: Any) -> int:
    """A whole number of 1 or more.

    Raises:
        UsageError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{what} must be a whole number of 1 or more, not {told(value)}")
    return value


def span(what: str, length: Any) -> float:
    """A length in seconds: a number of them, a timedelta, or a text such as "10m".

    Raises:
        UsageError: it is none, or less than 0.
    """
    if isinstance(length, str):
        return _read(what, length)
    number = length.total_seconds() if isinstance(length, timedelta) else length
    number = number.tolist() if hasattr(number, "tolist") else number  # NumPy's
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        wanted = "seconds, a timedelta or such as '10m'"
        raise UsageError(f"{what} must be {wanted}, not {told(length)}")
    if not 0 <= number <= LONGEST:
        raise UsageError(f"{what} must be from 0 to {LONGEST:.0f} seconds, not {number:g}")
    return number


def _read(what: str, length: str) -> float:
    try:
        return seconds_or_none(length)
    except UsageError as error:
        raise UsageError(f"{what}: {error}") from None


def patience(what: str, length: Any) -> float:
    """As `span`, or `inf`: for ever.

    Raises:
        UsageError: it is neither.
    """
    return inf if isinstance(length, float) and length == inf else span(what, length)


def limit(what: str, length: Any) -> float | None:
    """The same of what may be without a limit: None.

    Raises:
        UsageError: it is no length.
    """
    return None if length is None else patience(what, length)
