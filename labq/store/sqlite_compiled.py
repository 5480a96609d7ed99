"""A query made ready for SQLite: its SQL, and the Python that decides what SQL cannot."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from labq.filters import matcher
from labq.store.base import Query
from labq.store.sqlite_query import compile_where
from labq.task import FIELDS, Document


class Compiled:
    """A query in SQL, and in Python where SQL cannot decide."""

    def __init__(self, query: Query) -> None:
        self.where = compile_where(query)
        self.fields = tuple(sorted(_fields(query)))
        self._text = query

    @cached_property
    def matches(self) -> Callable[[Document], bool]:
        """Whether a document with at least `fields` matches, as mongod would decide."""
        return matcher(self._text)


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
