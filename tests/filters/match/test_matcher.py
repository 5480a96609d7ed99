"""Operators by example; `test_differential.py` holds them all against mongod."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from labq.errors import FilterError
from labq.filters import matcher, sorted_by, to_json

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
NAN = float("nan")


@pytest.mark.parametrize(
    ("query", "matching", "other"),
    [
        ({"a": 1}, [1, 1.0, [1, 2], [[0], 1]], [True, "1", None, [[1]], {"b": 1}]),
        ({"a": {"$eq": [1, 2]}}, [[1, 2], [[1, 2]], [1.0, 2]], [[2, 1], [1], 1]),
        ({"a": {"x": 1, "y": 2}}, [{"x": 1, "y": 2.0}], [{"y": 2, "x": 1}, {"x": 1}]),
        ({"a": None}, [None, [None]], [0, False, []]),
        ({"a": {"$ne": 1}}, [2, None, []], [1, [1, 2]]),
        ({"a": {"$gt": 1}}, [2, 1.5, [0, 2], 2**63 - 1], ["2", True, None, [0], NAN]),
        ({"a": {"$gt": NAN}}, [], [NAN, 1]),
        ({"a": {"$gte": NAN}}, [NAN], [1]),
        ({"a": NAN}, [NAN], [1]),
        ({"a": {"$gte": False}}, [True, False], [0, 1, None]),
        ({"a": {"$lt": NOON}}, [NOON.replace(hour=11)], [NOON, "2020", 0]),
        ({"a": {"$in": [1, "x", None]}}, [1, "x", None, ["x"]], ["y", 2]),
        ({"a": {"$all": [1, 2]}}, [[2, 1]], [1, [1]]),
        ({"a": {"$all": []}}, [], [[], 1]),
        ({"a": {"$size": 2}}, [[1, 2]], [[1], "ab", [[1, 2]]]),
        ({"a": {"$type": "int"}}, [1, [1]], [2**31, 1.0, True]),
        ({"a": {"$type": ["long", "double"]}}, [2**31, 1.0, NAN], [1]),
        ({"a": {"$mod": [4, -1]}}, [-1, -5, -5.9], [3, NAN, float("inf"), "x"]),
        ({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, [[0, 2]], [[0, 4], 2]),
        ({"a": {"$elemMatch": {"b": 1}}}, [[{"b": 1}]], [{"b": 1}, [1]]),
        ({"a": {"$not": {"$gt": 1}}}, [1, "x", None], [2]),
        ({"a.b": {"$exists": False}}, [1, {}, [1], []], [{"b": None}, [{}, {"b": 1}]]),
        ({"a.0": 1}, [[1], {"0": 1}, [{"0": 1}]], [[[1]], 1]),
        ({"$nor": [{"a": 1}, {"a": 2}]}, [3], [1, 2]),
        ({"$expr": {"$gt": [{"$add": ["$a", 1]}, 2]}}, [2], [1, None]),
    ],
    ids=str,
)
def test_what_matches(query, matching, other):
    matches = matcher(query)
    assert [value for value in matching if not matches({"a": value})] == []
    assert [value for value in other if matches({"a": value})] == []


def test_missing_is_null_and_is_not_there():
    assert matcher({"a": None})({})
    assert matcher({"a": {"$gte": None}})({})
    assert matcher({"a": {"$exists": False}})({})
    assert not matcher({"a": {"$type": "null"}})({})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"$where": "1"}, "`$where` is not an operator of labq's queries"),
        ({"a": {"$near": 1}}, "`$near` is not an operator of labq's queries"),
        ({"$expr": {"$function": 1}}, "`$function` is not an operator of labq's queries"),
    ],
)
def test_an_operator_that_is_not_on_the_list(query, message):
    with pytest.raises(FilterError) as caught:
        matcher(query)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"$add": ["$a", 1]}, "`$add` takes numbers; a task holds another value there"),
        ({"$add": ["$d", "$d"]}, "`$add` takes one date at most"),
        ({"$add": ["$d", 1e18]}, "a date past the year 9999"),
        ({"$divide": [1, 0]}, "`$divide` by zero"),
        ({"$mod": [1, 0]}, "`$mod` by zero"),
        ({"$pow": [0, -1]}, "`$pow` of zero by a negative power"),
        ({"$abs": -(2**63)}, "`$abs` of the least 64-bit integer"),
        ({"$sqrt": -1}, "`$sqrt` of a negative number"),
        ({"$round": [1, 200]}, "`$round` takes a whole place from -20 to 100"),
        ({"$trunc": [1.5, -21]}, "`$trunc` takes a whole place from -20 to 100"),
        ({"$in": [1, "$a"]}, "`$in` needs a list on its right"),
        ({"$arrayElemAt": ["$a", 0]}, "`$arrayElemAt` needs a list"),
        ({"$arrayElemAt": ["$l", 0.5]}, "`$arrayElemAt` needs a whole number as the place"),
        ({"$size": "$a"}, "`$size` in `$expr` needs a list"),
    ],
)
def test_arithmetic_that_mongod_fails_on(expression, message):
    with pytest.raises(FilterError) as caught:
        matcher({"$expr": expression})({"a": "text", "d": NOON, "l": [1]})
    assert str(caught.value) == message


def test_a_sort_through_two_lists():
    with pytest.raises(FilterError) as caught:
        sorted_by([{"a": [1], "b": [2]}], [("a", 1), ("b", 1)])
    assert str(caught.value) == "a sort cannot go through two lists of one task"


def test_kinds_in_their_order_and_equal_ones_in_theirs():
    values = [NOON, True, [[1]], {"a": 1}, "a", 2, 1.5, NAN, None]
    documents = [{"v": value} for value in values]
    assert sorted_by(documents, [("v", 1)]) == documents[::-1]
    assert sorted_by(documents, [("v", -1)]) == documents
    same = [{"v": 1, "n": 0}, {"v": 1.0, "n": 1}]
    assert sorted_by(same, [("v", 1)]) == sorted_by(same, [("v", -1)]) == same


def test_a_query_as_json():
    query = {"created_at": {"$gt": NOON}, "name": "é"}
    assert to_json(query) == (
        '{"created_at": {"$gt": {"$date": "2026-05-04T12:00:00.000Z"}}, "name": "é"}'
    )
    with pytest.raises(TypeError, match="set has no place in a query"):
        to_json({"name": {1}})
