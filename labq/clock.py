"""The only reader of wall time, and of the steady clock that a machine's processes share."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from labq.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def from_ms(ms: int) -> datetime:
    """The aware UTC datetime of `ms` milliseconds since the epoch, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=ms)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def now() -> datetime:
    """This moment, aware, UTC, to the millisecond."""
    return from_ms(now_ms())


def deadline(seconds: float) -> dict[str, Any]:
    """The moment in `seconds`, as the processes of this machine count: `{boot, until}`.

    `until` is of the monotonic clock, which is one for all of them: nobody can set it, and it
    stands still while the machine is suspended (CLOCK_MONOTONIC on Linux, CLOCK_UPTIME_RAW on
    macOS). It begins anew with each boot.
    """
    return {"boot": boot(), "until": time.monotonic() + seconds}


@lru_cache(maxsize=1)
def boot() -> str:
    """What names this run of the machine's kernel; empty where the system does not tell."""
    if sys.platform == "darwin":
        return _boot_session()
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _boot_session() -> str:
    import ctypes

    text = ctypes.create_string_buffer(64)
    size = ctypes.byref(ctypes.c_size_t(len(text)))
    failed = ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", text, size, None, 0)
    return "" if failed else text.value.decode("ascii")


def local(moment: datetime) -> datetime:
    """`moment` in this machine's time zone, for a person to read."""
    return moment.astimezone()


_UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
LONGEST = 36500 * 86400.0  # seconds; past it a date would leave the calendar


def seconds(text: str) -> float:
    """The length in seconds of a duration such as `90`, `2.5s`, `10m`, `1h30m`, `7d`, `1.12:30:00`.

    The last is days.hours:minutes:seconds, of which the days may be left out. Units stand in the
    order w d h m s ms, each once; spaces nowhere.

    Raises:
        UsageError: it is no such text, not above zero, or longer than LONGEST.
    """
    total = wait(text)
    if not total:
        raise _out_of_range(text)
    return total


def wait(text: str) -> float:
    """As `seconds`; nothing is a duration too.

    Raises:
        UsageError: it is no such text, or longer than LONGEST.
    """
    import re

    number = r"\d+(?:\.\d+)?"
    by_units = "".join(rf"(?:({number}){unit})?" for unit in _UNITS)  # each once, in their order
    by_colons = r"(?:(\d+)\.)?([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)"
    if re.fullmatch(number, text, re.ASCII):
        parts = [(text, "s")]
    elif text and (found := re.fullmatch(by_units, text, re.ASCII)):
        parts = list(zip(found.groups(default="0"), _UNITS, strict=True))
    elif found := re.fullmatch(by_colons, text, re.ASCII):
        parts = list(zip(found.groups(default="0"), "dhms", strict=True))
    else:
        how = "write 90, 2s, 10m, 1h30m, 7d"
        bare = "".join(text.split())
        if re.fullmatch(rf"(?:{number}(?:ms|[smhdw]))+", text, re.ASCII):
            how = "a unit stands there twice, or after a smaller one: write 1d12h30m"
        elif bare != text and re.fullmatch(
            f"{number}|{by_units}|{by_colons}", bare or "-", re.ASCII
        ):
            how = f"it has spaces: write {bare}"
        raise UsageError(f"{text!r} is not a duration ({how})")
    total = sum(float(count) * _UNITS[unit] for count, unit in parts)
    if total > LONGEST:
        raise _out_of_range(text)
    return total


def _out_of_range(text: str) -> UsageError:
    return UsageError(f"{text!r} is out of range (durations are above zero, at most 36500d)")
