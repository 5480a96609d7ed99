from __future__ import annotations

import pytest

from labq.filters import suggest
from labq.filters.completion import current_word

FIELDS = ["args", "args.lr", "args.layers", "status", "started_at", "name", "number"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sta", ["started_at", "startswith(", "status"]),
        ("stat", ["status"]),
        ("args.l", ["args.layers", "args.lr"]),
        ("not args.lr", []),
        ("args.lr > 1 and n", ["name", "not", "number"]),
        ("(st", ["started_at", "startswith(", "status"]),
        ("args.lr ", ["!=", "<", "<=", "==", ">", ">=", "in", "is None", "is not None", "not in"]),
        ("args.lr i", ["in", "is None", "is not None"]),
        ("args.lr > ", sorted([*FIELDS, "False", "None", "True", "ago(", "date(", "len("])),
        ("started_at > a", ["ago(", "args", "args.layers", "args.lr"]),
        ("args.lr > 1 ", ["and", "or"]),
        ("args.lr > 1 a", ["and"]),
        ("exists(args.lr) ", ["and", "or"]),
        ("exists(args.l", ["args.layers", "args.lr"]),
        ("not exi", ["exists("]),
        ("any(r.a > 1 f", []),
        ('status == "sta', []),
        ("started_at > date(", []),
        ('{"sta', ["started_at", "status"]),
        ('{"status": {"$ex', ["$exists", "$expr"]),
        ('{"status": "pen', []),
        ("{", []),
        ("1", []),
    ],
)
def test_what_may_stand_at_the_cursor(text, expected):
    assert suggest(text, FIELDS) == expected


def test_without_a_text_everything_that_begins_a_condition():
    found = suggest("", FIELDS)
    assert {"status", "args.lr", "not", "exists("} <= set(found)
    assert "and" not in found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ""),
        ("args.l", "args.l"),
        ("args.lr > sta", "sta"),
        ('{"$or": [{"sta', "sta"),
        ('{"status"', ""),
        ("a >= ", ""),
    ],
)
def test_the_word_that_a_suggestion_replaces(text, word):
    assert current_word(text) == word
