"""The moments of `date("...")` and the spans of `ago("...")`.

    date := "now" | "today" | "yesterday" | "tomorrow" | ISO 8601 | span "ago" | "in" span
          | anything else that dateparser reads
    span := a duration with units, as in 1h30m, 90 min, 2 days 3 hours, an hour

Without a zone a date is local time; `today` and a date alone are its midnight. A day is 24 hours.
"""

from __future__ import annotations

import re
import warnings
from datetime import datetime, time, timedelta, timezone

from labq.errors import UsageError
from labq.values.durations import seconds_or_none

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*"
    r"(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_NO_TIME = re.compile(r"\b(2[4-9]|[3-9]\d):\d\d|:[6-9]\d\b")  # dateparser passes it over
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}


class DateError(ValueError):
    """The text is no moment or span of time."""


def span(text: str) -> timedelta:
    """The span of a duration: `90`, `3h`, `2 days 3 hours`."""
    try:
        return timedelta(seconds=seconds_or_none(text.casefold()))
    except UsageError:
        raise DateError(text) from None


def before(text: str, now: datetime) -> datetime:
    """The moment that the span `text` ago was."""
    return _moved(now, -span(text), text)


def moment(text: str, now: datetime) -> datetime:
    """The aware UTC moment, to the millisecond, that `text` names."""
    words = text.strip().casefold()
    if words == "now":
        return _utc(now)
    if words in _DAYS:
        day = now.astimezone().date() + timedelta(days=_DAYS[words])
        return _utc(datetime.combine(day, time()))
    try:
        if words.endswith(" ago"):
            return _moved(now, -span(words[:-4]), text)
        if words.startswith("in "):
            return _moved(now, span(words[3:]), text)
    except DateError:
        return _free(text, now)
    return _iso(text.strip(), text) or _free(text, now)


def _moved(now: datetime, by: timedelta, text: str) -> datetime:
    try:
        return _utc(now + by)
    except OverflowError:
        raise DateError(text) from None


def _utc(when: datetime) -> datetime:
    """In UTC, to the millisecond; without a zone it is local time."""
    try:
        aware = when.astimezone(timezone.utc)
    except (OverflowError, ValueError, OSError):
        raise DateError(str(when)) from None
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)


def _iso(words: str, text: str) -> datetime | None:
    found = _ISO.fullmatch(words)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found.group(n) or 0) for n in range(1, 7))
    micro = int((found.group(7) or "0").ljust(6, "0")[:6])
    try:
        zone = _zone(found.group(8))
        when = datetime(year, month, day, hour, minute, second, micro, tzinfo=zone)
    except ValueError:
        raise DateError(text) from None
    return _utc(when)


def _zone(text: str | None) -> timezone | None:
    """`Z`, `+02`, `+0200` or `+02:00`; None is local time."""
    if text is None:
        return None
    if text.upper() in ("Z", "UTC"):
        return timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _free(text: str, now: datetime) -> datetime:
    """What dateparser makes of any other text, such as `last monday`."""
    if not text.strip() or len(text) > 100 or _NO_TIME.search(text):  # noqa: PLR2004 (no date is longer)
        raise DateError(text)
    import dateparser

    local = now.astimezone().replace(tzinfo=None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = dateparser.parse(text, languages=["en"], settings={"RELATIVE_BASE": local})
    except Exception:  # noqa: BLE001 (whatever a foreign parser trips over, the text is no date)
        found = None
    if found is None:
        raise DateError(text)
    return _utc(found)


def from_milliseconds(count: int) -> datetime:
    """That many milliseconds after the epoch, UTC; OverflowError outside years 1 to 9999."""
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=count)
