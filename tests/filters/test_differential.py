"""The matcher, and SQL with the matcher, against a real mongod.

A pair is one query against one document. A run takes 20,000 pairs and more; the long run is

    LABQ_TEST_PAIRS=1000000 HYPOTHESIS_PROFILE=long pytest tests/filters/test_differential.py
"""

from __future__ import annotations

import os
from contextlib import contextmanager

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
from labq.store.sqlite_query import compile_order
from labq.task import FIELDS

DOCUMENTS, QUERIES = 40, 40
PAIRS = int(os.environ.get("LABQ_TEST_PAIRS", "40000"))
batched = settings(
    max_examples=max(1, PAIRS // (DOCUMENTS * QUERIES)),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # a failure names its one document: shrinking the batch adds nothing
)
documents = st.lists(task_documents, min_size=DOCUMENTS, max_size=DOCUMENTS)


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


@batched
@given(drawn=documents, asked=st.lists(queries, min_size=QUERIES, max_size=QUERIES))
def test_sqlite_finds_what_mongod_finds(tasks, drawn, asked):
    with stored(tasks, drawn) as (held, table):
        for query in asked:
            assert compile_filter(to_json(query), FIELDS, now) == query
            expected = found_by_mongod(tasks, query)
            found = found_by_matcher(query, held)
            if expected is None or found is None:
                continue
            assert found == expected, query
            assert table.find(query) == expected, query


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
