"""Where tasks are kept: SQLite for one machine, MongoDB for a lab, one contract."""

from __future__ import annotations

from weakref import WeakSet

from labq.errors import UsageError
from labq.store.base import Change, Now, Query, Run, Sort, Store

__all__ = [
    "Change",
    "Now",
    "Query",
    "Run",
    "Sort",
    "Store",
    "find_store",
    "leave_stores",
    "open_store",
]

_OPENED: WeakSet[Store] = WeakSet()  # by this process


def open_store(uri: str) -> Store:
    """The store that `uri` names, made if need be; only now is its library imported.

    Raises:
        UsageError: no store has such a URI.
        StoreError: it cannot be reached or opened.
    """
    return _opened(uri, make=True)


def find_store(uri: str) -> Store:
    """The store that `uri` names, which is made only where something is put into it.

    Raises as `open_store` does.
    """
    return _opened(uri, make=False)


def _opened(uri: str, *, make: bool) -> Store:
    store: Store
    if uri.startswith("sqlite:"):
        from labq.store.sqlite.store import SQLiteStore

        store = SQLiteStore(uri.removeprefix("sqlite:"), make=make)
    elif uri.startswith(("mongodb://", "mongodb+srv://")):
        from labq.store.mongodb.store import MongoStore

        store = MongoStore(uri)
    else:
        raise UsageError(f"no store has the URI scheme {uri.partition(':')[0]!r}")
    _OPENED.add(store)
    return store


def leave_stores() -> None:
    """Leaves every store that is open, before the process ends at once: see `Store.leave`."""
    for store in list(_OPENED):
        store.leave()
