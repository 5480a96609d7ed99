"""A query made ready for SQLite, once for all queries of its shape."""

from __future__ import annotations

from typing import Any

from labq.store.base import Query
from labq.store.sqlite_query import compile_where
from labq.task import FIELDS

# Fields whose value differs in every query of a worker: it is compiled once for all values.
IDENTITIES = ("_id", "lease.token")


class Compiled:
    """A query's shape in SQL: its identities stand in it as marks."""

    def __init__(self, query: Query) -> None:
        self.where = compile_where({**query, **identities(query)})
        self.fields = tuple(sorted(_fields(query)))
        self.exact = self.where.certain is None

    def params(self, query: Query) -> tuple[Any, ...]:
        """The parameters of `where.certain` and `where.sql`, for this query."""
        marks = {mark: query[name] for name, mark in identities(query).items()}
        return tuple(marks.get(p, p) for p in (*self.where.certain_params, *self.where.params))


def identities(query: Query) -> dict[str, str]:
    """The identities that the query asks for by one text each -> the marks that stand for them."""
    return {name: f"?{name}" for name in IDENTITIES if isinstance(query.get(name), str)}


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
