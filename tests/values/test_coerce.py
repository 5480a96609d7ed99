"""What a program gives, as a text, a switch, a span."""

from __future__ import annotations

from datetime import timedelta
from math import inf, nan
from types import SimpleNamespace

import pytest

from labq.errors import UsageError
from labq.values import coerce

LONGEST = 3153600000


@pytest.mark.parametrize(
    ("read", "given", "found"),
    [
        (coerce.text, "a", "a"),
        (coerce.texts, "ab", ["ab"]),
        (coerce.texts, ("a", "b"), ["a", "b"]),
        (coerce.texts, [], []),
        (coerce.several, iter([1, 2]), [1, 2]),
        (coerce.mapping, {"a": 1}, {"a": 1}),
        (coerce.switch, False, False),
        (coerce.count, 1, 1),
        (coerce.span, 0, 0),
        (coerce.span, 1.5, 1.5),
        (coerce.span, "1m", 60),
        (coerce.span, timedelta(hours=1), 3600),
        (coerce.span, SimpleNamespace(tolist=lambda: 5), 5),
        (coerce.patience, inf, inf),
        (coerce.patience, "2s", 2),
        (coerce.limit, None, None),
        (coerce.limit, inf, inf),
    ],
)
def test_what_it_takes(read, given, found):
    assert read("x", given) == found


SPAN = "x must be seconds, a timedelta or such as '10m', not "


@pytest.mark.parametrize(
    ("read", "given", "told"),
    [
        (coerce.text, 5, "x must be a text, not 5"),
        (coerce.text, None, "x must be a text, not None"),
        (coerce.text, b"a", "x must be a text, not b'a'"),
        (coerce.text, ["a" * 100], f"x must be a text, not ['{'a' * 55}..."),
        (coerce.texts, 5, "x must be a text or a list of texts, not 5"),
        (coerce.texts, [5], "x must be a text or a list of texts, not [5]"),
        (coerce.texts, b"a", "x must be a text or a list of texts, not b'a'"),
        (coerce.texts, {"a": 1}, "x must be a text or a list of texts, not {'a': 1}"),
        (coerce.several, None, "x must be a list, not None"),
        (coerce.several, "ab", "x must be a list, not 'ab'"),
        (coerce.mapping, [1], "x must be a dict, not [1]"),
        (coerce.switch, "no", "x must be True or False, not 'no'"),
        (coerce.switch, 1, "x must be True or False, not 1"),
        (coerce.count, 0, "x must be a whole number of 1 or more, not 0"),
        (coerce.count, True, "x must be a whole number of 1 or more, not True"),
        (coerce.count, 1.5, "x must be a whole number of 1 or more, not 1.5"),
        (coerce.span, True, f"{SPAN}True"),
        (coerce.span, None, f"{SPAN}None"),
        (coerce.span, -1, f"x must be from 0 to {LONGEST} seconds, not -1"),
        (coerce.span, nan, f"x must be from 0 to {LONGEST} seconds, not nan"),
        (coerce.span, inf, f"x must be from 0 to {LONGEST} seconds, not inf"),
        (coerce.span, "soon", "x: 'soon' is not a duration (write 90, 2s, 10m, 1h30m, 7d)"),
        (coerce.patience, None, f"{SPAN}None"),
        (coerce.limit, [], f"{SPAN}[]"),
    ],
)
def test_what_it_refuses(read, given, told):
    with pytest.raises(UsageError) as caught:
        read("x", given)
    assert str(caught.value) == told
