"""Drafts whose resources ask for several instances, at the moment when they are enqueued."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labq.queue.groups import expanded
from labq.queue.lifecycle import CONFIGURATION
from labq.store import Change, Store
from labq.task import Document, Status

KEPT = (*CONFIGURATION, "name", "parent", "group")
ASKING: Document = {
    "status": Status.DRAFT.value,
    "resources": {"$exists": True},
    "index": {"$exists": False},
}


def complete(
    store: Store, queue: str, query: Document, submit: Callable[[Sequence[Document]], object]
) -> None:
    """Submits the instances that drafts which match ask for beside themselves.

    Each draft becomes the first of its array, still a draft. The others' ids follow from its own:
    where this was cut off, the next enqueue adds what is missing, and nothing twice.
    """
    for draft in store.find({"$and": [query, ASKING], "queue": queue}, steady=True):
        first, *others = expanded({**_configured(draft), "_id": draft["_id"]})
        if not others:
            continue
        submit(others)
        place = {field: first[field] for field in ("group", "index", "count")}
        mine = {"_id": draft["_id"], "status": Status.DRAFT.value, "rev": draft["rev"]}
        store.update(mine, Change(set=place, inc={"rev": 1}))


def _configured(draft: Document) -> Document:
    """A new task of this configuration."""
    kept = {field: draft[field] for field in KEPT if field in draft}
    return {**kept, "status": Status.PENDING.value, "retries": 0, "attempt": 0, "rev": 0}
