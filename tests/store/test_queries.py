"""What a worker's claim and a sweep ask, answered by every store as a mongod answers it."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from making import task

from labq.store import Change

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
BEFORE, AFTER = NOON.replace(hour=11), NOON.replace(hour=13)


def need(key, op, value):
    return {"key": key, "op": op, "value": value}


def unmet(*met):
    """The query for tasks with no requirement but those that one of `met` says are met."""
    return {"require": {"$not": {"$elemMatch": {"$nor": list(met)}}}}


IS_X = {"key": "a", "op": "==", "value": "x"}
AT_MOST_40 = {"key": "m", "op": ">=", "value": {"$lte": 40}}
NO_MORE_THAN_2 = {
    "$or": [{"resources": {"$exists": False}}, {"resources.cpus": {"$not": {"$gt": 2}}}]
}
# what the tasks hold -> the questions, each with the numbers of the tasks that match
CASES = [
    (
        "resources",
        [
            {},
            {"resources": {}},
            {"resources": {"cpus": 2}},
            {"resources": {"cpus": 2.5}},
            {"resources": {"cpus": 3}},
            {"resources": {"gpus": 1}},
            {"resources": {"cpus": "3"}},
            {"resources": {"cpus": [1, 3]}},
            {"resources": {"cpus": None}},
        ],
        {
            "no more than there is": (NO_MORE_THAN_2, [1, 2, 3, 6, 7, 9]),
            "those that say nothing": ({"resources": {"$exists": False}}, [1]),
            "those that say something": ({"resources": {"$exists": True}}, [2, 3, 4, 5, 6, 7, 8, 9]),
            "of several kinds": (
                {"$and": [NO_MORE_THAN_2, {"resources.gpus": {"$not": {"$gt": 0}}}]},
                [1, 2, 3, 7, 9],
            ),
            "neither": ({"$nor": [NO_MORE_THAN_2]}, [4, 5, 8]),
        },
    ),
    (
        "require",
        [
            {},
            {"require": []},
            {"require": [need("a", "==", "x")]},
            {"require": [need("a", "==", "y")]},
            {"require": [need("m", ">=", 40)]},
            {"require": [need("m", ">=", 40.5)]},
            {"require": [need("a", "==", "x"), need("m", ">=", 8)]},
            {"require": [need("a", "==", "x"), need("m", ">=", 80)]},
            {"require": [need("m", ">=", "8")]},
            {"require": [need("m", "<=", 8)]},
            {"require": [{}]},
        ],
        {
            "all are met": (unmet(IS_X, AT_MOST_40), [1, 2, 3, 5, 7]),
            "one is not met": ({"require": {"$elemMatch": {"$nor": [IS_X, AT_MOST_40]}}}, [4, 6, 8, 9, 10, 11]),
            "a worker that has only one": (unmet(IS_X), [1, 2, 3]),
            "some word of several": (
                unmet({"key": "a", "op": "==", "value": {"$in": ["x", "y"]}}),
                [1, 2, 3, 4],
            ),
            "other than a word": (
                unmet({"key": "a", "op": "==", "value": {"$ne": "x"}}),
                [1, 2, 4],
            ),
            "there is one": ({"require": {"$exists": True}}, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        },
    ),
    (
        "waiting_for",
        [
            {},
            {"waiting_for": ["p"]},
            {"waiting_for": ["o", "p"]},
            {"waiting_for": ["r"]},
            {"waiting_for": []},
        ],
        {
            "for one of these": ({"waiting_for": {"$in": ["p", "q"]}}, [2, 3]),
            "for this": ({"waiting_for": "r"}, [4]),
            "for none of many": ({"waiting_for": {"$in": [str(n) for n in range(2000)]}}, []),
            "for one of many": ({"waiting_for": {"$in": ["o", *map(str, range(2000))]}}, [3]),
            "for nothing": ({"waiting_for": {"$exists": False}}, [1]),
            "for something": ({"waiting_for": {"$exists": True}}, [2, 3, 4, 5]),
            "for anything else": ({"waiting_for": {"$nin": ["p", "q"]}}, [1, 4, 5]),
            "for these in vain": ({"waiting_for": {"$in": []}}, []),
        },
    ),
    (
        "times",
        [
            {},
            {"available_at": BEFORE},
            {"available_at": NOON},
            {"available_at": AFTER},
            {"available_at": AFTER, "waiting_for": ["p"]},
            {"available_at": BEFORE, "waiting_for": ["p"]},
        ],
        {
            "due": ({"available_at": {"$lte": NOON}}, [2, 3, 6]),
            "not due": ({"available_at": {"$not": {"$lte": NOON}}}, [1, 4, 5]),
            "due, and waiting for nobody": (
                {"waiting_for": {"$exists": False}, "available_at": {"$lte": NOON}},
                [2, 3],
            ),
            "due, or at no time": (
                {"$or": [{"available_at": {"$lte": NOON}}, {"available_at": {"$exists": False}}]},
                [1, 2, 3, 6],
            ),
        },
    ),
    (
        "what is kept for a time",
        [
            {},
            {"retention": {"ttl": 5}},
            {"retention": {"ttl": 5}, "published_at": NOON},
            {"retention": {}},
            {"retention": {"ttl": None}},
            {"lease": {"token": "t", "expires_at": BEFORE}},
            {"lease": {"token": "t"}},
        ],
        {
            "to be removed": (
                {"retention.ttl": {"$exists": True}, "published_at": {"$exists": False}},
                [2, 5],
            ),
            "above zero": ({"retention.ttl": {"$gt": 0}}, [2, 3]),
            "null, or none": ({"retention.ttl": None}, [1, 4, 5, 6, 7]),
            "no retention": ({"retention": None}, [1, 6, 7]),
            "a lease that is over": ({"lease.expires_at": {"$lt": NOON}}, [6]),
            "a lease that has no end": (
                {"lease": {"$exists": True}, "lease.expires_at": {"$exists": False}},
                [7],
            ),
        },
    ),
]  # fmt: skip
QUESTIONS = [
    pytest.param(holdings, *question, id=f"{about}: {name}")
    for about, holdings, questions in CASES
    for name, question in questions.items()
]


@pytest.mark.parametrize(("holdings", "query", "expected"), QUESTIONS)
def test_a_question_is_answered_as_mongodb_does(store, holdings, query, expected):
    store.insert("q", [task(**fields) for fields in holdings])
    asked = {"queue": "q", **query}
    found = [one["number"] for one in store.find(asked, sort=[("number", 1)], fields=("number",))]
    assert found == expected
    assert store.count(asked) == len(expected)
    assert store.update(asked, Change(set={"comment": "x"})) == len(expected)
    assert store.count({"comment": "x"}) == len(expected)


@pytest.mark.parametrize(("holdings", "query", "expected"), QUESTIONS)
def test_a_claim_that_asks_it_takes_the_same(store, holdings, query, expected):
    store.insert("q", [task(**fields) for fields in holdings])
    asked = {"queue": "q", **query, "status": "pending"}
    change = Change(set={"status": "running"})
    taken = []
    while (claimed := store.update_first(asked, change, ("number",))) is not None:
        taken.append(claimed["number"])
    assert taken == expected
