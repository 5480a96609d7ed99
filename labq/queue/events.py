"""What becomes of the tasks of a queue, as it is told to those who follow it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from labq.errors import StoreError, UnusableError
from labq.model.task import Document
from labq.store import Store
from labq.values.batches import batches

LOOK = 0.2  # seconds between two looks where no news of the store comes before
RETRY = 1.0  # seconds until a store that was away is asked again
AT_ONCE = 500  # events whose tasks are looked up together


def _silent(_text: str) -> None:
    """Tells nobody."""


def events(
    store: Store, queue: str, since: str | None = None, query: Document | None = None
) -> Iterator[Document]:
    """What was until now, the oldest first, from the token `since` on or from the beginning.

    With a query, only that of tasks that match it as they are now; a task that was removed matches
    none.
    """
    for event, wanted in _judged(store, store.events(queue, since), query):
        if wanted:
            yield event


def follow(
    store: Store,
    queue: str,
    since: str | None = None,
    query: Document | None = None,
    say: Callable[[str], None] = _silent,
) -> Iterator[Document]:
    """As `events`, and then what happens, for ever; from now on where there is no `since`.

    An outage of the store is waited out, and told of once; nothing is lost by it.
    """
    token = store.newest_event(queue) if since is None else since
    watch, away = store.watch(queue), False
    try:
        while True:
            try:
                for event, wanted in _judged(store, store.events(queue, token), query):
                    token = event["token"]
                    if wanted:
                        yield event
                away = False
            except UnusableError:
                raise
            except StoreError as error:
                if not away:
                    say(f"cannot see what happens for now: {error}")
                away = True
                time.sleep(RETRY)
            watch.wait(LOOK)
    finally:
        watch.close()


def _judged(
    store: Store, found: Iterator[Document], query: Document | None
) -> Iterator[tuple[Document, bool]]:
    """Each event, and whether its task matches; what was missed is told by the next that does."""
    missed = False
    for some in batches(found, AT_ONCE):
        ids = list({event["task"] for event in some})
        wanted = set(ids)
        if query is not None:
            matching: Document = {"$and": [query, {"_id": {"$in": ids}}]}
            wanted = {task["_id"] for task in store.find(matching, fields=("_id",))}
        for event in some:
            missed = missed or "missed" in event
            fits = event["task"] in wanted
            yield ({**event, "missed": True} if missed else event), fits
            missed = missed and not fits
