"""What a value must be, whatever another program wrote there."""

from __future__ import annotations

import pytest

from labq.model.shapes import DEEPEST, JSON


def nested(levels, kind):
    value = 1
    for _ in range(levels):
        value = {"a": value} if kind is dict else [value]
    return value


@pytest.mark.parametrize("kind", [dict, list])
def test_a_value_is_as_deep_as_bson_has_it(kind):
    assert JSON.fits(nested(DEEPEST, kind))
    for levels in (DEEPEST + 1, 50_000):
        deep = nested(levels, kind)
        assert not JSON.fits(deep)
        assert JSON.flaw("args", deep) == "args is nested too deeply (at most 100 levels)"
