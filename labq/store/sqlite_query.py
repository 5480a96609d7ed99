"""MongoDB query documents -> SQL over the table `tasks`, and which rows SQL cannot decide.

SQL decides what it can decide exactly: equality, ordering and membership on the scalar columns, and
on what a path through dicts alone reaches in a JSON column. It leaves undecided what it would get
wrong or cannot say: most lists on a path or at its end, equality of dicts, regular expressions other
than plain text, `$expr`, and a double within a hair of a bound that is not the bound itself, since
SQLite's reading of a double may be off in its last bit.

Every condition becomes an expression of SQL's own three-valued logic: 1 certainly matches, 0
certainly does not, NULL is undecided; AND, OR and NOT then carry certainty by themselves. A
condition on scalar columns alone is exact where a WHERE reads NULL as no, and keeps the plain form
that indexes serve. `labq.filters.matcher` decides the rows that are left undecided.

The table has one column per field of `labq.task.FIELDS`: dates are milliseconds since the epoch,
JSON is the text of `json.dumps(..., ensure_ascii=False, separators=(",", ":"))` with dates as
`{"$date": milliseconds}`, and a field without a value is NULL. Numbers in JSON are finite.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labq.clock import to_ms
from labq.filters.operators import TYPES
from labq.filters.regex import literal
from labq.task import FIELDS, Kind, Status

_SIGNS = {"$eq": "=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_MOST = 500  # values of one `IN (...)`, and terms of one chain: SQLite's trees are 1000 deep
_PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f$][^"\\\x00-\x1f]*')
_JSON_TYPES = ("integer", "real", "text", "true", "false", "null", "object", "array")
_INT64 = 2**63
_STATUSES = frozenset(status.value for status in Status)


@dataclass(frozen=True)
class Where:
    """`sql` holds for every row that matches; the rows where `certain` holds need no second look.

    `certain` is None where `sql` is exact.
    """

    sql: str
    params: tuple[Any, ...]
    certain: str | None = None
    certain_params: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Term:
    """A condition as SQL. If `exact`, NULL means no; if not, NULL means undecided."""

    sql: str
    params: tuple[Any, ...] = ()
    exact: bool = True


YES, NO, UNDECIDED = Term("1"), Term("0"), Term("NULL", exact=False)


def compile_where(query: Mapping[str, Any]) -> Where:
    """The WHERE of a query document."""
    terms = _clauses(query)
    exact = [term for term in terms if term.exact and term != YES]
    open_terms = [term for term in terms if not term.exact]
    possible = [Term(f"({term.sql}) IS NOT 0", term.params) for term in open_terms]
    whole = conjunction([*exact, *possible])
    if not open_terms:
        return Where(whole.sql, whole.params)
    sure = conjunction([_two_valued(term) for term in open_terms])
    return Where(whole.sql, whole.params, sure.sql, sure.params)


def compile_order(sort: Sequence[tuple[str, int]]) -> str | None:
    """The ORDER BY of `[(field, 1 or -1), ...]`, or None where SQL orders otherwise than mongod.

    On scalar columns the two agree: NULL comes first ascending and last descending, text is
    compared byte by byte, numbers by their value.
    """
    if any(FIELDS.get(field, Kind.JSON) is Kind.JSON for field, _ in sort):
        return None
    return ", ".join(f'"{field}" {"ASC" if way > 0 else "DESC"}' for field, way in sort)


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
        return Term(f"({term.sql}) IS NOT TRUE", term.params)
    return Term(f"NOT ({term.sql})", term.params, exact=False)


def _joined(terms: list[Term], word: str, empty: Term) -> Term:
    if len(terms) < 2:  # noqa: PLR2004 (nothing to join)
        return terms[0] if terms else empty
    if len(terms) > 8:  # noqa: PLR2004 (halves of halves stay far from SQLite's limit)
        half = len(terms) // 2
        terms = [_joined(terms[:half], word, empty), _joined(terms[half:], word, empty)]
    exact = all(term.exact for term in terms)
    parts = terms if exact else [_two_valued(term) if term.exact else term for term in terms]
    params = tuple(param for part in parts for param in part.params)
    return Term(word.join(f"({part.sql})" for part in parts), params, exact)


def _two_valued(term: Term) -> Term:
    """1 where it certainly holds, else 0."""
    return Term(f"({term.sql}) IS TRUE", term.params)


def _clauses(query: Mapping[str, Any]) -> list[Term]:
    """The terms that all must hold, those of `$and` among them."""
    found: list[Term] = []
    for name, held in query.items():
        if name == "$and":
            found += [term for part in held for term in _clauses(part)]
        elif name in ("$or", "$nor"):
            either = disjunction([conjunction(_clauses(part)) for part in held])
            found.append(either if name == "$or" else negation(either))
        elif name.startswith("$"):
            found.append(UNDECIDED)
        else:
            found += _field(name, held)
    return found


def _field(path: str, held: Any) -> list[Term]:
    if isinstance(held, Mapping) and next(iter(held), "").startswith("$"):
        return [_operator(path, name, value, held) for name, value in held.items()]
    return [_leaf(path, "$eq", held, {})]


def _operator(path: str, name: str, value: Any, among: Mapping[str, Any]) -> Term:
    if name in ("$ne", "$nin"):
        return negation(_leaf(path, "$eq" if name == "$ne" else "$in", value, among))
    if name == "$not":
        return negation(conjunction(_field(path, value)))
    if name == "$exists":
        found = _leaf(path, name, value, among)
        return found if value else negation(found)
    if name == "$all":
        every = [term for item in value for term in _field(path, item)]
        return conjunction(every) if value else NO
    if name == "$options":
        return YES
    return _leaf(path, name, value, among)


def _leaf(path: str, name: str, value: Any, among: Mapping[str, Any]) -> Term:
    """One operator on one path."""
    field, _, rest = path.partition(".")
    kind = FIELDS.get(field)
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return UNDECIDED
    if kind is Kind.JSON:
        keys = rest.split(".") if rest else []
        if not all(_PLAIN_KEY.fullmatch(key) for key in keys):
            return UNDECIDED
        return _json_leaf(JsonPath(field, tuple(keys)), name, value, among)
    if kind is None or rest:  # nothing is there
        nothing = value is None or (name == "$in" and None in value)
        return YES if nothing and name in ("$eq", "$gte", "$lte", "$in") else NO
    return _column_leaf(Column(f'"{field}"', kind), name, value, among)


@dataclass(frozen=True)
class Column:
    """A scalar column."""

    sql: str
    kind: Kind

    def holds(self, value: Any) -> bool:
        """Is a value of this kind comparable with the column?"""
        if self.kind is Kind.TEXT:
            return isinstance(value, str)
        if self.kind is Kind.DATE:
            return isinstance(value, datetime)
        return type(value) in (int, float) and value == value  # noqa: PLR0124 (no NaN)


def _column_leaf(column: Column, name: str, value: Any, among: Mapping[str, Any]) -> Term:
    if column.sql == '"status"' and name == "$eq" and value in _STATUSES:
        return Term(
            f"\"status\" = '{value}'"
        )  # a literal, since a partial index serves no parameter
    if value is None and name in ("$eq", "$gte", "$lte"):
        return Term(f"{column.sql} IS NULL")
    if name in _SIGNS:
        if not column.holds(value):
            return NO
        return Term(f"{column.sql} {_SIGNS[name]} ?", (_param(value),))
    if name == "$in":
        return _column_in(column, value)
    if name == "$exists":
        return Term(f"{column.sql} IS NOT NULL")
    if name == "$type":
        return _column_type(column, value)
    if name == "$regex" and column.kind is Kind.TEXT:
        zero = f"instr({column.sql}, char(0))"
        return _text_search(column.sql, value, among, zero) or Term(
            f"CASE WHEN {column.sql} IS NULL THEN 0 END", exact=False
        )
    if name == "$mod" and column.kind is Kind.INT:
        divisor, rest = (int(part) for part in value)
        return Term(f"{column.sql} % ? = ?", (divisor, rest))
    if name == "$mod" and column.kind is Kind.NUMBER:
        return Term(f"CASE WHEN {column.sql} IS NULL THEN 0 END", exact=False)
    return NO  # text, numbers and dates are no lists


def _param(value: Any) -> Any:
    return to_ms(value) if isinstance(value, datetime) else value


def _column_in(column: Column, values: Sequence[Any]) -> Term:
    fitting = [_param(value) for value in values if column.holds(value)]
    if any(isinstance(value, int) and not -_INT64 <= value < _INT64 for value in fitting):
        return UNDECIDED
    chunks = [fitting[at : at + _MOST] for at in range(0, len(fitting), _MOST)]
    terms = [Term(f"{column.sql} IN ({_marks(chunk)})", tuple(chunk)) for chunk in chunks]
    if None in values:
        terms.append(Term(f"{column.sql} IS NULL"))
    return disjunction(terms)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _column_type(column: Column, names: Any) -> Term:
    wanted = _type_numbers(names)
    if column.kind in (Kind.TEXT, Kind.DATE):
        number = TYPES["string" if column.kind is Kind.TEXT else "date"]
        return Term(f"{column.sql} IS NOT NULL") if number in wanted else NO
    parts = [Term(f"typeof({column.sql}) = 'real'")] if TYPES["double"] in wanted else []
    return disjunction([*parts, *_integer_types(f"typeof({column.sql})", column.sql, wanted)])


def _integer_types(type_of: str, value: str, wanted: set[int]) -> list[Term]:
    """Integers are `int` within 32 bits and `long` beyond, as pymongo writes them."""
    small = f"{value} BETWEEN -2147483648 AND 2147483647"
    found = [f"{type_of} = 'integer' AND {small}"] if TYPES["int"] in wanted else []
    if TYPES["long"] in wanted:
        found.append(f"{type_of} = 'integer' AND NOT {small}")
    return [Term(sql) for sql in found]


def _type_numbers(names: Any) -> set[int]:
    listed = names if isinstance(names, list) else [names]
    wanted = {
        TYPES[name] if isinstance(name, str) else int(name) for name in listed if name != "number"
    }
    if "number" in listed:
        wanted |= {TYPES[name] for name in ("double", "int", "long")}
    return wanted


def _text_search(sql: str, pattern: str, among: Mapping[str, Any], zero: str) -> Term | None:
    """A pattern that is plain text, as a search; None for any other."""
    found = literal(pattern, among.get("$options", ""))
    if found is None:
        return None
    if found.start and found.end:
        test, params = f"{sql} = ?", (found.text,)
    elif found.start or found.end:
        part = f"1, {len(found.text)}" if found.start else f"-{len(found.text)}"
        test, params = f"substr({sql}, {part}) = ?", (found.text,)
    else:
        test, params = f"instr({sql}, ?) > 0", (found.text,)
    if not found.text:
        test, params = f"{sql} IS NOT NULL", ()
    sure = f"CASE WHEN {sql} IS NULL THEN 0 WHEN {zero} THEN NULL ELSE {test} END"
    return Term(sure, params, exact=False)


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
        lists = [f"substr({self.column}, 1, 1) = '['"]
        for depth in range(1, len(self.keys)):
            lists.append(f"json_type({self.column}, {self.literal(depth)}) = 'array'")
        return f"CASE WHEN {' OR '.join(lists)} THEN NULL ELSE {missing.sql} END"


def _json_leaf(path: JsonPath, name: str, value: Any, among: Mapping[str, Any]) -> Term:
    if name == "$in":
        return _json_in(path, value)
    if name in _SIGNS:
        return _json_compared(path, name, value)
    if name == "$exists":
        return path.case(dict.fromkeys(_JSON_TYPES, YES), NO)
    if name == "$type":
        return _json_type(path, value)
    if name == "$size":
        length = f"json_array_length({path.column}, {path.literal()}) = ?"
        return path.case({"array": Term(length, (int(value),))}, NO)
    if name == "$elemMatch":
        return path.case({"array": _element(path, value)}, NO)
    if name == "$mod":
        divisor, rest = (int(part) for part in value)
        whole = Term(f"{path.value} % ? = ?", (divisor, rest))
        return path.case({"integer": whole, "real": UNDECIDED, "array": UNDECIDED}, NO)
    if name == "$regex":
        found = _text_search(path.value, value, among, path.cut_off) or UNDECIDED
        return path.case({"text": found, "array": UNDECIDED}, NO)
    return UNDECIDED


def _json_compared(path: JsonPath, name: str, bound: Any) -> Term:
    """`$eq` and the orderings, which hold between values of one kind alone."""
    branches = {"array": UNDECIDED}
    if bound is None:
        if name in ("$gt", "$lt"):
            return path.case(branches, NO)
        return path.case({**dict.fromkeys(_JSON_TYPES, NO), "null": YES, **branches}, YES)
    if isinstance(bound, bool):
        for held in (True, False):
            word = str(held).lower()
            branches[word] = YES if _holds(name, held, bound) else NO
    elif isinstance(bound, datetime):
        test = f"COALESCE({path.date} {_SIGNS[name]} ?, 0)"
        branches["object"] = Term(test, (to_ms(bound),))
    elif isinstance(bound, str):
        branches.update(_text_branches(path, f"{_SIGNS[name]} ?", (bound,), name == "$eq"))
    elif isinstance(bound, (int, float)):
        branches["integer"] = _integer(path, name, bound)
        branches["real"] = _real(path, name, bound)
    else:
        branches["object"] = UNDECIDED
    return path.case(branches, NO)


def _holds(name: str, left: Any, right: Any) -> bool:
    return bool(
        {"$eq": left == right, "$gt": left > right, "$lt": left < right}.get(
            name, left >= right if name == "$gte" else left <= right
        )
    )


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


def _element(path: JsonPath, conditions: Mapping[str, Any]) -> Term:
    """`$elemMatch` with one text, which is how `"x" in tags` reads."""
    if list(conditions) == ["$eq"] and isinstance(conditions["$eq"], str):
        return _element_text(path, "= ?", (conditions["$eq"],))
    return UNDECIDED


def _integer(path: JsonPath, name: str, bound: float) -> Term:
    """SQLite compares a 64-bit integer with a double exactly."""
    if bound != bound:  # noqa: PLR0124 (NaN)
        return UNDECIDED
    return Term(f"{path.value} {_SIGNS[name]} ?", (bound,))


def _real(path: JsonPath, name: str, bound: float) -> Term:
    """Beyond a margin by value, the bound itself by its text, the rest undecided."""
    if not abs(bound) < 1e300:  # noqa: PLR2004 (room for the margin; NaN too)
        return UNDECIDED
    texts = _double_texts(bound)
    same = Term(f"{path.twice} IN ({_marks(texts)})", tuple(texts)) if texts else NO
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


def _json_in(path: JsonPath, values: Sequence[Any]) -> Term:
    texts = [value for value in values if isinstance(value, str)]
    others = [value for value in values if not isinstance(value, str)]
    if len(texts) > _MOST or len(others) > 50:  # noqa: PLR2004 (beyond, Python's sets are faster)
        return path.case({"text": UNDECIDED, **dict.fromkeys(_JSON_TYPES, UNDECIDED)}, UNDECIDED)
    terms = [_leaf(".".join((path.field, *path.keys)), "$eq", value, {}) for value in others]
    if texts:
        branches = _text_branches(path, f"IN ({_marks(texts)})", tuple(texts), equality=True)
        terms.append(path.case({"array": UNDECIDED, **branches}, NO))
    return disjunction(terms)


def _json_type(path: JsonPath, names: Any) -> Term:
    wanted = _type_numbers(names)
    branches = {
        "integer": disjunction(_integer_types(path.kind, path.value, wanted)),
        "real": _among("double", wanted),
        "text": _among("string", wanted),
        "true": _among("bool", wanted),
        "false": _among("bool", wanted),
        "null": _among("null", wanted),
        "array": YES if TYPES["array"] in wanted else UNDECIDED,
        "object": _object_type(path, wanted),
    }
    return path.case(branches, NO)


def _among(name: str, wanted: set[int]) -> Term:
    return YES if TYPES[name] in wanted else NO


def _object_type(path: JsonPath, wanted: set[int]) -> Term:
    """A dict, or a date."""
    as_object, as_date = _among("object", wanted), _among("date", wanted)
    return Term(f"CASE WHEN {path.date} IS NULL THEN {as_object.sql} ELSE {as_date.sql} END")
