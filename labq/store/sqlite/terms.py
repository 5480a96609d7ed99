"""Conditions as SQL, in SQL's own three-valued logic, and how they are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labq.filters.operators import TYPES
from labq.filters.regex import literal

SIGNS = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
MOST = 500  # values of one `IN (...)`
INT64 = 2**63
_DEEPEST = 15  # conditions within conditions: SQLite's parser takes about 30
_CHAIN = 8  # terms side by side; halves of halves stay far from SQLite's depth of 1000


@dataclass(frozen=True)
class Term:
    """A condition as SQL. If `exact`, NULL means no; if not, NULL means undecided."""

    sql: str
    params: tuple[Any, ...] = ()
    exact: bool = True
    depth: int = 0  # of the conditions joined in it


YES, NO, UNDECIDED = Term("1"), Term("0"), Term("NULL", exact=False)


def conjunction(terms: list[Term]) -> Term:
    """All of them; a long chain becomes a tree."""
    if NO in terms:
        return NO
    return _joined([term for term in terms if term != YES], " AND ", YES)


def disjunction(terms: list[Term]) -> Term:
    """At least one of them."""
    if YES in terms:
        return YES
    return _joined([term for term in terms if term != NO], " OR ", NO)


def negation(term: Term) -> Term:
    """The opposite, as undecided as the term is."""
    if term in (YES, NO):
        return NO if term == YES else YES
    if term.exact:
        return Term(f"({term.sql}) IS NOT TRUE", term.params, depth=term.depth + 1)
    return Term(f"NOT ({term.sql})", term.params, exact=False, depth=term.depth + 1)


def _joined(terms: list[Term], word: str, empty: Term) -> Term:
    if len(terms) < 2:  # noqa: PLR2004 (nothing to join)
        return terms[0] if terms else empty
    if len(terms) > _CHAIN:
        half = len(terms) // 2
        terms = [_joined(terms[:half], word, empty), _joined(terms[half:], word, empty)]
    depth = max(term.depth for term in terms) + 1
    if depth > _DEEPEST:
        return UNDECIDED
    exact = all(term.exact for term in terms)
    parts = terms if exact else [two_valued(term) if term.exact else term for term in terms]
    params = tuple(param for part in parts for param in part.params)
    return Term(word.join(f"({part.sql})" for part in parts), params, exact, depth)


def two_valued(term: Term) -> Term:
    """1 where it certainly holds, else 0."""
    return Term(f"({term.sql}) IS TRUE", term.params, depth=term.depth + 1)


def marks(values: Sequence[Any]) -> str:
    """As many parameters as there are values."""
    return ", ".join("?" * len(values))


def integer_types(type_of: str, value: str, wanted: set[int]) -> list[Term]:
    """Integers are `int` within 32 bits and `long` beyond, as pymongo writes them."""
    small = f"{value} BETWEEN -2147483648 AND 2147483647"
    found = [f"{type_of} = 'integer' AND {small}"] if TYPES["int"] in wanted else []
    if TYPES["long"] in wanted:
        found.append(f"{type_of} = 'integer' AND NOT {small}")
    return [Term(sql) for sql in found]


def type_numbers(names: Any) -> set[int]:
    """The BSON types that `$type` lists."""
    listed = names if isinstance(names, list) else [names]
    wanted = {
        TYPES[name] if isinstance(name, str) else int(name) for name in listed if name != "number"
    }
    if "number" in listed:
        wanted |= {TYPES[name] for name in ("double", "int", "long")}
    return wanted


def text_search(sql: str, pattern: str, among: Mapping[str, Any], zero: str) -> Term | None:
    """A pattern that is plain text, as a search; None for any other."""
    found = literal(pattern, among.get("$options", ""))
    if found is None:
        return None
    params: tuple[str, ...] = (found.text,)
    if found.start and found.end:
        test = f"{sql} = ?"
    elif found.start or found.end:
        part = f"1, {len(found.text)}" if found.start else f"-{len(found.text)}"
        test = f"substr({sql}, {part}) = ?"
    else:
        test = f"instr({sql}, ?) > 0"
    if not found.text:
        test, params = f"{sql} IS NOT NULL", ()
    sure = f"CASE WHEN {sql} IS NULL THEN 0 WHEN {zero} THEN NULL ELSE {test} END"
    return Term(sure, params, exact=False)
