from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq import clock
from labq.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
YEAR_1 = -62_135_596_800_000
YEAR_9999 = 253_402_300_799_999

MOMENTS = [
    (0, EPOCH),
    (1, EPOCH.replace(microsecond=1000)),
    (-1, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc)),
    (1_795_248_000_123, datetime(2026, 11, 21, 8, 0, 0, 123_000, tzinfo=timezone.utc)),
]


@pytest.mark.parametrize(("ms", "moment"), MOMENTS)
def test_milliseconds_and_datetimes(ms, moment):
    assert clock.from_ms(ms) == moment
    assert clock.to_ms(moment) == ms
    assert clock.to_ms(moment + timedelta(microseconds=999)) == ms
    assert clock.to_ms(moment.astimezone(timezone(timedelta(hours=-5, minutes=30)))) == ms


@given(st.integers(YEAR_1, YEAR_9999))
def test_every_millisecond_of_the_calendar_comes_back(ms):
    moment = clock.from_ms(ms)
    assert clock.to_ms(moment) == ms
    assert moment.tzinfo is timezone.utc
    assert (moment - EPOCH) / timedelta(milliseconds=1) == ms


def test_now_is_utc_and_whole_milliseconds():
    before = time.time_ns() // 1_000_000
    now, now_ms = clock.now(), clock.now_ms()
    after = time.time_ns() // 1_000_000
    assert before <= clock.to_ms(now) <= now_ms <= after
    assert now.tzinfo is timezone.utc
    assert now.microsecond % 1000 == 0


def test_a_deadline_is_of_this_boot_and_of_a_clock_that_all_processes_share():
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    deadline = clock.deadline(60)
    after = time.clock_gettime(time.CLOCK_MONOTONIC)
    assert before + 60 <= deadline["until"] <= after + 60
    assert deadline["boot"] == clock.boot()
    code = "from labq import clock; d = clock.deadline(60); print(d['until'], d['boot'])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    until, boot = told.stdout.split()
    assert boot == deadline["boot"]
    assert 0 <= float(until) - deadline["until"] < 60


def test_local_is_the_same_moment_in_the_zone_of_this_machine(monkeypatch):
    monkeypatch.setenv("TZ", "UTC-03:30")
    time.tzset()
    try:
        there = clock.local(EPOCH)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert there == EPOCH
    assert there.isoformat() == "1970-01-01T03:30:00+03:30"


DURATIONS = [
    ("90", 90.0),
    ("0.5", 0.5),
    ("2s", 2.0),
    ("2.5s", 2.5),
    ("250ms", 0.25),
    ("10m", 600.0),
    ("1h30m", 5400.0),
    ("1h30m5s", 5405.0),
    ("1w2d3h4m5s6ms", 788_645.006),
    ("1m5ms", 60.005),
    ("7d", 604_800.0),
    ("2w", 1_209_600.0),
    ("36500d", clock.LONGEST),
    ("0:00:05", 5.0),
    ("23:59:59", 86_399.0),
    ("1.02:03:04", 93_784.0),
    ("12.00:00:00", 1_036_800.0),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_durations(text, seconds):
    assert clock.seconds(text) == seconds


NO_DURATIONS = [
    *("", " ", "\n", "abc", "1x", "-1", "+1", "1h30", "1.5.2", ".", ".5", "1e3", "s", "h1"),
    *(
        "inf",
        "nan",
        "1,5",
        "1:30",
        "24:00:00",
        "1:60:00",
        "1.2:3:4",
        "1:30:00x",
        "1.1:30",
        "\u0663",
        "1H",
        "5 parsecs",
    ),
]


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_no_duration(text):
    with pytest.raises(UsageError) as caught:
        clock.seconds(text)
    assert str(caught.value) == f"{text!r} is not a duration (write 90, 2s, 10m, 1h30m, 7d)"


ORDER = "a unit stands there twice, or after a smaller one: write 1d12h30m"
NOT_STRICT = [
    *((text, "it has spaces: write 7d") for text in ("7 d", " 7d ", "7d\n", "7d ")),
    ("01:02:03\n", "it has spaces: write 01:02:03"),
    ("1h 30m 5s", "it has spaces: write 1h30m5s"),
    (" 90", "it has spaces: write 90"),
    *((text, ORDER) for text in ("1d1d", "1h2d", "1ms1s", "1s1m", "1h30m1h")),
]


@pytest.mark.parametrize(("text", "told"), NOT_STRICT)
def test_q44_a_duration_is_strict(text, told):
    with pytest.raises(UsageError) as caught:
        clock.seconds(text)
    assert str(caught.value) == f"{text!r} is not a duration ({told})"


@pytest.mark.parametrize(
    "text",
    ["0", "0.0", "0s", "0h0m", "00:00:00", "36501d", "36500.00:00:01", "9" * 400, "9" * 400 + "w"],
)
def test_a_duration_out_of_range(text):
    with pytest.raises(UsageError) as caught:
        clock.seconds(text)
    assert str(caught.value) == (
        f"{text!r} is out of range (durations are above zero, at most 36500d)"
    )


@pytest.mark.parametrize(("text", "seconds"), [*DURATIONS, ("0", 0.0), ("0s", 0.0), ("0m0s", 0.0)])
def test_a_wait_may_be_none_at_all(text, seconds):
    assert clock.wait(text) == seconds


@pytest.mark.parametrize("text", ["-1", "soon", "36501d"])
def test_a_wait_is_a_duration(text):
    with pytest.raises(UsageError):
        clock.wait(text)
