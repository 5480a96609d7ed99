"""What Python programs hold, as labq stores it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from labq import clock
from labq.errors import UsageError

LENGTHS = ("timeout", "retry_delay")


def plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's and PyTorch's scalars and arrays, tuples, mappings, paths.

    What is none of these stays as it is, to be refused by name.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def seconds(what: str, length: float | str | timedelta) -> float:
    """A length in seconds: a number of them, a timedelta, or a text such as "10m".

    Raises:
        UsageError: it is none, or less than 0.
    """
    if isinstance(length, str):
        return clock.wait(length)
    number = length.total_seconds() if isinstance(length, timedelta) else length
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise UsageError(f"{what} must be seconds, a timedelta or such as '10m', not {length!r}")
    if not 0 <= number <= clock.LONGEST:
        raise UsageError(f"{what} must be from 0 to {clock.LONGEST:.0f} seconds, not {number:g}")
    return number


def of_field(name: str, value: Any) -> Any:
    """A field's value as labq stores it: a length in seconds, whichever way it was given."""
    if name in LENGTHS and isinstance(value, (str, timedelta)):
        return seconds(name, value)
    return plain(value)


def limit(timeout: float | str | timedelta | None, what: str = "timeout") -> float | None:
    """How long to wait at most, in seconds; None is for ever.

    Raises:
        UsageError: a text or a timedelta that is no length.
    """
    return seconds(what, timeout) if isinstance(timeout, (str, timedelta)) else timeout
