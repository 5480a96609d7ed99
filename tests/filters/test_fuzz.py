"""Whatever is typed: a query document that is small, or a FilterError, and never anything else."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from labq.clock import now
from labq.errors import FilterError
from labq.filters import compile_filter, current_word, matcher, suggest, to_json
from labq.filters.syntax import MAX_LENGTH
from labq.model.task import FIELDS
from labq.store.sqlite.query import compile_where

WORDS = ["args.a", "status", "created_at", "tags", "(", ")", "[", "]", "{", "}", ",", ":", "."]
WORDS += [
    "==",
    "!=",
    "<",
    "<=",
    "in",
    "not in",
    "is",
    "and",
    "or",
    "not",
    "None",
    "True",
    "for",
    "x",
]
WORDS += [
    "1",
    "-1",
    "1e999",
    "2**63",
    "0x1F",
    "1_0",
    "'a'",
    '"$gt"',
    '"$where"',
    "'\\ud800'",
    "f'{x}'",
]
WORDS += ["any(", "all(", "len(", "date(", "ago(", "regex(", "exists(", "list(", "dict(", "lambda:"]
WORDS += [
    "'3h'",
    "'yesterday'",
    "'(a+)+'",
    '"$or"',
    '"$expr"',
    '"$elemMatch"',
    '"$regex"',
    '"args.a"',
]
WORDS += ["+", "-", "*", "/", "//", "%", "**", "~", "@", "&", "|", "=", ":=", ";", "\\", "#", "\n"]
WORDS += [
    "x.y",
    "[0]",
    "['k']",
    "if",
    "else",
    "await",
    "yield",
    "\0",
    "é",
    "😀",
    "null",
    "true",
    "'",
]

sentences = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
glued = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)
repeated = st.tuples(st.sampled_from(WORDS), st.integers(1, 3000)).map(
    lambda pair: pair[0] * pair[1]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["args.a", "$gt", "$in", "$or", "$expr", "$not", "$elemMatch", "$date"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
queries = st.dictionaries(
    st.sampled_from(["args.a", "$and", "$expr", "name"]), json_values, max_size=3
).map(json.dumps)


@settings(max_examples=1500)
@given(st.one_of(sentences, sentences, glued, repeated, queries, st.text(max_size=60)))
@example("-" * 9_999)
@example("(" * 9_999)
@example("[" * 5_000 + "]" * 5_000)
@example("1" + "+1" * 4_999)
@example("1" + "**1" * 3_000)
@example("9**9**9**9 < args.a")
@example("a" + ".a" * 4_999)
@example("not " * 2_499)
@example("lambda:" * 1_000)
@example('{"a":' * 1_000)
@example("9" * 9_999 + " < args.a")
@example("0x" + "f" * 9_000 + " < args.a")
@example("args.a == " + "1if 1else " * 900 + "1")
@example("args.a < " * 1_000 + "1")
@example("date('" + "9" * 90 + "') < created_at")
@example("ago('" + "9" * 12 + "w') < created_at")
@example("'\\N{foo}' == args.a")
@example("f'{" * 60)
@example("(" * 46 + "args.a" + " - args.b)" * 46 + " > 1")
@example("(1 / " * 44 + "args.a" + ")" * 44 + " > 1")
@example("args.a" + "[0].a" * 4 + " > args.b")
@example("(args.b % " * 4 + "args.a" + ")" * 4 + " > 1")
@example("-" * 45 + "args.a < 1")
def test_nothing_but_a_filter_error(text):
    try:
        query = compile_filter(text, FIELDS, now)
    except FilterError:
        return
    written = to_json(query)
    assert len(written) < 200 * len(text) + 40_000
    if len(written) <= MAX_LENGTH:
        assert compile_filter(written, FIELDS, now) == query
    matcher(query)
    compile_where(query)


@settings(max_examples=300)
@given(st.one_of(sentences, glued, st.text(max_size=40)))
def test_completion_takes_any_text(text):
    word = current_word(text)
    assert text.endswith(word)
    assert all(name.startswith(word) for name in suggest(text, FIELDS))
