"""Drafts that become arrays at the moment when they are enqueued."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labq.model.arrays import Array
from labq.model.task import Document, Status
from labq.queue.groups import expanded, instances
from labq.queue.lifecycle import CONFIGURATION
from labq.store import Change, Store

KEPT = (*CONFIGURATION, "name", "parent", "group")
SINGLE: Document = {"status": Status.DRAFT.value, "index": {"$exists": False}}
ASKING: Document = {**SINGLE, "resources": {"$exists": True}}


def complete(
    store: Store,
    queue: str,
    query: Document,
    submit: Callable[[Sequence[Document]], object],
    array: Array | None = None,
) -> None:
    """Submits what drafts which match lack of such an array, or of the one that they ask for.

    Each draft becomes the first of its array, still a draft. The others' ids follow from its own:
    where this was cut off, the next enqueue adds what is missing, and nothing twice.
    """
    which = ASKING if array is None else SINGLE
    for draft in store.find({"$and": [query, which], "queue": queue}, steady=True):
        task = {**_configured(draft), "_id": draft["_id"]}
        first, *others = expanded(task) if array is None else instances(task, array)
        if "index" not in first:
            continue
        submit(others)
        place = {field: first[field] for field in ("group", "index", "count")}
        mine = {"_id": draft["_id"], "status": Status.DRAFT.value, "rev": draft["rev"]}
        store.update(mine, Change(set=place, inc={"rev": 1}))


def _configured(draft: Document) -> Document:
    """A new task of this configuration."""
    kept = {field: draft[field] for field in KEPT if field in draft}
    return {**kept, "status": Status.PENDING.value, "retries": 0, "attempt": 0, "rev": 0}
