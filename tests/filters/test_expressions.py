"""Python expressions: the compiled query on mongod against the language's definition."""

from __future__ import annotations

import os

import pytest
from drawing import named, task_documents
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from reference import truth
from table import Table

from labq.clock import now
from labq.errors import FilterError
from labq.filters import compile_filter, matcher, to_json
from labq.model.task import FIELDS

DOCUMENTS, EXPRESSIONS = 30, 30
PAIRS = int(os.environ.get("LABQ_TEST_PAIRS", "40000"))
batched = settings(
    max_examples=max(1, PAIRS // (DOCUMENTS * EXPRESSIONS)),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # a failure names its one document: shrinking the batch adds nothing
)

FIELD_TEXTS = ["args.a", "args.a", "args.b", "args.a.b", "args.b.a", "args.a[0]", "args.a[0].b"]
FIELD_TEXTS += ['args["x-y"]', "args.é", "timeout", "priority", "tags", "tags[0].a", 'args["a.b"]']
fields = st.sampled_from(FIELD_TEXTS)
plain = st.sampled_from(["1", "0", "2", "-1", "0.5", "1.0", "'a'", "'b'", "''", "True", "False"])
literals = plain | st.sampled_from(["None", "[1]", "['a', 1]", "{}", "{'a': 1}", "[]"])
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
equalities = st.sampled_from(["==", "!="])
texts = st.sampled_from(["'a'", "'b'", "''", "'ab'", "'.'"])


def joined(*parts: object) -> st.SearchStrategy:
    """The parts, drawn or as they stand, side by side."""
    drawn = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]
    return st.tuples(*drawn).map(" ".join)


numbers = st.sampled_from(["1", "2", "0", "0.5", "-3", "(2 * 3)"])
terms = named(
    st.recursive(
        fields | numbers | joined("len(", fields, ")"),
        lambda inner: joined("(", inner, st.sampled_from(["+", "-", "*", "%", "//"]), inner, ")"),
        max_leaves=3,
    ),
    "terms",
)


def about(subject: st.SearchStrategy) -> st.SearchStrategy:
    """Conditions of a field or a variable against values."""
    return st.one_of(
        joined(subject, signs, plain),
        joined(plain, signs, subject),
        joined(subject, equalities, literals),
        joined(subject, "is", st.sampled_from(["None", "not None"])),
        joined(subject, st.sampled_from(["in", "not in"]), "[", literals, ",", plain, "]"),
        joined(
            st.sampled_from(["contains(", "startswith(", "endswith(", "regex("]),
            subject,
            ",",
            texts,
            ")",
        ),
        joined(st.sampled_from(["exists(", "missing("]), subject, ")"),
    )


def logical(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        joined("(", inner, "and", inner, ")"),
        joined("(", inner, "or", inner, ")"),
        joined("not", inner),
    )


keys = st.sampled_from(["r.a", "r.b", "r[0]", "r.b.a"])
elements = named(st.recursive(about(keys), logical, max_leaves=3), "elements")
leaves = named(
    st.one_of(
        about(fields),
        about(fields),
        joined(plain, signs, fields, signs, plain),
        joined(plain, st.sampled_from(["in", "not in"]), fields),
        joined(texts, "in list(", fields, ")"),
        joined("'a' in dict(", fields, ")"),
        joined(fields, signs, fields),
        joined(fields, "in", fields),
        joined(terms, signs, terms).filter(lambda text: "args" in text or "tags" in text),
        joined("len(", fields, ")", signs, st.sampled_from(["0", "1", "2"])),
        joined("any(", elements, "for r in", fields, ")"),
        joined("all(", elements, "for r in", fields, ")"),
        joined("any(x", signs, plain, "for x in", fields, ")"),
        joined("all(x", signs, plain, "for x in", fields, ")"),
        joined("any(x >", plain, "and x <", plain, "or x ==", literals, "for x in", fields, ")"),
        joined("created_at", signs, "date('2026-03-01T12:00:00+00:00')"),
    ),
    "leaves",
)
expressions = named(st.recursive(leaves, logical, max_leaves=4), "expressions")


REFUSED = ["this has no value", "at most 4 `%` stand in one formula"]  # 1 % 0


def compiled(text):
    """The query, or None for constants that have no value, which the drawing cannot avoid."""
    try:
        return compile_filter(text, FIELDS, now)
    except FilterError as fault:
        if fault.message in REFUSED:
            return None
        raise


def tamed(value):
    """A document without numbers so large or small that the order of rounding shows."""
    if isinstance(value, dict):
        return {key: tamed(held) for key, held in value.items()}
    if isinstance(value, list):
        return [tamed(held) for held in value]
    if type(value) in (int, float) and value and not 1e-3 < abs(value) < 1e12:
        return 1.5
    return value


@pytest.fixture(scope="module")
def tasks(lone_mongod):
    with MongoClient(lone_mongod, tz_aware=True) as client:
        name = f"expressions_{os.getpid()}"
        yield client[name].tasks
        client.drop_database(name)


@batched
@given(
    drawn=st.lists(task_documents, min_size=DOCUMENTS, max_size=DOCUMENTS, unique_by=repr),
    asked=st.lists(expressions, min_size=EXPRESSIONS, max_size=EXPRESSIONS, unique=True),
)
def test_an_expression_matches_where_it_is_certainly_true(tasks, drawn, asked):
    held = [{"_id": f"{place:03}", **tamed(document)} for place, document in enumerate(drawn)]
    tasks.delete_many({})
    tasks.insert_many(held)
    table = Table(held)
    for text in asked:
        query = compiled(text)
        if query is None:
            continue
        assert compile_filter(to_json(query), FIELDS, now) == query
        expected = [task for task in held if truth(text, task) is True]
        found = {task["_id"] for task in tasks.find(query, {"_id": 1})}
        assert [task for task in held if task["_id"] in found] == expected, text
        assert [task for task in held if matcher(query)(task)] == expected, text
        assert table.find(query) == found, text
    table.close()
