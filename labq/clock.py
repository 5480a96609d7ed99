"""The only reader of wall time."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from labq.errors import UsageError


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def from_ms(ms: int) -> datetime:
    """The aware UTC datetime of `ms` milliseconds since the epoch, exact to the millisecond."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest * 1000)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime, rounded down."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def now() -> datetime:
    """This moment, aware, UTC, to the millisecond."""
    return from_ms(now_ms())


def local(moment: datetime) -> datetime:
    """`moment` in this machine's time zone, for a person to read."""
    return moment.astimezone()


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds(text: str) -> float:
    """The length in seconds of a duration such as `90`, `2.5s`, `10m`, `1h30m`, `7d`.

    Raises:
        UsageError: it is no such text, or not above zero.
    """
    import re

    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])", text)
    if text.strip().replace(".", "", 1).isdecimal():
        total = float(text)
    elif parts and re.fullmatch(r"\s*(?:\d+(?:\.\d+)?\s*(?:ms|[smhdw])\s*)+", text):
        total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        raise UsageError(f"{text!r} is not a duration (write 90, 2s, 10m, 1h30m, 7d)")
    if not 0 < total < float("inf"):
        raise UsageError(f"the duration {text!r} is not above zero")
    return total
