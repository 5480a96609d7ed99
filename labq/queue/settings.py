"""The queues' own records: what a person says of a queue, and a queue as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labq.command.words import normalised, text_of
from labq.config import KEYS
from labq.errors import ConflictError, NotFoundError, UsageError
from labq.model.sound import MALFORMED
from labq.model.task import UNSEALED, Document, Status, checked
from labq.queue.dependencies import settle
from labq.queue.hooks import hook_text
from labq.queue.presence import require_queue
from labq.queue.removal import remove
from labq.queue.retention import removable
from labq.queue.verbs import collect
from labq.store import Change, Now, Store
from labq.store.base import KEYED_AS
from labq.store.refusals import quota_exceeded
from labq.values.batches import batches
from labq.values.text import shortened

# What a person may say of a queue; None takes it back.
SETTINGS = ("description", "max_tasks", "defaults.timeout", "defaults.retention", "on_finish")
CHUNK = 1000  # ids of one query
RUNNING: Document = {"status": Status.RUNNING.value}
PUBLISHED: Document = {"published_at": {"$exists": True}}


def record_of(store: Store, queue: str) -> Document | None:
    """The record of a queue; None where there is no such queue."""
    return next(iter(store.queues.find({"_id": queue})), None)


def keyed_as(store: Store, queue: str) -> str:
    """The name that the keys of its tasks go by: the one that it began with, before any rename."""
    return str((record_of(store, queue) or {}).get(KEYED_AS, queue))


def create(store: Store, queue: str, settings: Mapping[str, Any]) -> Document:
    """Makes a queue before its first task; returns its record.

    Raises:
        ConflictError: it is there already.
        UsageError: a setting cannot be so.
    """
    values = _checked(settings)
    if record_of(store, queue) is not None:
        raise ConflictError(f"queue {queue} is there already (labq queue update changes it)")
    kept = {name: value for name, value in values.items() if value is not None}
    return store.queues.put(queue, Change(set={**kept, "created_at": Now()}))


def update(store: Store, queue: str, settings: Mapping[str, Any]) -> Document:
    """Changes what the settings name, and takes back those that are None; returns the record.

    A limit below what is there removes no task.

    Raises:
        NotFoundError: there is no such queue.
        UsageError: a setting cannot be so.
    """
    values = _checked(settings)
    require_queue(store, queue)
    record = record_of(store, queue) or {}
    kept = {name: value for name, value in values.items() if value is not None}
    gone = [name for name, value in values.items() if value is None]
    if "defaults" in record.get(MALFORMED, {}):  # nothing can be put into what is there
        inner = {name: kept.pop(name) for name in list(kept) if name.startswith("defaults.")}
        if inner:
            kept["defaults"] = {name.removeprefix("defaults."): v for name, v in inner.items()}
        gone = [name for name in gone if not name.startswith("defaults.")]
    return store.queues.put(queue, Change(set=kept, unset=gone))


def _checked(settings: Mapping[str, Any]) -> Document:
    """The settings as a record holds them."""
    found: Document = {}
    for name, value in settings.items():
        if name not in SETTINGS:
            raise UsageError(f"a queue has no {name!r} (it has {', '.join(SETTINGS)})")
        if value is None:
            found[name] = value
        elif name == "max_tasks":
            found[name] = _limit(value)
        elif name == "description":
            found[name] = _description(value)
        elif name == "on_finish":
            found[name] = hook_text(value)
        else:
            found[name] = checked(name.removeprefix("defaults."), value)
    return found


def _description(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError("description must be a text that is not empty")
    return str(normalised(value, "description"))


def _limit(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        told = repr(shortened(text_of(value)))
        raise UsageError(f"max_tasks must be a whole number of 1 or more, not {told}")
    return value


def counts(store: Store, queue: str) -> dict[str, int]:
    """How many tasks of each status a queue has."""
    by_status = ({"queue": queue, "status": status.value} for status in Status)
    return {str(query["status"]): store.count(query) for query in by_status}


def rename(store: Store, queue: str, new: str) -> int:
    """Gives a queue another name: all its tasks move, with their numbers; returns how many.

    One that was interrupted goes on where it is called again. Workers of the old name stay at it,
    and a key that was submitted under the old name is a new one under the other.

    Raises:
        NotFoundError: there is no such queue.
        ConflictError: a task runs, or there is a queue of the new name.
        UsageError: the new name is none.
    """
    KEYS["queue"](new)
    try:
        moved = store.rename(queue, new)
    except NotFoundError:
        require_queue(store, queue)
        raise
    except ConflictError as error:
        if not store.count({"queue": queue, **RUNNING}):
            raise
        ends = f"labq task cancel --queue {queue} -s running ends them"
        raise ConflictError(f"{error} ({ends})") from None
    settle(store, new)  # what ended while its tasks were on the way
    return moved


def delete(
    store: Store,
    queue: str,
    *,
    force: bool = False,
    home: Path | None = None,
) -> int:
    """Removes a queue with its tasks; returns how many they were.

    With `force` those too that run, whose workers end them, or that are published. `home` as of
    `remove`.

    Raises:
        NotFoundError: there is no such queue.
        ConflictError: a task runs or is published, and `force` is not given.
    """
    every: Document = {"queue": queue}
    require_queue(store, queue)
    if not force:
        _refuse_delete(store, queue)
    idle = {"status": {"$ne": Status.RUNNING.value}, **UNSEALED}
    deleted = remove(store, every if force else {**every, **idle}, home)
    if not force:
        _refuse_delete(store, queue)  # a worker may have claimed one meanwhile
    store.queues.delete({"_id": queue})
    collect(store)
    if store.count(every):  # somebody submitted meanwhile: it is a queue again
        store.queues.put(queue, Change())
    return deleted


def _refuse_delete(store: Store, queue: str) -> None:
    for query, told in ((RUNNING, "run"), (PUBLISHED, "are published")):
        if found := store.count({"queue": queue, **query}):
            raise ConflictError(
                f"cannot delete queue {queue}: {found:,} of its tasks {told} "
                "(--force deletes them all the same)"
            )


def require_room(store: Store, queue: str, ids: Iterable[str]) -> None:
    """Refuses many tasks before the first of them is stored.

    Raises:
        QuotaExceeded: the queue has no room for all that are not there yet.
    """
    most = (record_of(store, queue) or {}).get("max_tasks")
    if most is None:
        return
    fresh = sum(
        len(chunk) - store.count({"queue": queue, "_id": {"$in": chunk}})
        for chunk in batches(ids, CHUNK)
    )
    held = store.count({"queue": queue}, steady=True)
    if fresh and held + fresh - removable(store, queue) > most:
        raise quota_exceeded(queue, most, held, fresh)
