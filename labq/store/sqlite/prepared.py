"""A query made ready for SQLite, once for all queries of its shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labq.model.task import FIELDS, Kind
from labq.store.base import Query
from labq.store.sqlite.codec import ALL, quoted
from labq.store.sqlite.query import compile_where

# Fields whose value differs in every query of a worker: it is compiled once for all values.
IDENTITIES = ("_id", "lease.token")


@dataclass(frozen=True)
class Select:
    """The text of a SELECT, the columns it reads, and those of them that are asked for."""

    sql: str
    read: tuple[str, ...]
    shown: tuple[str, ...]


class Compiled:
    """A query's shape in SQL: its identities stand in it as marks."""

    def __init__(self, query: Query, *, careful: bool = False) -> None:
        """With `careful` no SQL looks into JSON, which some row has not where it should."""
        marks = identities(query)
        marked = {**query, **marks}
        self.where = compile_where(_outside(marked) if careful else marked)
        self.exact = self.where.certain is None
        self._fields = tuple(sorted(_fields(query)))
        self._params = (*self.where.certain_params, *self.where.params)
        names = {mark: name for name, mark in marks.items()}
        self._marked = [(at, names[p]) for at, p in enumerate(self._params) if p in names]
        self._selects: dict[tuple[tuple[str, ...], str], Select] = {}

    def params(self, query: Query) -> Sequence[Any]:
        """The parameters of `where.certain` and `where.sql`, for this query."""
        if not self._marked:
            return self._params
        params = list(self._params)
        for at, name in self._marked:
            params[at] = query[name]
        return params

    def select(self, fields: Sequence[str], order: str) -> Select:
        """The SELECT of these fields, all where none is named; certainty comes last in a row."""
        key = (tuple(fields), order)
        if key not in self._selects:
            shown = tuple(dict.fromkeys(("_id", *fields))) if fields else ALL
            read = shown if self.exact else tuple(dict.fromkeys((*shown, *self._fields)))
            certain = "" if self.exact else f", {self.where.certain} IS 1"
            sql = f"SELECT {quoted(read)}{certain} FROM tasks WHERE {self.where.sql}{order}"
            self._selects[key] = Select(sql, read, shown)
        return self._selects[key]


def identities(query: Query) -> dict[str, str]:
    """The identities that the query asks for by one text each -> the marks that stand for them."""
    return {name: f"?{name}" for name in IDENTITIES if type(query.get(name)) is str}


def shape(query: Query) -> str:
    """A text that is the same for queries that differ in their identities alone."""
    return repr({**query, **identities(query)})


def _fields(query: Any) -> set[str]:
    """The top-level fields that a query reads."""
    found: set[str] = set()
    for key, value in query.items():
        if key in ("$and", "$or", "$nor"):
            found.update(*map(_fields, value))
        elif key == "$expr":
            return set(FIELDS)
        else:
            found.add(key.partition(".")[0])
    return found & set(FIELDS)


def _outside(query: Query) -> Query:
    """The query in which every condition within JSON is one that SQL does not know."""
    parts: list[Query] = []
    for name, held in query.items():
        if name in ("$and", "$or", "$nor"):
            parts.append({name: [_outside(part) for part in held]})
        elif FIELDS.get(name.partition(".")[0]) is Kind.JSON and not _asks_presence(name, held):
            parts.append({"$within": name})
        else:
            parts.append({name: held})
    return {"$and": parts} if parts else {}


def _asks_presence(name: str, held: Any) -> bool:
    return name in FIELDS and isinstance(held, dict) and held.keys() == {"$exists"}
