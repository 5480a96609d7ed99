"""Whether a store and a queue are there, and what there is where one is not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from labq.errors import NotFoundError, StoreError
from labq.store import Store
from labq.values.suggest import hint

if TYPE_CHECKING:
    from labq.queue.selection import Selection

MOST = 8  # words that are listed
SEEN = 10_000  # tasks that are looked at for what there is


def absence(store: Store, queue: str) -> str:
    """Why there are no tasks of that queue, and what there is instead; empty where it is there."""
    if next(iter(store.queues.find({"_id": queue})), None) is not None:
        return ""
    if next(store.find({"queue": queue}, limit=1, fields=("_id",)), None) is not None:
        return ""
    if not store.exists():
        return _no_store(store)
    names = [str(record["_id"]) for record in store.queues.find()]
    if not names:
        return f"no queue {queue!r} yet (labq task submit makes it)"
    return f"no queue {queue!r}{_instead(queue, names)}"


def missed(store: Store, queue: str, said: Selection) -> str:
    """Which name or project that was asked for no task of the queue has; empty where each is one's.

    It is for who found nothing: it looks through the queue.
    """
    for noun, field, words in (("name", "name", said.names), ("project", "project", said.projects)):
        there: list[str] = []
        if words:
            some = {"queue": queue, field: {"$exists": True}}
            found = store.find(some, sort=[("number", -1)], fields=(field,), limit=SEEN)
            there = list(dict.fromkeys(task[field] for task in found))
        for word in words:
            text = word.strip("/") if field == "project" else word
            if not any(one == text or one.startswith(f"{text}/") for one in there):
                return f"no task has the {noun} {word!r}{_instead(text, there)}"
    return ""


def _instead(word: str, there: Sequence[str]) -> str:
    """What there is: the nearest word, and some of all."""
    if not there:
        return ""
    more = f" and {len(there) - MOST:,} more" if len(there) > MOST else ""
    return f"{hint(word, there)} (there {_is(there)} {', '.join(there[:MOST])}{more})"


def _is(words: Collection[str]) -> str:
    return "is" if len(words) == 1 else "are"


def require_store(store: Store) -> None:
    """Refuses a store that is not there.

    Raises:
        StoreError: it says how one is made.
    """
    if not store.exists():
        raise StoreError(_no_store(store))


def require_queue(store: Store, queue: str) -> None:
    """Refuses a queue that is not there.

    Raises:
        NotFoundError: it names those that are.
    """
    if why := absence(store, queue):
        raise NotFoundError(why)


def _no_store(store: Store) -> str:
    return f"there is no store {store.address} yet (labq task submit makes it)"
