"""Where tasks are kept: SQLite for one machine, MongoDB for a lab, one contract."""

from __future__ import annotations

from labq.errors import UsageError
from labq.store.base import Change, Now, Query, Run, Sort, Store

__all__ = ["Change", "Now", "Query", "Run", "Sort", "Store", "open_store"]


def open_store(uri: str) -> Store:
    """The store that `uri` names; only now is its library imported.

    Raises:
        UsageError: no store has such a URI.
        StoreError: it cannot be reached or opened.
    """
    if uri.startswith("sqlite:"):
        from labq.store.sqlite import SQLiteStore

        return SQLiteStore(uri.removeprefix("sqlite:"))
    if uri.startswith(("mongodb://", "mongodb+srv://")):
        from labq.store.mongodb import MongoStore

        return MongoStore(uri)
    raise UsageError(f"no store has the URI scheme {uri.partition(':')[0]!r}")
