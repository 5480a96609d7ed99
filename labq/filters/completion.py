"""Completion of filters: what may stand where the cursor is.

A pure function of the text before the cursor. It looks back over the tokens and knows four places:
the start of a condition (fields, functions, `not`), behind a field (comparisons), behind a
comparison (values that are words), and behind a whole condition (`and`, `or`). Inside a MongoDB
query it completes the names in quotes: fields and operators.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from labq.filters.operators import FIELD, TOP
from labq.filters.tokens import Token, tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FUNCTIONS = (
    "any(",
    "all(",
    "contains(",
    "endswith(",
    "exists(",
    "missing(",
    "regex(",
    "startswith(",
)
_VALUES = ("ago(", "date(", "False", "None", "True")
_SIGNS = ("!=", "<", "<=", "==", ">", ">=", "in", "is None", "is not None", "not in")
_JOINTS = ("and", "or")
_WORD = re.compile(r"[^\W\d][\w.]*(?:\[[\"'\d][^\]\s]*)?\Z")
_QUOTED = re.compile(r"[\"']([\w.$-]*)\Z")
_OPENING = frozenset({"and", "or", "not", "(", "if", ","})
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "is"})
_COMPARING = _COMPARISONS | {"+", "-", "*", "/", "//", "%"}


def current_word(text_before_cursor: str) -> str:
    """The word at the cursor, the part of the text that a suggestion replaces."""
    if text_before_cursor.lstrip().startswith("{"):
        quoted = _QUOTED.search(text_before_cursor)
        return quoted.group(1) if quoted else ""
    found = _WORD.search(text_before_cursor)
    return found.group() if found else ""


def suggest(text_before_cursor: str, fields: Collection[str]) -> list[str]:
    """Every word that may replace `current_word`, in the order of the alphabet.

    Args:
        text_before_cursor: the filter up to the cursor.
        fields: the task's fields, and the dotted keys seen in the queue, such as `args.lr`.
    """
    word = current_word(text_before_cursor)
    before = text_before_cursor[: len(text_before_cursor) - len(word)]
    if before.lstrip().startswith("{"):
        return _in_query(before, word, fields)
    behind = tokens(before)
    if behind and behind[-1].kind == "open":
        return []
    return _starting(word, _possible(behind, before, fields))


def _in_query(before: str, word: str, fields: Collection[str]) -> list[str]:
    """Names in quotes: what stands behind a colon is a value, of which nothing is known."""
    opened = before.rstrip("\"'").rstrip()
    if not before.endswith(('"', "'")) or not opened.endswith(("{", ",")):
        return []
    return _starting(word, [*fields, *TOP, *FIELD])


def _possible(behind: list[Token], before: str, fields: Collection[str]) -> Iterable[str]:
    """The words that fit behind these tokens."""
    if not behind or behind[-1].text in _OPENING:
        called = _called(behind)
        if called:
            return [] if called in ("date", "ago") else fields
        return [*fields, *_FUNCTIONS, "not"]
    if behind[-1].text in _COMPARING:
        return [*fields, *_VALUES, "len("]
    if not before.endswith((" ", ")", "]")):
        return []
    return _JOINTS if _is_whole(behind) else _SIGNS


def _called(behind: list[Token]) -> str:
    """The function whose argument is at the cursor, unless it takes a condition."""
    if len(behind) < 2 or behind[-1].text != "(" or behind[-2].kind != "name":  # noqa: PLR2004
        return ""
    name = behind[-2].text
    return "" if name in ("any", "all", "and", "or", "not", "in") else name


def _is_whole(behind: list[Token]) -> bool:
    """Do the tokens end with a whole condition: a comparison, or a call that is one?"""
    for token in reversed(behind):
        if token.text in ("and", "or", "not"):
            return False
        if token.text in _COMPARISONS or f"{token.text}(" in _FUNCTIONS:
            return True
    return False


def _starting(word: str, possible: Iterable[str]) -> list[str]:
    """Those that begin with the word, and are more than it, once each."""
    return sorted({name for name in possible if name.startswith(word) and name != word})
