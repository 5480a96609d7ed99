"""The matcher, and SQL with the matcher, against a real mongod.

A pair is one query against one document. A run takes 20,000 pairs and more; the long run is

    LABQ_TEST_PAIRS=1000000 HYPOTHESIS_PROFILE=long pytest tests/filters/test_differential.py
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial

import pytest
from drawing import queries, sorts, task_documents
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from table import Table

from labq.clock import now
from labq.errors import FilterError
from labq.filters import compile_filter, matcher, sorted_by, to_json
from labq.filters.match import expressions, order, predicates, reach
from labq.filters.match import matcher as matching
from labq.model.task import FIELDS
from labq.store.sqlite import json_terms
from labq.store.sqlite import query as sqlite_query
from labq.store.sqlite.query import compile_order

DOCUMENTS, QUERIES = 40, 40
PAIRS = int(os.environ.get("LABQ_TEST_PAIRS", "40000"))
batched = settings(
    max_examples=max(1, PAIRS // (DOCUMENTS * QUERIES)),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # a failure names its one document: shrinking the batch adds nothing
)
hunting = settings(batched, max_examples=80, report_multiple_bugs=False)
documents = st.lists(task_documents, min_size=DOCUMENTS, max_size=DOCUMENTS, unique_by=repr)


@pytest.fixture(scope="module")
def tasks(lone_mongod):
    """A collection of a database of this module's own."""
    with MongoClient(lone_mongod, tz_aware=True) as client:
        name = f"differential_{os.getpid()}"
        yield client[name].tasks
        client.drop_database(name)


@contextmanager
def stored(tasks, drawn):
    """The drawn documents with ids, in mongod and in SQLite."""
    held = [{"_id": f"{place:03}", **document} for place, document in enumerate(drawn)]
    tasks.delete_many({})
    tasks.insert_many(held)
    table = Table(held)
    try:
        yield held, table
    finally:
        table.close()


def found_by_mongod(tasks, query):
    """The ids, or None where mongod fails on a document."""
    try:
        return {document["_id"] for document in tasks.find(query, {"_id": 1})}
    except OperationFailure:
        if "$expr" not in str(query):
            raise
        return None


def found_by_matcher(query, held):
    """The ids, or None where arithmetic fails on a document, as mongod's does."""
    try:
        matches = matcher(query)
        return {task["_id"] for task in held if matches(task)}
    except FilterError:
        if "$expr" not in str(query):
            raise
        return None


def differences(tasks, drawn, asked):
    """Each query that mongod, the matcher and SQL do not answer alike, with the first document."""
    with stored(tasks, drawn) as (held, table):
        for query in asked:
            expected = found_by_mongod(tasks, query)
            found = found_by_matcher(query, held)
            if expected is None or found is None:
                continue
            for answer in (found, table.find(query)):
                for key in sorted(answer ^ expected):
                    yield query, table.documents[key], "too many" if key in answer else "too few"


batch = {
    "drawn": documents,
    "asked": st.lists(queries, min_size=QUERIES, max_size=QUERIES, unique_by=repr),
}


@batched
@given(**batch)
def test_sqlite_finds_what_mongod_finds(tasks, drawn, asked):
    for query in asked:
        assert compile_filter(to_json(query), FIELDS, now) == query
    assert next(differences(tasks, drawn, asked), None) is None


def surely_not(term):
    """A negation that takes what is undecided for decided."""
    return sqlite_query.Term(f"({term.sql}) IS NOT TRUE", term.params)


BREAKS = {
    "true is 1": (predicates, "_numbers", lambda _name, bound: lambda value: value == bound),
    "missing is not null": (predicates, "MISSING", None),
    "no places in lists": (reach, "index", lambda _part: None),
    "lists are not spread": (matching, "at", partial(reach.at, spread=False)),
    "$all is any": (matching, "_all", matching._any),
    "no negation": (matching, "_negated", lambda test: test),
    "no mod": (predicates, "remainder", lambda divisor, _rest: lambda value: value == divisor),
    "names do not count": (order, "_field_key", lambda _name, value: order.key(value)),
    "null below all": (expressions, "order", order.key),
    "lists on the way": (json_terms.JsonPath, "_absent", lambda _path, missing: missing.sql),
    "no doubles": (json_terms, "_real", lambda _path, _name, _bound: json_terms.NO),
    "not undecided is yes": (sqlite_query, "negation", surely_not),
    "null is no": (json_terms, "_null", lambda _path, _name: json_terms.NO),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_matcher_that_is_broken_is_caught(tasks, monkeypatch, name):
    module, attribute, broken = BREAKS[name]
    monkeypatch.setattr(module, attribute, broken)

    @hunting
    @given(**batch)
    def hunt(drawn, asked):
        assert next(differences(tasks, drawn, asked), None) is None

    with pytest.raises(AssertionError):
        hunt()


@settings(batched, max_examples=60)
@given(drawn=documents, asked=st.lists(sorts, min_size=10, max_size=10))
def test_sorting_is_mongods(tasks, drawn, asked):
    with stored(tasks, drawn) as (held, table):
        for sort in asked:
            try:
                cursor = tasks.find({}, {"_id": 1}).sort([*sort, ("_id", 1)])
                expected = [document["_id"] for document in cursor]
            except OperationFailure:  # two lists at once
                continue
            assert [task["_id"] for task in sorted_by(held, sort)] == expected, sort
            order = compile_order(sort)
            if order is not None:
                assert table.order(order) == expected, sort
