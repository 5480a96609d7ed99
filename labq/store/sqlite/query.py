"""MongoDB query documents -> SQL over the table `tasks`, and which rows SQL cannot decide.

SQL decides what it can decide exactly: equality, ordering and membership on the scalar columns, and
on what a path through dicts alone reaches in a JSON column. It leaves undecided what it would get
wrong or cannot say: most lists on a path or at its end, equality of dicts, regular expressions
other than plain text, `$expr`, and a double within a hair of a bound that is not the bound itself,
since SQLite's reading of a double may be off in its last bit.

Every condition becomes an expression of SQL's own three-valued logic: 1 certainly matches, 0
certainly does not, NULL is undecided; AND, OR and NOT then carry certainty by themselves. A
condition on scalar columns alone is exact where a WHERE reads NULL as no, and keeps the plain form
that indexes serve. `labq.filters.matcher` decides the rows that are left undecided.

The table has one column per field of `labq.model.task.FIELDS`: dates are milliseconds since the
epoch, JSON is the text of `json.dumps(..., ensure_ascii=False, separators=(",", ":"))` with dates
as `{"$date": milliseconds}`, and a field without a value is NULL. Numbers in JSON are finite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labq.clock import to_ms
from labq.filters.operators import TYPES
from labq.model.sound import OddId
from labq.model.task import FIELDS, Kind, Status
from labq.store.sqlite.codec import to_text
from labq.store.sqlite.json_terms import json_leaf
from labq.store.sqlite.terms import (
    INT64,
    MOST,
    NO,
    SIGNS,
    UNDECIDED,
    YES,
    Term,
    conjunction,
    disjunction,
    integer_types,
    marks,
    negation,
    text_search,
    two_valued,
    type_numbers,
)
from labq.values.batches import batches

FEW = 100  # values that are named one by one
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


_IDS = '"_id" IN ('


def compile_where(query: Mapping[str, Any]) -> Where:
    """The WHERE of a query document."""
    terms = [*_presences(query), *_clauses(query)]
    exact = [term for term in terms if term.exact and term != YES]
    if any(_IDS in term.sql for term in exact):  # SQLite would take any other index to be better
        exact = [
            t if _IDS in t.sql else Term(f"({t.sql}) IS TRUE", t.params, depth=t.depth + 1)
            for t in exact
        ]
    open_terms = [term for term in terms if not term.exact]
    possible = [Term(f"({term.sql}) IS NOT 0", term.params) for term in open_terms]
    whole = conjunction([*exact, *possible])
    if not open_terms:
        return Where(whole.sql, whole.params)
    sure = conjunction([two_valued(term) for term in open_terms])
    return Where(whole.sql, whole.params, sure.sql, sure.params)


def compile_order(sort: Sequence[tuple[str, int]]) -> str | None:
    """The ORDER BY of `[(field, 1 or -1), ...]`, or None where SQL orders otherwise than mongod.

    On scalar columns the two agree: NULL comes first ascending and last descending, text is
    compared byte by byte, numbers by their value.
    """
    if any(FIELDS.get(field, Kind.JSON) is Kind.JSON for field, _ in sort):
        return None
    return ", ".join(f'"{field}" {"ASC" if way > 0 else "DESC"}' for field, way in sort)


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


def _presences(query: Mapping[str, Any]) -> list[Term]:
    """That the JSON columns are there which a match needs: what a partial index goes by."""
    found: list[Term] = []
    for name, held in query.items():
        if name == "$and":
            found += [term for part in held for term in _presences(part)]
        elif _kind(name) is Kind.JSON and _needs_value(held):
            found.append(_there(name.partition(".")[0]))
    return found


def _needs_value(held: Any) -> bool:
    """Does a condition never hold where there is nothing? False where that is not plain."""
    if not isinstance(held, Mapping) or not next(iter(held), "").startswith("$"):
        return held is not None
    compared = any(held.get(name) is not None for name in SIGNS)
    return compared or bool(held.get("$exists")) or None not in held.get("$in", (None,))


def _kind(path: str) -> Kind | None:
    return FIELDS.get(path.partition(".")[0])


def _there(field: str) -> Term:
    return Term(f'"{field}" IS NOT NULL')


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
        return _exists(path, value, among)
    if name == "$all":
        every = [term for item in value for term in _field(path, item)]
        return conjunction(every) if value else NO
    if name == "$options":
        return YES
    return _leaf(path, name, value, among)


def _exists(path: str, value: Any, among: Mapping[str, Any]) -> Term:
    """A whole column is there or not: in the words of the partial indexes."""
    if path in FIELDS:
        return _there(path) if value else Term(f'"{path}" IS NULL')
    found = _leaf(path, "$exists", value, among)
    return found if value else negation(found)


def _leaf(path: str, name: str, value: Any, among: Mapping[str, Any]) -> Term:
    """One operator on one path."""
    field, _, rest = path.partition(".")
    kind = _kind(path)
    if kind is Kind.JSON:
        return json_leaf(field, tuple(rest.split(".")) if rest else (), name, value, among)
    if kind is None or rest:  # nothing is there
        nothing = value is None or (name == "$in" and None in value)
        return YES if nothing and name in ("$eq", "$gte", "$lte", "$in") else NO
    column = Column(f'"{field}"', kind)
    if name in SIGNS:
        return _compared(column, name, value)
    maker = _MAKERS.get(name)
    return maker(column, value, among) if maker else NO  # it holds no lists


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


def _compared(column: Column, name: str, value: Any) -> Term:
    """`$eq` and the orderings."""
    if value is None:
        return NO if name in ("$gt", "$lt") else Term(f"{column.sql} IS NULL")
    if not column.holds(value):
        return NO
    if type(value) is int and not -INT64 <= value < INT64:
        return UNDECIDED
    if column.sql == '"status"' and name == "$eq" and value in _STATUSES:
        return Term(f"\"status\" = '{value}'")  # a partial index serves no parameter
    sql = f"CAST({column.sql} AS BLOB)" if isinstance(value, OddId) else column.sql
    if name in ("$gt", "$gte") and column.kind is not Kind.TEXT:
        return Term(f"({sql} {SIGNS[name]} ? AND {sql} < '')", (_param(value),))  # text is above
    return Term(f"{sql} {SIGNS[name]} ?", (_param(value),))


def _param(value: Any) -> Any:
    if isinstance(value, OddId):
        return value.raw
    return to_ms(value) if isinstance(value, datetime) else value


def _in(column: Column, values: Sequence[Any], _among: Mapping[str, Any]) -> Term:
    odd = [value for value in values if isinstance(value, OddId)]
    fitting = [_param(value) for value in values if column.holds(value) and value not in odd]
    if any(type(value) is int and not -INT64 <= value < INT64 for value in fitting):
        return UNDECIDED
    if len(fitting) > FEW and column.kind is Kind.TEXT and not any("\0" in one for one in fitting):
        # one parameter for all: a text of SQL with thousands of marks takes longer to read
        terms = [Term(f"{column.sql} IN (SELECT value FROM json_each(?))", (to_text(fitting),))]
    else:
        chunks = batches(fitting, MOST)
        terms = [Term(f"{column.sql} IN ({marks(chunk)})", tuple(chunk)) for chunk in chunks]
    terms += [_compared(column, "$eq", value) for value in odd]
    if None in values:
        terms.append(Term(f"{column.sql} IS NULL"))
    return disjunction(terms)


def _type(column: Column, names: Any, _among: Mapping[str, Any]) -> Term:
    wanted = type_numbers(names)
    if column.kind in (Kind.TEXT, Kind.DATE):
        number = TYPES["string" if column.kind is Kind.TEXT else "date"]
        return Term(f"{column.sql} IS NOT NULL") if number in wanted else NO
    parts = [Term(f"typeof({column.sql}) = 'real'")] if TYPES["double"] in wanted else []
    return disjunction([*parts, *integer_types(f"typeof({column.sql})", column.sql, wanted)])


def _regex(column: Column, pattern: str, among: Mapping[str, Any]) -> Term:
    if column.kind is not Kind.TEXT:
        return NO
    found = text_search(column.sql, pattern, among, f"instr({column.sql}, char(0))")
    return found or _open(column)


def _mod(column: Column, value: Any, _among: Mapping[str, Any]) -> Term:
    divisor, rest = (int(part) for part in value)
    if column.kind is Kind.INT:
        return Term(f"{column.sql} % ? = ?", (divisor, rest))
    return _open(column) if column.kind is Kind.NUMBER else NO


def _open(column: Column) -> Term:
    """Undecided wherever there is a value."""
    return Term(f"CASE WHEN {column.sql} IS NULL THEN 0 END", exact=False)


_MAKERS: dict[str, Callable[[Column, Any, Mapping[str, Any]], Term]] = {
    "$in": _in,
    "$type": _type,
    "$regex": _regex,
    "$mod": _mod,
}
