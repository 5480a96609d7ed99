"""Words that several commands use."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labq.cli.output import plural, span


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-3, "0.0s"),
        (0, "0.0s"),
        (0.44, "0.4s"),
        (9.9, "9.9s"),
        (10, "10s"),
        (59.6, "1m"),
        (61, "1m 1s"),
        (3599.7, "1h"),
        (3660, "1h 1m"),
        (3605, "1h"),
        (86400, "1d"),
        (90_000, "1d 1h"),
        (8_640_000, "100d"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds, told):
    assert span(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(("count", "told"), [(0, "0 tasks"), (1, "1 task"), (1200, "1,200 tasks")])
def test_a_count_has_its_noun(count, told):
    assert plural(count) == told
