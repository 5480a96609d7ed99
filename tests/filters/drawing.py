"""What the differential tests draw: task documents, and queries from the whole operator list.

The pools are small, so that queries hit: a few keys, numbers at the edges of int32, int64 and of
what a double holds, dates a millisecond apart.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MOMENTS = [
    datetime(2026, 3, 1, 12, 0, 0, 0, tzinfo=timezone.utc) + timedelta(milliseconds=count)
    for count in (0, 1, 999, 86_400_000)
] + [EPOCH, EPOCH - timedelta(milliseconds=1)]

INTS = [0, 1, 2, 3, -1, 2**31 - 1, 2**31, 2**53, 2**53 + 1, -(2**63), 2**63 - 1]
FLOATS = [0.0, -0.0, 1.0, 0.5, 0.1, 0.30000000000000004, 1.5, -1.0, 2.0**31, 2.0**53, 2.0**63]
FLOATS += [1e-7, 5e-324, 1e300, -1e300, 1.7976931348623157e308, 0.1 + 2**-56]
TEXTS = ["", "a", "b", "ab", "A", "0", "é", "😀", "z\n", "a\0b", "line\nab", '"', "\\", "1"]
KEYS = ["a", "b", "0", "1", "x-y", "é"]
FIELDS = ["name", "status", "priority", "timeout", "created_at", "tags", "args", "lease"]


def weighted(*strategies: st.SearchStrategy) -> st.SearchStrategy:
    """One of them; one that is named twice comes twice as often, which `st.one_of` would undo."""
    return st.sampled_from(strategies).flatmap(lambda chosen: chosen)


numbers = st.sampled_from(INTS) | st.sampled_from(FLOATS)
texts = st.sampled_from(TEXTS)
moments = st.sampled_from(MOMENTS)
common = st.sampled_from([1, 1, 1.0, 2, 0, "a", "a", "b", None, True, False, 0.5, MOMENTS[0]])
twins = st.sampled_from(
    [
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
        {"a": 1},
        {"b": 1},
        {"a": 1.0},
        [1, 2],
        [2, 1],
        [1],
        [],
        {},
    ]
)
scalars = weighted(common, common, common, numbers, texts, moments)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)
lists_of_objects = st.lists(
    st.fixed_dictionaries({}, optional={"a": scalars, "b": values}) | values, max_size=3
)
held = weighted(scalars, scalars, scalars, twins, values, lists_of_objects)
objects = st.fixed_dictionaries(
    {"a": held}, optional={"b": held, "0": values, "x-y": values, "é": scalars}
)
task_documents = st.fixed_dictionaries(
    {"args": objects},
    optional={
        "name": weighted(st.sampled_from("aab"), texts),
        "status": st.sampled_from(["pending", "failed", "a"]),
        "priority": weighted(st.sampled_from([0, 1, 2]), st.sampled_from(INTS)),
        "timeout": st.sampled_from([0, 1, 1.0, 2.5]) | numbers,
        "created_at": moments,
        "tags": lists_of_objects,
        "lease": st.fixed_dictionaries({"a": moments}),
    },
)

PATTERNS = ["a", "^a", r"b\z", "^ab$", "", "a|b", r"\w", r"^\s", "[^a]", r"\d+", "(?i)A", "é", "."]
PATTERNS += [r"\.", "^$", r"\bab\b", r"z$", r"z\Z", r"^\z", "[a-b]{2}", "(a)?b", r"\x61", r"[\s\d]"]
PATTERNS += [
    "[[:upper:]]",
    "^.$",
    "(?:a|b)+$",
    "(?<!a)b",
    r"(a)?\1",
    r"[^\W]",
    "a{,1}",
    "x*?",
    r"\S\D",
]
patterns = st.sampled_from(PATTERNS)
TYPE_NAMES = ["double", "string", "object", "array", "bool", "date", "null", "int", "long"]
types = st.sampled_from([*TYPE_NAMES, "number", 1, 2, 16, 18.0])
whole = st.integers(-4, 4)


def named(strategy: st.SearchStrategy, name: str) -> st.SearchStrategy:
    """The strategy under a short name: the full one would fill a page of every report."""

    def drawn(draw):
        return draw(strategy)

    drawn.__name__ = drawn.__qualname__ = name
    return st.composite(drawn)()


paths = named(
    weighted(
        st.sampled_from(
            ["args.a", "args.a", "args.b", "args.a.b", "args.a.a", "args.a.0", "args.a.1", "tags"]
        ),
        st.sampled_from(["name", "priority", "timeout", "created_at", "tags", "lease.a", "tags.a"]),
        st.builds(
            lambda field, parts: ".".join([field, *parts]),
            st.sampled_from([*FIELDS, "args", "args", "args", "tags"]),
            st.lists(st.sampled_from([*KEYS, "a", "b"]), max_size=3),
        ),
    ),
    "paths",
)
simple = named(weighted(scalars, scalars, scalars, scalars, twins, values), "simple")


def _operator(name: str, operand: st.SearchStrategy) -> st.SearchStrategy:
    return operand.map(lambda value: {name: value})


comparisons = named(
    st.one_of(*(_operator(name, simple) for name in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"))),
    "comparisons",
)
lists = st.lists(simple, max_size=3)
leaf_operators = named(
    weighted(
        comparisons,
        comparisons,
        comparisons,
        comparisons,
        _operator("$in", lists),
        _operator("$nin", lists),
        _operator("$exists", st.booleans()),
        _operator("$type", types | st.lists(types, min_size=1, max_size=3)),
        _operator("$regex", patterns),
        st.builds(
            lambda pattern, options: {"$regex": pattern, "$options": options},
            patterns.filter(lambda pattern: "?i" not in pattern),
            st.sampled_from(["", "i", "m", "s", "ims"]),
        ),
        _operator("$size", st.integers(0, 3)),
        _operator("$all", lists),
        _operator("$mod", st.tuples(whole.filter(bool), whole).map(list)),
    ),
    "leaf_operators",
)


def _both(first: dict, second: dict) -> dict:
    return {**first, **second} if "$regex" not in first else first


def _nested(inner: st.SearchStrategy) -> st.SearchStrategy:
    element = st.builds(
        lambda path, held: {path.removeprefix("args."): held}, paths, inner | simple
    )
    return st.one_of(
        _operator("$not", inner),
        _operator("$elemMatch", inner),
        _operator("$elemMatch", element),
        _operator("$all", st.lists(_operator("$elemMatch", inner), min_size=1, max_size=2)),
        st.builds(_both, inner, comparisons),
    )


operators = named(st.recursive(leaf_operators, _nested, max_leaves=3), "operators")
operands = named(
    st.one_of(paths.map(lambda path: f"${path}"), simple.map(lambda held: {"$literal": held})),
    "operands",
)
numeric = named(
    st.recursive(
        paths.map(lambda path: f"${path}") | numbers,
        lambda inner: st.one_of(
            *(
                st.tuples(inner, inner).map(lambda pair, name=name: {name: list(pair)})
                for name in ("$add", "$subtract", "$multiply", "$divide", "$mod")
            ),
            *(
                inner.map(lambda held, name=name: {name: held})
                for name in ("$ceil", "$floor", "$round", "$trunc")
            ),
            st.lists(inner, max_size=3).map(lambda items: {"$add": items}),
            st.tuples(inner, st.integers(0, 3)).map(lambda pair: {"$pow": list(pair)}),
        ),
        max_leaves=4,
    ),
    "numeric",
)
COMPARING = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp")
expressions = named(
    st.one_of(
        *(
            st.tuples(side, side).map(lambda pair, name=name: {name: list(pair)})
            for name in COMPARING
            for side in (operands, numeric)
        ),
        operands.map(lambda held: {"$eq": [{"$type": held}, "string"]}),
        operands.map(lambda held: {"$isNumber": held}),
        operands.map(lambda held: {"$not": [held]}),
        paths.map(
            lambda path: {"$cond": [{"$isArray": [f"${path}"]}, {"$size": f"${path}"}, False]}
        ),
        st.tuples(operands, operands).map(
            lambda pair: {"$cond": [{"$isArray": [pair[1]]}, {"$in": list(pair)}, False]}
        ),
        st.tuples(operands, operands).map(lambda pair: {"$ifNull": list(pair)}),
        st.tuples(paths, st.integers(-2, 2), operands).map(
            lambda drawn: {
                "$cond": [
                    {"$isArray": [f"${drawn[0]}"]},
                    {"$eq": [{"$arrayElemAt": [f"${drawn[0]}", drawn[1]]}, drawn[2]]},
                    False,
                ]
            }
        ),
    ),
    "expressions",
)

fields_queries = named(
    st.builds(lambda path, held: {path: held}, paths, weighted(operators, operators, simple)),
    "fields_queries",
)
queries = named(
    st.recursive(
        weighted(*[fields_queries] * 5, _operator("$expr", expressions)),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$or": parts}),
            st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"$nor": parts}),
            st.tuples(inner, inner).map(lambda pair: {**pair[0], **pair[1]}),
        ),
        max_leaves=3,
    ),
    "queries",
)
sorts = st.lists(
    st.tuples(paths, st.sampled_from([1, -1])),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item[0],
)
