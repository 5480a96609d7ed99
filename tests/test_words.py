"""What a program gives, as a text, a switch, a span."""

from __future__ import annotations

from datetime import timedelta
from math import inf, nan
from types import SimpleNamespace

import pytest

from labq import words
from labq.errors import UsageError

LONGEST = 3153600000


@pytest.mark.parametrize(
    ("read", "given", "found"),
    [
        (words.text, "a", "a"),
        (words.texts, "ab", ["ab"]),
        (words.texts, ("a", "b"), ["a", "b"]),
        (words.texts, [], []),
        (words.several, iter([1, 2]), [1, 2]),
        (words.mapping, {"a": 1}, {"a": 1}),
        (words.switch, False, False),
        (words.count, 1, 1),
        (words.span, 0, 0),
        (words.span, 1.5, 1.5),
        (words.span, "1m", 60),
        (words.span, timedelta(hours=1), 3600),
        (words.span, SimpleNamespace(tolist=lambda: 5), 5),
        (words.patience, inf, inf),
        (words.patience, "2s", 2),
        (words.limit, None, None),
        (words.limit, inf, inf),
    ],
)
def test_what_it_takes(read, given, found):
    assert read("x", given) == found


SPAN = "x must be seconds, a timedelta or such as '10m', not "


@pytest.mark.parametrize(
    ("read", "given", "told"),
    [
        (words.text, 5, "x must be a text, not 5"),
        (words.text, None, "x must be a text, not None"),
        (words.text, b"a", "x must be a text, not b'a'"),
        (words.text, ["a" * 100], f"x must be a text, not ['{'a' * 55}..."),
        (words.texts, 5, "x must be a text or a list of texts, not 5"),
        (words.texts, [5], "x must be a text or a list of texts, not [5]"),
        (words.texts, b"a", "x must be a text or a list of texts, not b'a'"),
        (words.texts, {"a": 1}, "x must be a text or a list of texts, not {'a': 1}"),
        (words.several, None, "x must be a list, not None"),
        (words.several, "ab", "x must be a list, not 'ab'"),
        (words.mapping, [1], "x must be a dict, not [1]"),
        (words.switch, "no", "x must be True or False, not 'no'"),
        (words.switch, 1, "x must be True or False, not 1"),
        (words.count, 0, "x must be a whole number of 1 or more, not 0"),
        (words.count, True, "x must be a whole number of 1 or more, not True"),
        (words.count, 1.5, "x must be a whole number of 1 or more, not 1.5"),
        (words.span, True, f"{SPAN}True"),
        (words.span, None, f"{SPAN}None"),
        (words.span, -1, f"x must be from 0 to {LONGEST} seconds, not -1"),
        (words.span, nan, f"x must be from 0 to {LONGEST} seconds, not nan"),
        (words.span, inf, f"x must be from 0 to {LONGEST} seconds, not inf"),
        (words.span, "soon", "x: 'soon' is not a duration (write 90, 2s, 10m, 1h30m, 7d)"),
        (words.patience, None, f"{SPAN}None"),
        (words.limit, [], f"{SPAN}[]"),
    ],
)
def test_what_it_refuses(read, given, told):
    with pytest.raises(UsageError) as caught:
        read("x", given)
    assert str(caught.value) == told
