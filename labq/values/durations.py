"""Lengths of time: one language for options, settings, filters, profiles and Python callers.

    duration := number                 seconds: 90, 2.5
              | part (separator part)*  1h30m, 90 min, 2 days 3 hours, 1 hour and 5 minutes
              | [days "."] hh:mm:ss     1.12:30:00 (Qarnot's)
    part     := number unit, or "an hour"
    unit     := w | d | h | m | s | ms, or their names; each once, the larger first

A day is 24 hours.
"""

from __future__ import annotations

from labq.errors import UsageError

LONGEST = 36500 * 86400.0  # seconds; past it a date would leave the calendar
_UNITS = {
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 604800.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
}
_NUMBER = r"\d+(?:\.\d+)?"
_PART = rf"(?:({_NUMBER})\s*|an?\s+)([a-z]+)"
_SEPARATOR = r"\s*,\s*|\s+and\s+|\s*"
_BY_COLONS = r"(?:(\d+)\.)?([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)"


def seconds(text: str) -> float:
    """The length of a duration, above zero.

    Raises:
        UsageError: it is no such text, is zero, or is longer than LONGEST.
    """
    total = seconds_or_none(text)
    if not total:
        raise _out_of_range(text)
    return total


def seconds_or_none(text: str) -> float:
    """As `seconds`; no time at all is a length too.

    Raises:
        UsageError: it is no such text, or longer than LONGEST.
    """
    import re

    bare = text.strip()
    if re.fullmatch(_NUMBER, bare, re.ASCII):
        total = float(bare)
    elif found := re.fullmatch(_BY_COLONS, bare, re.ASCII):
        counts = (float(count) for count in found.groups(default="0"))
        total = sum(count * _UNITS[unit] for count, unit in zip(counts, "dhms", strict=True))
    else:
        total = _by_units(text, bare)
    if total > LONGEST:
        raise _out_of_range(text)
    return total


def _by_units(text: str, bare: str) -> float:
    import re

    if not re.fullmatch(f"{_PART}(?:(?:{_SEPARATOR}){_PART})*", bare, re.ASCII):
        raise _no_duration(text)
    total, last = 0.0, float("inf")
    for count, unit in re.findall(_PART, bare, re.ASCII):
        if unit not in _UNITS:
            raise _no_duration(text)
        if _UNITS[unit] >= last:
            how = "a unit stands there twice, or after a smaller one: write 1d12h30m"
            raise _no_duration(text, how)
        last = _UNITS[unit]
        total += float(count or 1) * last
    return total


def _no_duration(text: str, how: str = "write 90, 2s, 10m, 1h30m, 7d") -> UsageError:
    return UsageError(f"{text!r} is not a duration ({how})")


def _out_of_range(text: str) -> UsageError:
    return UsageError(f"{text!r} is out of range (durations are above zero, at most 36500d)")
