"""The verbs around a task's run: submit to wait, cancel, requeue, delete."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from labq.errors import LabqError
from labq.model.sound import MALFORMED
from labq.model.task import TERMINAL, Document, Status
from labq.queue.dependencies import ending, mark, parents, promote, settle
from labq.queue.recovery import recover
from labq.queue.refusals import takes
from labq.queue.removal import remove
from labq.queue.stopping import stop_request
from labq.store import Change, Now, Store

# What neither runs nor has ended, whatever its status says.
IDLE: Document = {"status": {"$nin": [str(s.value) for s in (Status.RUNNING, *TERMINAL)]}}
PARENTS = ("after", "after_any")
DEPENDENT = {"$or": [{field: {"$exists": True}} for field in PARENTS]}


@dataclass(frozen=True)
class Cancelled:
    """How many tasks a cancel ended, and how many running ones it asked their workers to end."""

    ended: int
    asked: int


def submit_waiting(store: Store, queue: str, tasks: Sequence[Document]) -> list[int]:
    """Stores new tasks of which some wait for other tasks or for a time; returns their numbers."""
    older = list(dict.fromkeys(chain.from_iterable(map(parents, tasks))))
    if older:
        mark(store, queue, older)
    numbers = store.insert(queue, [_waiting(task) for task in tasks])
    if older:
        settle(store, queue, older)
    promote(store, queue)
    return numbers


def _waiting(task: Document) -> Document:
    """A new task as it is stored: waiting where it has something to wait for."""
    older = parents(task)
    if task["status"] == Status.DRAFT.value or (not older and "available_at" not in task):
        return task
    return {
        **task,
        "status": Status.WAITING.value,
        **({"waiting_for": older} if older else {}),
    }


def cancel(
    store: Store, queue: str, query: Document, reason: str, grace: float | None
) -> Cancelled:
    """Ends the tasks that match; asks the workers to end those that run.

    A task that a worker takes or gives back between the two is found by a look at both at once.

    Raises:
        UsageError: no reason can be so, nor `grace` seconds.
    """
    asked = stop_request(reason, grace)
    idle: Document = {"$and": [query, IDLE]}
    unasked = {"status": Status.RUNNING.value, "stop_requested": {"$exists": False}}
    running: Document = {"$and": [query, unasked]}
    request = Change(set={"stop_requested": asked, "modified_at": Now()}, inc={"rev": 1})
    ended = asking = 0
    either: Document = {"$and": [query, {"$or": [IDLE, unasked]}]}
    while store.count(either, steady=True):
        ended += store.update(idle, ending(reason))
        asking += store.update(running, request)
    if ended:
        settle(store, queue)
    if asking:
        recover(store, queue)  # where the worker is dead already
    return Cancelled(ended, asking)


def requeue(store: Store, queue: str, query: Document) -> int:
    """Makes ended tasks that match pending again, or waiting for what they come after."""
    again = Change(
        set={"queued_at": Now(), "modified_at": Now(), "retries": 0},
        inc={"rev": 1},
        unset=("ended_at", "reason", "crashes", "stop_requested", "available_at"),
    )
    return launch(store, queue, {"$and": [query, takes("requeue")]}, DEPENDENT, again)


def launch(store: Store, queue: str, query: Document, late: Document, change: Change) -> int:
    """Makes the change to the tasks that match, and sets them going; returns how many.

    They are pending then; where `late` holds, waiting until what they come after, and their time,
    is over.
    """
    pending = replace(change, set={**change.set, "status": Status.PENDING.value})
    at_once: Document = {"$and": [query, {"$nor": [late]}]}
    later: Document = {"$and": [query, late]}
    count, behind = store.update(at_once, pending), 0
    while tasks := [
        task
        for task in store.find(later, fields=PARENTS, steady=True)
        if not task.get(MALFORMED, {}).keys() & set(PARENTS)  # another program's: until mended
    ]:
        mark(store, queue, dict.fromkeys(chain.from_iterable(map(parents, tasks))))
        writes = ((_as_read(later, task), _held(change, task)) for task in tasks)
        done = store.update_each(writes)
        behind += done
        if done == len(tasks):
            break
        count += store.update(at_once, pending)  # what comes after others no longer
    if behind:
        settle(store, queue)
        promote(store, queue)
    return count + behind


def _as_read(query: Document, task: Document) -> Document:
    """The query for the task while it comes after the same tasks, whatever else changes."""
    same = {field: task.get(field, {"$exists": False}) for field in PARENTS}
    return {"_id": task["_id"], "$and": [query, same]}


def _held(change: Change, task: Document) -> Change:
    """The change, and that the task waits."""
    older = parents(task)
    values = {**change.set, "status": Status.WAITING.value}
    return replace(change, set={**values, "waiting_for": older} if older else values)


def delete(
    store: Store,
    queue: str,
    query: Document,
    *,
    force: bool = False,
    home: Path | None = None,
) -> int:
    """Removes the tasks that match; those that wait for them are cancelled.

    What runs or is published stays, unless `force` insists: the worker of a task that is gone ends
    its job at the next heartbeat, as one that lost its lease. `home` is that of `remove`.
    """
    deleted = remove(store, {"$and": [query, takes("delete", force=force)]}, home)
    if deleted:
        settle(store, queue)
        collect(store)
    return deleted


def collect(store: Store) -> None:
    """Removes contents that no task names any more; where it cannot, a sweep does later."""
    with suppress(LabqError):
        store.blobs.collect()
