"""Lengths of time, as options, settings, filters and programs write them."""

from __future__ import annotations

import pytest

from labq.errors import UsageError
from labq.values.durations import LONGEST, seconds, seconds_or_none

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
    ("36500d", LONGEST),
    ("0:00:05", 5.0),
    ("23:59:59", 86_399.0),
    ("1.02:03:04", 93_784.0),
    ("12.00:00:00", 1_036_800.0),
    (" 7 d\n", 604_800.0),
    ("1h 30m 5s", 5405.0),
    ("2 hours", 7200.0),
    ("1 day, 3 hrs and 1 minute", 97_260.0),
    ("an hour", 3600.0),
]


@pytest.mark.parametrize(("text", "length"), DURATIONS)
def test_durations(text, length):
    assert seconds(text) == length


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
        seconds(text)
    assert str(caught.value) == f"{text!r} is not a duration (write 90, 2s, 10m, 1h30m, 7d)"


@pytest.mark.parametrize("text", ["1d1d", "1h2d", "1ms1s", "1s1m", "1h30m1h", "1 hour 2 days"])
def test_q44_units_stand_once_and_in_order(text):
    with pytest.raises(UsageError) as caught:
        seconds(text)
    how = "a unit stands there twice, or after a smaller one: write 1d12h30m"
    assert str(caught.value) == f"{text!r} is not a duration ({how})"


@pytest.mark.parametrize(
    "text",
    ["0", "0.0", "0s", "0h0m", "00:00:00", "36501d", "36500.00:00:01", "9" * 400, "9" * 400 + "w"],
)
def test_a_duration_out_of_range(text):
    with pytest.raises(UsageError) as caught:
        seconds(text)
    assert str(caught.value) == (
        f"{text!r} is out of range (durations are above zero, at most 36500d)"
    )


@pytest.mark.parametrize(("text", "length"), [*DURATIONS, ("0", 0.0), ("0s", 0.0), ("0m0s", 0.0)])
def test_a_wait_may_be_none_at_all(text, length):
    assert seconds_or_none(text) == length


@pytest.mark.parametrize("text", ["-1", "soon", "36501d"])
def test_a_wait_is_a_duration(text):
    with pytest.raises(UsageError):
        seconds_or_none(text)
