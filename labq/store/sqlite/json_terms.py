"""Conditions on what a path through dicts reaches in a JSON column, as SQL.

`json_type` says what stands there, and each type decides by itself; a list on the way is left
undecided. See `query` for the table, and for what undecided means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labq.clock import to_ms
from labq.filters.operators import TYPES
from labq.store.sqlite.terms import (
    INT64,
    MOST,
    NO,
    SIGNS,
    UNDECIDED,
    YES,
    Term,
    disjunction,
    integer_types,
    marks,
    text_search,
    type_numbers,
)

_PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f$][^"\\\x00-\x1f]*')
_JSON_TYPES = ("integer", "real", "text", "true", "false", "null", "object", "array")


@dataclass(frozen=True)
class JsonPath:
    """A path into a JSON column."""

    field: str
    keys: tuple[str, ...]

    @property
    def column(self) -> str:
        return f'"{self.field}"'

    def literal(self, depth: int | None = None) -> str:
        """The path, or its first `depth` keys, as SQL text."""
        text = "$" + "".join(f'."{key}"' for key in self.keys[:depth])
        return "'" + text.replace("'", "''") + "'"

    @property
    def kind(self) -> str:
        return f"json_type({self.column}, {self.literal()})"

    @property
    def value(self) -> str:
        return f"json_extract({self.column}, {self.literal()})"

    @property
    def twice(self) -> str:
        """`[text,text]`, where the text of a number is as it was written."""
        return f"json_extract({self.column}, {self.literal()}, {self.literal()})"

    @property
    def date(self) -> str:
        """The milliseconds of a date, NULL for any other value."""
        return f'json_extract({self.column}, {self.literal()[:-1]}."$date"\')'

    @property
    def cut_off(self) -> str:
        """Has a string of the column a NUL, at which `json_extract` would end it?"""
        return f"instr({self.column}, '\\u0000')"

    def case(self, branches: Mapping[str, Term], missing: Term) -> Term:
        """What each JSON type decides; any other is as undecided, or as decided, as `missing`."""
        parts = [f"CASE {self.kind}"]
        params: list[Any] = []
        for name, term in branches.items():
            parts.append(f"WHEN '{name}' THEN {term.sql}")
            params += term.params
        parts.append(f"ELSE {self._absent(missing)} END")
        return Term(" ".join(parts), tuple(params), exact=False)

    def _absent(self, missing: Term) -> str:
        """`missing`, or undecided where a list stands on the way."""
        if not self.keys:
            return missing.sql
        holders = [self.literal(depth) for depth in range(1, len(self.keys))]
        inner = [f"json_type({self.column}, {holder}) = 'array'" for holder in holders]
        lists = [f"substr({self.column}, 1, 1) = '['", *inner]
        return f"CASE WHEN {' OR '.join(lists)} THEN NULL ELSE {missing.sql} END"


def json_leaf(
    field: str, keys: tuple[str, ...], name: str, value: Any, among: Mapping[str, Any]
) -> Term:
    """One operator on one path into the JSON column `field`."""
    if not all(_PLAIN_KEY.fullmatch(key) for key in keys):
        return UNDECIDED
    path = JsonPath(field, keys)
    if name in SIGNS:
        return _compared(path, name, value)
    maker = _MAKERS.get(name)
    return maker(path, value, among) if maker else UNDECIDED


def _exists(path: JsonPath, _value: Any, _among: Mapping[str, Any]) -> Term:
    return path.case(dict.fromkeys(_JSON_TYPES, YES), NO)


def _size(path: JsonPath, value: Any, _among: Mapping[str, Any]) -> Term:
    length = f"json_array_length({path.column}, {path.literal()}) = ?"
    return path.case({"array": Term(length, (int(value),))}, NO)


def _matched(path: JsonPath, value: Any, _among: Mapping[str, Any]) -> Term:
    """`$elemMatch`: with one text, which is how `"x" in tags` reads, else undecided for a list."""
    one_text = list(value) == ["$eq"] and isinstance(value["$eq"], str)
    element = _element_text(path, "= ?", (value["$eq"],)) if one_text else UNDECIDED
    return path.case({"array": element}, NO)


def _mod(path: JsonPath, value: Any, _among: Mapping[str, Any]) -> Term:
    divisor, rest = (int(part) for part in value)
    whole = Term(f"{path.value} % ? = ?", (divisor, rest))
    return path.case({"integer": whole, "real": UNDECIDED, "array": UNDECIDED}, NO)


def _regex(path: JsonPath, value: Any, among: Mapping[str, Any]) -> Term:
    found = text_search(path.value, value, among, path.cut_off) or UNDECIDED
    return path.case({"text": found, "array": UNDECIDED}, NO)


def _compared(path: JsonPath, name: str, bound: Any) -> Term:
    """`$eq` and the orderings, which hold between values of one kind alone."""
    if bound is None:
        return _null(path, name)
    branches = {"array": UNDECIDED}
    if isinstance(bound, bool):
        words = {"true": True, "false": False}
        branches |= {word: YES if _holds(name, held, bound) else NO for word, held in words.items()}
    elif isinstance(bound, datetime):
        test = f"COALESCE({path.date} {SIGNS[name]} ?, 0)"
        branches["object"] = Term(test, (to_ms(bound),))
    elif isinstance(bound, str):
        branches |= _text_branches(path, f"{SIGNS[name]} ?", (bound,), name == "$eq")
    elif isinstance(bound, (int, float)):
        branches |= {"integer": _integer(path, name, bound), "real": _real(path, name, bound)}
    else:
        branches["object"] = UNDECIDED
    return path.case(branches, NO)


def _null(path: JsonPath, name: str) -> Term:
    """Null is null or missing; nothing is above or below it."""
    if name in ("$gt", "$lt"):
        return path.case({"array": UNDECIDED}, NO)
    return path.case({**dict.fromkeys(_JSON_TYPES, NO), "null": YES, "array": UNDECIDED}, YES)


def _holds(name: str, left: bool, right: bool) -> bool:
    """The comparison of two booleans."""
    below = name in ("$lt", "$lte") and left < right
    above = name in ("$gt", "$gte") and left > right
    return below or above or (name in ("$eq", "$lte", "$gte") and left == right)


def _text_branches(
    path: JsonPath, test: str, params: tuple[Any, ...], equality: bool
) -> dict[str, Term]:
    """A test of text, on the value itself and, for an equality, on the elements of a list."""
    text = f"CASE WHEN {path.cut_off} THEN NULL ELSE {path.value} {test} END"
    branches = {"text": Term(text, params)}
    if equality:
        branches["array"] = _element_text(path, test, params)
    return branches


def _element_text(path: JsonPath, test: str, params: tuple[Any, ...]) -> Term:
    """Is a text among the elements of the list at the path?"""
    each = f"json_each({path.column}, {path.literal()})"
    found = f"EXISTS (SELECT 1 FROM {each} AS e WHERE e.type = 'text' AND e.value {test})"
    return Term(f"CASE WHEN {path.cut_off} THEN NULL ELSE {found} END", params)


def _integer(path: JsonPath, name: str, bound: float) -> Term:
    """SQLite compares a 64-bit integer with a double exactly."""
    if bound != bound or (type(bound) is int and not -INT64 <= bound < INT64):  # noqa: PLR0124 (NaN)
        return UNDECIDED
    return Term(f"{path.value} {SIGNS[name]} ?", (bound,))


def _real(path: JsonPath, name: str, bound: float) -> Term:
    """Beyond a margin by value, the bound itself by its text, the rest undecided."""
    if not abs(bound) < 1e300:  # noqa: PLR2004 (room for the margin; NaN too)
        return UNDECIDED
    texts = _double_texts(bound)
    same = Term(f"{path.twice} IN ({marks(texts)})", tuple(texts)) if texts else NO
    if name == "$eq":
        return same
    margin = max(abs(bound) * 1e-12, 1e-300)
    above, below = (1, 0) if name in ("$gt", "$gte") else (0, 1)
    here = 1 if name in ("$gte", "$lte") else 0
    tests = f"WHEN {path.value} > ? THEN {above} WHEN {path.value} < ? THEN {below}"
    params = (bound + margin, bound - margin, *same.params)
    return Term(f"CASE {tests} WHEN {same.sql} THEN {here} END", params)


def _double_texts(bound: float) -> list[str]:
    """How `JsonPath.twice` shows the double that equals `bound`; none where there is none."""
    if float(bound) != bound:
        return []
    texts = ["0.0", "-0.0"] if bound == 0 else [repr(float(bound))]
    return [f"[{text},{text}]" for text in texts]


def _in(path: JsonPath, values: Sequence[Any], _among: Mapping[str, Any]) -> Term:
    texts = [value for value in values if isinstance(value, str)]
    others = [value for value in values if not isinstance(value, str)]
    if len(texts) > MOST or len(others) > 50:  # noqa: PLR2004 (beyond, Python's sets are faster)
        return path.case({"text": UNDECIDED, **dict.fromkeys(_JSON_TYPES, UNDECIDED)}, UNDECIDED)
    terms = [_compared(path, "$eq", value) for value in others]
    if texts:
        branches = _text_branches(path, f"IN ({marks(texts)})", tuple(texts), equality=True)
        terms.append(path.case({"array": UNDECIDED, **branches}, NO))
    return disjunction(terms)


def _type(path: JsonPath, names: Any, _among: Mapping[str, Any]) -> Term:
    wanted = type_numbers(names)
    branches = {
        "integer": disjunction(integer_types(path.kind, path.value, wanted)),
        "real": _included("double", wanted),
        "text": _included("string", wanted),
        "true": _included("bool", wanted),
        "false": _included("bool", wanted),
        "null": _included("null", wanted),
        "array": YES if TYPES["array"] in wanted else UNDECIDED,
        "object": _object_type(path, wanted),
    }
    return path.case(branches, NO)


def _included(name: str, wanted: set[int]) -> Term:
    return YES if TYPES[name] in wanted else NO


def _object_type(path: JsonPath, wanted: set[int]) -> Term:
    """A dict, or a date."""
    as_object, as_date = _included("object", wanted), _included("date", wanted)
    return Term(f"CASE WHEN {path.date} IS NULL THEN {as_object.sql} ELSE {as_date.sql} END")


_MAKERS: dict[str, Callable[[JsonPath, Any, Mapping[str, Any]], Term]] = {
    "$in": _in,
    "$exists": _exists,
    "$type": _type,
    "$size": _size,
    "$elemMatch": _matched,
    "$mod": _mod,
    "$regex": _regex,
}
