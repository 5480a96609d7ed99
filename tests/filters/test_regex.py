"""Patterns on a real mongod and in Python; and those that are refused."""

from __future__ import annotations

import os

import pytest
from pymongo import MongoClient

from labq.filters import matcher
from labq.filters.regex import PatternError, compile_pattern, escape, literal

TEXTS = [
    "",
    "a",
    "A",
    "b",
    "ab",
    "aab",
    "a b",
    "a\n",
    "\n",
    "a\nb",
    "\na",
    "é",
    "É",
    "_",
    "-",
    "]",
    "1",
]
TEXTS += [
    "٣",
    "ab1",
    "\u00a0",
    "\x0b",
    "a.b",
    "a\\b",
    "\u017f",
    "k",
    "x{,1}",
    "a\r\nb",
    "\u2028",
    "😀",
    "aa",
]

PATTERNS = [
    "a",
    "^a",
    "a$",
    "^a$",
    r"a\Z",
    r"a\z",
    r"\Aa",
    ".",
    "^.$",
    "a|b",
    "(a)(b)?",
    "a*b",
    "a+?b",
]
PATTERNS += [
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\S",
    r"\b",
    r"\B",
    r"\bab\b",
    "[ab]",
    "[^ab]",
    "[]a]",
]
PATTERNS += [
    "[a-c1]",
    r"[\d_]",
    r"[^\w]",
    r"[\W]",
    r"[\S]",
    "[a-]",
    r"[\]]",
    r"[\b]",
    "[[:alpha:]]",
    "[é]",
]
PATTERNS += [
    "[[:punct:]]",
    "[^[:digit:]]",
    "(?:ab)+",
    "(?P<n>a)",
    "(?<n>a)b",
    r"(a)\1",
    "(?=a)a",
    "b(?!1)",
]
PATTERNS += [
    "(?<=a)b",
    "(?<!a)b",
    "(?i:A)b",
    "(?i)É",
    "(?s)a.b",
    "(?m)^b",
    "(?m)a$",
    "(?m)^$",
    "(?m)^",
    "$",
]
PATTERNS += [
    "a{2}",
    "a{1,}",
    "a{0,1}b",
    "x{,1}",
    "a{",
    "{",
    "}",
    r"\.",
    r"\x61",
    r"\x{1F600}",
    r"\n",
    r"\t",
]
PATTERNS += [
    "",
    "^",
    "é",
    "(?i)s",
    "(?i)K",
    "[a&&b]",
    "[a~~b]",
    r"\-",
    "a??",
    "(|a)b",
    r"[\x61-\x63]",
    "[#-+]",
]
PATTERNS += [
    r"[\w]",
    r"[\w-]",
    r"[^\wb]",
    r"[^\W\d]",
    r"[\s\d]+",
    "[[:upper:]]",
    "[^[:lower:]-]",
    r"[\D]{2}",
]
OPTIONS = ["", "i", "m", "s", "x", "imsx"]


def test_patterns_match_as_on_mongod(lone_mongod):
    with MongoClient(lone_mongod) as client:
        name = f"regex_{os.getpid()}"
        tasks = client[name].tasks
        held = [{"_id": place, "name": text} for place, text in enumerate(TEXTS)]
        tasks.insert_many(held)
        for pattern in PATTERNS:
            for options in OPTIONS:
                query = {"name": {"$regex": pattern, "$options": options}}
                expected = [TEXTS[task["_id"]] for task in tasks.find(query)]
                found = [task["name"] for task in held if matcher(query)(task)]
                assert found == expected, (pattern, options)
        client.drop_database(name)


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(", "a `(` that is never closed"),
        (")", "a `)` that closes nothing"),
        ("[", "a `[` that is never closed"),
        ("[a-", "a `[` that is never closed"),
        ("*", "a `*` with nothing to repeat"),
        ("|+", "a `+` with nothing to repeat"),
        ("{1}", "a `{` with nothing to repeat"),
        ("a**", "a repeat of a repeat"),
        ("a++", "a repeat of a repeat"),
        ("a{2}{3}", "a repeat of a repeat"),
        ("(?>a)", "the group `(?>a`"),
        ("(?R)", "the group `(?R)`"),
        ("(*FAIL)", "the group `(*FA`"),
        ("(?(1)a|b)", "the group `(?(1`"),
        ("(?m:a)", "the option m inside the pattern"),
        (r"\p{L}", r"the escape `\p`"),
        (r"\K", r"the escape `\K`"),
        (r"\Q", r"the escape `\Q`"),
        (r"\0", r"the escape `\0`"),
        (r"\12", r"the escape `\1`"),
        ("\\", "the escape `\\`"),
        (r"\x{D800}", r"the escape `\x{D800}`"),
        (r"\1", "invalid group reference 1 at position 4"),
        ("(?<=a+)b", "look-behind requires fixed-width pattern"),
        ("[b-a]", "bad character range b-a at position 1"),
        ("[[.a.]]", "a class of characters within `[ ]`"),
        (r"[a-\d]", "a range of sets within `[ ]`"),
        (r"[\s-a]", "a range of sets within `[ ]`"),
        ("a\0", "a NUL character"),
        *(
            (pattern, "an unbounded repeat of a group that has no fixed part")
            for pattern in (
                "(a+)+",
                "(.*)*",
                "(a*b*)+",
                "(a?)*",
                r"(\w+\s?)*",
                "((a+)?)*",
                "(a|b*){2,}",
            )
        ),
    ],
)
def test_what_is_refused(pattern, fault):
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "^$", "é😀", "a\\b", "a b\n", "-[]{}()*+?|/#&~'\"", "\0"[:0]]
)
def test_an_escaped_text_matches_itself_alone(text):
    assert compile_pattern(f"^{escape(text)}\\z").search(text)
    assert not compile_pattern(f"^{escape(text)}\\z").search(f"{text}x")
    assert literal(escape(text)).text == text


@pytest.mark.parametrize("pattern", ["a.b", "a+", "(a)", "[a]", r"\d", "a$", "a|b", r"a\n"])
def test_a_pattern_with_a_wildcard_is_no_plain_text(pattern):
    assert literal(pattern) is None
    assert literal("a", "i") is None
