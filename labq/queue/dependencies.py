"""Tasks that wait: for their time, or for others, `after` (success) and `after_any` (any end).

`waiting_for` holds the ids that are outstanding still. A task is marked (`dependants`) before
another that waits for it is stored, and is looked at again after: whoever ends it sees the mark, or
whoever stored the other sees the end. A new task can only name older ones, so there is no cycle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import chain
from math import inf
from typing import Any

from labq.model.sound import MALFORMED
from labq.model.task import TERMINAL, Document, Status
from labq.store import Change, Now, Query, Store
from labq.values.batches import batches

BATCH = 1000  # tasks per read and per write
LIMIT = 1000  # tasks per pass
READ = ("after", "after_any", "waiting_for", "dependants", "rev")
DUE = ("available_at", "modified_at", "retries", "rev")  # what tells when a task's time comes
ENDED = frozenset(status.value for status in TERMINAL)


def parents(task: Document) -> list[str]:
    """The ids of the tasks that this one comes after, each once."""
    return list(dict.fromkeys(chain(task.get("after", ()), task.get("after_any", ()))))


def mark(store: Store, queue: str, ids: Iterable[str]) -> None:
    """Says on these tasks that others wait for them: their end is to be told."""
    query = {"queue": queue, "_id": {"$in": list(ids)}}
    store.update(query, Change(inc={"dependants": 1}))


def _put_off(task: Document, now: datetime) -> bool:
    """Whether a retry was put off by a clock that was ahead of what it is now.

    Its wait is a length of time, which a step of the clock must not make an hour longer.
    """
    written, begins = task.get("modified_at", now), task.get("available_at", now)
    return MALFORMED not in task and bool(task.get("retries")) and now < written < begins


def _waits_anew(task: Document) -> tuple[Query, Change]:
    """The write by which a task waits from now on for as long as it was to wait."""
    length = (task["available_at"] - task["modified_at"]).total_seconds()
    again = Change(set={"available_at": Now(length), "modified_at": Now()}, inc={"rev": 1})
    return {"_id": task["_id"], "status": Status.WAITING.value, "rev": task["rev"]}, again


def settle(store: Store, queue: str, ended: Sequence[str] | None = None) -> int:
    """Looks at the tasks that wait for those that `ended`, or for any; returns how many moved.

    One whose dependency failed is cancelled, and so are those that wait for it; one that waits for
    nothing more, not for a time either, is pending then. Safe when several settle: each write holds
    for the revision that was read, and one that others have edited since is read again. Of the
    others that a task waits for only a look at all of them learns.
    """
    moved = 0
    waiting: Document = {"queue": queue, "status": Status.WAITING.value}
    looked = None if ended is None else frozenset(ended)
    while looked is None or looked:
        wanted: Query = {"$exists": True} if looked is None else {"$in": sorted(looked)}
        ids = [
            task["_id"] for task in store.find({**waiting, "waiting_for": wanted}, fields=("_id",))
        ]
        cancelled: list[str] = []
        for some in batches(ids, BATCH):
            page = {
                **waiting,
                "_id": {"$in": some},
                "waiting_for": {"$exists": True},
            }
            done, writes = 0, None
            while writes is None or done < len(writes):  # some were edited at that moment
                tasks = list(store.find(page, fields=READ))
                writes = _writes(store, queue, tasks, looked)
                done = store.update_each(writes.values())
                moved += done
                cancelled += [
                    task["_id"]
                    for task in tasks
                    if "dependants" in task and _cancels(writes.get(task["_id"]))
                ]
        looked = frozenset(cancelled)
    if moved:
        promote(store, queue)
    return moved


def promote(store: Store, queue: str, limit: int = LIMIT) -> tuple[int, float]:
    """Makes pending what waits for no other task and whose time has come.

    Returns how many, and in how many seconds the next one is due: infinity where there is none.
    """
    ready = {
        "queue": queue,
        "status": Status.WAITING.value,
        "waiting_for": {"$exists": False},
    }
    first = list(store.find(ready, sort=[("available_at", 1)], limit=limit, fields=DUE))
    if not first:
        return 0, inf
    now = store.now()
    if again := [_waits_anew(task) for task in first if _put_off(task, now)]:
        store.update_each(again)  # the next look finds when they are due
        return 0, 0.0
    due = [task["_id"] for task in first if task.get("available_at", now) <= now]
    rest = [task["available_at"] for task in first if task.get("available_at", now) > now]
    pending = {"status": Status.PENDING.value, "queued_at": Now(), "modified_at": Now()}
    count = 0
    if due:
        still = {"_id": {"$in": due}, "available_at": {"$not": {"$gt": now}}}
        count = store.update({**ready, **still}, Change(set=pending, inc={"rev": 1}))
    if rest:
        return count, max(0.0, (rest[0] - now).total_seconds())
    return count, 0.0 if len(first) == limit else inf


def _cancels(write: tuple[Query, Change] | None) -> bool:
    return write is not None and write[1].set.get("status") == Status.CANCELLED.value


def _writes(
    store: Store, queue: str, tasks: Sequence[Document], looked: AbstractSet[str] | None
) -> dict[str, tuple[Query, Change]]:
    """One guarded write for each of these tasks that has something to learn of its parents."""
    tasks = [task for task in tasks if MALFORMED not in task]  # another program's: until mended
    wanted = {parent for task in tasks for parent in task["waiting_for"]}
    if looked is not None:
        wanted &= looked
    query = {"queue": queue, "_id": {"$in": sorted(wanted)}}
    there = {task["_id"]: task for task in store.find(query, fields=("status", "number"))}
    writes: dict[str, tuple[Query, Change]] = {}
    for task in tasks:
        if change := _change(task, there, wanted):
            guard = {"_id": task["_id"], "rev": task["rev"], "status": Status.WAITING.value}
            writes[task["_id"]] = (guard, change)
    return writes


def _change(
    task: Document, there: Mapping[str, Document], looked: AbstractSet[str]
) -> Change | None:
    """What becomes of a waiting task; None where it goes on waiting as it does.

    `there` has those of the tasks that were `looked` for that there are.
    """
    must = set(task.get("after", ()))
    left: list[str] = []
    for parent in task["waiting_for"]:
        status = there[parent]["status"] if parent in there else None
        if parent not in looked or (status is not None and status not in ENDED):
            left.append(parent)
        elif parent in must and status != Status.SUCCESS.value:
            told = f"task {there[parent]['number']} {status}" if status else "a task was deleted"
            return ending(f"dependency: {told}")
    if left == task["waiting_for"]:
        return None
    values: dict[str, Any] = {"modified_at": Now()}
    if left:
        return Change(set={**values, "waiting_for": left}, inc={"rev": 1})
    return Change(set=values, inc={"rev": 1}, unset=("waiting_for",))


def ending(reason: str) -> Change:
    """What cancels a task that does not run."""
    return Change(
        set={
            "status": Status.CANCELLED.value,
            "reason": reason,
            "ended_at": Now(),
            "modified_at": Now(),
        },
        inc={"rev": 1},
        unset=("waiting_for",),
    )
