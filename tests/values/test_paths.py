"""Dicts laid over each other."""

from __future__ import annotations

import pytest

from labq.errors import ArgsError
from labq.values.paths import merged


@pytest.mark.parametrize(
    ("below", "above", "both"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        (
            {"a": {"b": {"c": 1}}},
            {"a": {"b": {"d": 2}}, "e": 3},
            {"a": {"b": {"c": 1, "d": 2}}, "e": 3},
        ),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": {}}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": {}}, {"a": {}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
    ],
)
def test_dicts_join_at_every_depth(below, above, both):
    assert merged(below, above) == both


@pytest.mark.parametrize(
    ("below", "above"),
    [({"x": {"a": 1}}, {"x": {"a": {"b": 2}}}), ({"x": {"a": {"b": 2}}}, {"x": {"a": 1}})],
)
def test_a_value_against_keys_is_refused(below, above):
    with pytest.raises(ArgsError) as caught:
        merged(below, above, "args")
    assert str(caught.value) == "args.x.a: one path cannot hold a value and nested keys"
