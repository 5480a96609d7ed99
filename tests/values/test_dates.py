from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from labq.values import dates

NOW = datetime(2026, 5, 4, 12, 30, 15, 123456, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    """Local time is two hours ahead of UTC in May, one in January."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04", "2026-05-03T22:00:00+00:00"),
        ("2026-01-04", "2026-01-03T23:00:00+00:00"),
        ("2026-05-04 14:00", "2026-05-04T12:00:00+00:00"),
        ("2026-05-04T14:00:01.5", "2026-05-04T12:00:01.500000+00:00"),
        ("2026-05-04T14:00Z", "2026-05-04T14:00:00+00:00"),
        ("2026-05-04 14:00 +05:30", "2026-05-04T08:30:00+00:00"),
        ("2026-05-04T14:00:00-0800", "2026-05-04T22:00:00+00:00"),
        ("2026-05-04T14:00:00.123456789+00", "2026-05-04T14:00:00.123000+00:00"),
        ("now", "2026-05-04T12:30:15.123000+00:00"),
        ("today", "2026-05-03T22:00:00+00:00"),
        ("Yesterday", "2026-05-02T22:00:00+00:00"),
        ("tomorrow", "2026-05-04T22:00:00+00:00"),
        ("3 hours ago", "2026-05-04T09:30:15.123000+00:00"),
        ("an hour and 30 minutes ago", "2026-05-04T11:00:15.123000+00:00"),
        ("in 2 days", "2026-05-06T12:30:15.123000+00:00"),
        ("May 3 2026 10:00", "2026-05-03T08:00:00+00:00"),
    ],
)
def test_a_moment(text, expected):
    assert dates.moment(text, NOW).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3h", 3 * 3600),
        ("1h30m", 5400),
        ("90 s", 90),
        ("1.5d", 36 * 3600),
        ("2 weeks 1 day", 15 * 86400),
        ("250ms", 0.25),
        ("1 hour, 5 minutes and 1 second", 3901),
        ("an hour", 3600),
        ("90", 90),
    ],
)
def test_a_span(text, seconds):
    assert dates.span(text) == timedelta(seconds=seconds)
    assert NOW - dates.before(text, NOW) >= timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "h", "3 parsecs", "3h x", "999999999999w", "-3h", "1e9h"]
)
def test_what_is_no_span(text):
    with pytest.raises(dates.DateError):
        dates.span(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-13-01",
        "2026-02-30",
        "0001-01-01",
        "9999999 weeks ago",
        "a" * 101,
        "tomorrow 25:00",
        "today 9:75",
    ],
)
def test_what_is_no_moment(text):
    with pytest.raises(dates.DateError):
        dates.moment(text, NOW)


def test_milliseconds_beyond_the_calendar():
    with pytest.raises(OverflowError):
        dates.from_milliseconds(10**17)
