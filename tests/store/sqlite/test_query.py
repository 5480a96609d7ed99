"""What SQL decides by itself, what it leaves to the matcher, and that indexes serve it."""

from __future__ import annotations

import sqlite3
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "filters"))

from table import NAMES, Table

from labq.clock import now
from labq.filters import compile_filter
from labq.model.task import FIELDS
from labq.store.sqlite.query import Where, compile_order, compile_where

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("query", "sql", "params"),
    [
        ({}, "1", ()),
        ({"queue": "default"}, '"queue" = ?', ("default",)),
        ({"priority": {"$gt": 3}}, '("priority" > ? AND "priority" < \'\')', (3,)),
        (
            {"queue": "q", "name": {"$in": ["a", "b"]}},
            '("queue" = ?) AND ("name" IN (?, ?))',
            ("q", "a", "b"),
        ),
        ({"status": "pending"}, "\"status\" = 'pending'", ()),
        ({"name": None}, '"name" IS NULL', ()),
        ({"name": {"$ne": "a"}}, '("name" = ?) IS NOT TRUE', ("a",)),
        ({"created_at": {"$lt": NOON}}, '"created_at" < ?', (1777896000000,)),
        ({"priority": "high"}, "0", ()),
        ({"priority": True}, "0", ()),
        ({"name": {"$exists": True}}, '"name" IS NOT NULL', ()),
        ({"name.first": {"$exists": True}}, "0", ()),
        ({"$or": [{"number": 1}, {"number": 2}]}, '("number" = ?) OR ("number" = ?)', (1, 2)),
        ({"$and": [{"number": 1}, {"name": "a"}]}, '("number" = ?) AND ("name" = ?)', (1, "a")),
    ],
)
def test_scalar_columns_are_exact_and_plain(query, sql, params):
    assert compile_where(query) == Where(sql, params)


def undecided(query, *documents):
    """The ids of the rows that SQL leaves to the matcher."""
    held = [{"_id": str(place), **document} for place, document in enumerate(documents)]
    table = Table(held)
    where = compile_where(query)
    sure = where.certain or "1"
    sql = f'SELECT "_id", {sure} FROM tasks WHERE {where.sql}'
    rows = table.connection.execute(sql, [*where.certain_params, *where.params]).fetchall()
    table.close()
    return {key for key, certain in rows if not certain}


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ({"args.a": {"$gt": 1}}, {"args": {"a": [1, 2]}}),
        ({"args.a.b": 1}, {"args": {"a": [{"b": 1}]}}),
        ({"args.a": {"b": 1}}, {"args": {"a": {"b": 1}}}),
        ({"args.a": {"$regex": "a+"}}, {"args": {"a": "aa"}}),
        ({"name": {"$regex": "a+"}}, {"name": "aa"}),
        ({"$expr": {"$gt": ["$args.a", "$args.b"]}}, {"args": {"a": 1}}),
        ({"args.a": {"$gt": 0.3}}, {"args": {"a": 0.30000000000000004}}),
        ({"args.a": "x"}, {"args": {"a": "x\0"}}),
        ({'args.a"b': 1}, {"args": {'a"b': 1}}),
        ({"args.a": {"$mod": [2, 0]}}, {"args": {"a": 4.5}}),
    ],
)
def test_what_sql_leaves_to_the_matcher(query, document):
    assert undecided(query, document) == {"0"}


@pytest.mark.parametrize(
    "query",
    [
        {"args.a": {"$gt": 0.3}},
        {"args.a": {"$gte": 0.3}},
        {"args.a": 0.1},
        {"args.a": "x"},
        {"args.a": {"$in": ["x", 0.1, None]}},
        {"args.a": {"$exists": False}},
        {"args.a": {"$regex": "^x"}},
        {"args.a.b": 1},
        {"tags": "x"},
        {"tags": {"$elemMatch": {"$eq": "x"}}},
        {"tags": {"$size": 2}},
        {"lease.expires_at": {"$lt": NOON}},
        {"args.a": {"$type": "number"}},
        {"$or": [{"args.a": 1}, {"name": "x"}, {"$nor": [{"args.a": {"$lt": 2}}]}]},
    ],
)
def test_what_sql_decides_alone(query):
    lease = {"expires_at": NOON}
    documents = [{"args": {"a": value}} for value in (0.1, 0.3, 1, -2.5, "x", "", None, True, {})]
    assert undecided(query, {}, {"tags": ["x", "y"]}, {"lease": lease}, *documents) == set()


def test_the_claims_query_uses_its_index():
    table = Table([])
    table.connection.execute(
        'CREATE INDEX claim ON tasks (queue, status, "args_signature", priority DESC, number)'
    )
    query = {"queue": "q", "status": "pending", "args_signature": "a,b", "priority": {"$gt": 0}}
    where = compile_where(query)
    order = compile_order([("priority", -1), ("number", 1)])
    sql = f"EXPLAIN QUERY PLAN SELECT * FROM tasks WHERE {where.sql} ORDER BY {order}"
    plan = " ".join(row[3] for row in table.connection.execute(sql, where.params))
    table.close()
    assert plan == (
        "SEARCH tasks USING INDEX claim "
        "(queue=? AND status=? AND args_signature=? AND priority>? AND priority<?)"
    )


def test_a_filter_of_the_full_length_is_within_sqlites_limits():
    for text in (
        " or ".join(f"args.a=={n}" for n in range(650)),
        " and ".join(f"index<{n}" for n in range(650)),
        "args.a in [" + ",".join(f"'{n}'" for n in range(1000)) + "]",
        "name in [" + ",".join(f"'{n}'" for n in range(1000)) + "]",
    ):
        assert Table([{"_id": "0"}]).find(compile_filter(text, FIELDS, now)) == set()


def test_a_filter_of_the_full_depth_is_within_sqlites_limits():
    text = "args.a.b.c == 'x'"
    for place in range(14):
        text = f"(args.b.c.d <= {place} or not (args.c.d.e > 0.5 and {text}))"
    query = compile_filter(text, FIELDS, now)
    table = Table([{"_id": "0", "args": {"b": {"c": {"d": 0}}}}, {"_id": "1"}])
    assert table.find(query) == {"0"}


def test_an_integer_that_sqlite_cannot_hold_is_left_undecided():
    table = Table([{"_id": "0", "priority": 1, "args": {"a": 1}}])
    for path in ("priority", "args.a"):
        assert table.find({path: {"$lt": 2**64}}) == {"0"}
        assert table.find({path: {"$in": [2**64, 1]}}) == {"0"}
    table.close()


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ([("number", 1)], '"number" ASC'),
        ([("priority", -1), ("number", 1)], '"priority" DESC, "number" ASC'),
        ([("created_at", -1)], '"created_at" DESC'),
        ([("args.lr", 1)], None),
        ([("number", 1), ("tags", 1)], None),
        ([("name.first", 1)], None),
    ],
)
def test_sql_orders_scalar_columns_alone(sort, order):
    assert compile_order(sort) == order


def test_the_table_has_a_column_for_every_field():
    assert list(FIELDS) == NAMES


def test_sqlite_is_one_that_knows_is_true():
    assert sqlite3.sqlite_version_info >= (3, 35)


def test_dates_inside_json_are_compared_to_the_millisecond():
    before, after = (NOON + timedelta(milliseconds=shift) for shift in (-1, 1))
    table = Table([{"_id": "0", "lease": {"expires_at": NOON}}])
    assert table.find({"lease.expires_at": {"$gt": before, "$lt": after}}) == {"0"}
    assert table.find({"lease.expires_at": {"$gt": NOON}}) == set()
    table.close()
