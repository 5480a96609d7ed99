"""The only reader of wall time, and of the steady clock that a machine's processes share."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

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


def later(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds later, to the millisecond."""
    return moment + round(seconds * 1000) * _MILLISECOND


def iso(moment: datetime) -> str:
    """An aware datetime in UTC as `2026-11-21T08:00:00.123Z`."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


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
