"""The workers' own records: who works, on what, and what was asked of them.

A worker writes its record at every heartbeat, and it expires like a lease; `command` is the last
thing that a person asked: stop, drain, pause or resume.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from labq.errors import ConflictError, NotFoundError
from labq.model.task import Document
from labq.store import Change, Now, Store

EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)
STOP, DRAIN, PAUSE, RESUME = "stop", "drain", "pause", "resume"


def beat(store: Store, card: Document, lifetime: float) -> Document:
    """Writes a worker's record, good for `lifetime` seconds; returns it, with what was asked."""
    values = {**card, "heartbeat_at": Now(), "expires_at": Now(lifetime)}
    identity = values.pop("_id")
    return store.workers.put(identity, Change(set=values))


def asked(store: Store, identity: str) -> Document:
    """A worker's record as it is; empty where it was removed."""
    return next(iter(store.workers.find({"_id": identity})), {})


def leave(store: Store, identity: str) -> None:
    """Removes a worker's record: it works no more."""
    store.workers.delete({"_id": identity})


def drop_dead(store: Store) -> int:
    """Removes the records of workers that were not heard of for a lease; returns how many."""
    return store.workers.delete(store.over())


def listed(store: Store, queue: str | None = None) -> list[Document]:
    """The workers that live, the longest at work first; of one queue, or of all."""
    ours: Document = {} if queue is None else {"queue": queue}
    found = store.workers.find({**ours, "$nor": [store.over()]})
    return sorted(found, key=lambda card: (card.get("started_at", EVER), card["_id"]))


def named(store: Store, refs: Sequence[str], queue: str | None = None) -> list[Document]:
    """The living workers that `refs` name: an id, the unique start of one, or a host that has one.

    Raises:
        NotFoundError: one names none.
        ConflictError: one names several; the message lists them.
    """
    living = listed(store, queue)
    chosen: dict[str, Document] = {}
    for ref in refs:
        hits = [card for card in living if card["_id"] == ref] or [
            card for card in living if card["_id"].startswith(ref) or card.get("host") == ref
        ]
        if not hits:
            raise NotFoundError(f"no worker {ref!r} (labq worker ls shows who works)")
        if len(hits) > 1:
            told = ", ".join(card["_id"] for card in hits)
            raise ConflictError(f"{ref!r} names several workers: {told}")
        chosen[hits[0]["_id"]] = hits[0]
    return list(chosen.values())


def command(store: Store, ids: Sequence[str], word: str) -> int:
    """Asks these workers to stop, drain, pause or resume; returns how many were there to ask."""
    change = Change(set={"command": word, "commanded_at": Now()})
    return store.workers.update({"_id": {"$in": list(ids)}}, change)


def pause_queue(store: Store, queue: str, *, paused: bool) -> None:
    """Keeps the workers of a queue from claiming, or lets them again; what runs goes on."""
    change = Change(set={"paused": True, "paused_at": Now()})
    store.queues.put(queue, change if paused else Change(unset=("paused", "paused_at")))


def is_paused(store: Store, queue: str) -> bool:
    """Whether the queue is paused."""
    record: dict[str, Any] = next(iter(store.queues.find({"_id": queue})), {})
    return bool(record.get("paused"))
