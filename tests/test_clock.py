from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq import clock

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
