"""What keeps the books right when nobody finishes what was begun; any worker may do it at any time.

Every pass takes at most `limit` tasks, and each write holds only for what was read, so ten may
sweep at once. The store's clock alone decides what is over and what is due.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

from labq.errors import StoreError
from labq.model.sound import MALFORMED
from labq.model.task import TERMINAL, UNSEALED, Document, Status
from labq.queue import workers
from labq.queue.claims import CANCEL, FAIL, Ending, WorkerName, moved, record_of, write
from labq.queue.dependencies import LIMIT, promote, settle
from labq.queue.removal import remove
from labq.queue.stopping import understood
from labq.store import Change, Now, Store
from labq.store.base import HOUR

NOBODY = "?"  # who holds a lease that does not say
FAR = datetime(9000, 1, 1, tzinfo=timezone.utc)
MAX_CRASHES = 5  # lost workers after which a task is taken to be what kills them


@dataclass(frozen=True)
class Swept:
    """How many tasks a sweep gave back, made pending, cancelled or let go on, and removed."""

    recovered: int = 0
    promoted: int = 0
    settled: int = 0
    expired: int = 0
    workers: int = 0  # records of dead workers that it removed
    contents: int = 0  # of sources that no task names any more
    folders: int = 0  # of tasks that are gone


def sweep(
    store: Store,
    queue: str,
    limit: int = LIMIT,
    age: float = HOUR,
    home: Path | None = None,
    *,
    tidy: bool = False,
) -> Swept:
    """All of it, once; contents that no task names go once they are so many seconds old.

    `home` as of `remove`; with `tidy` the folders there go whose tasks were removed before, by
    others or in a removal that was cut short.
    """
    recovered = recover(store, queue, limit)
    settled = settle(store, queue)
    promoted, _ = promote(store, queue, limit)
    expired = expire(store, queue, limit, home)
    dead, contents = workers.drop_dead(store), store.blobs.collect(age)
    folders = 0
    if tidy and home is not None:
        from labq.queue.folders import Folders

        try:
            folders = Folders(home, store).sweep()
        except OSError as error:
            raise StoreError(f"{error.filename or home}: {error.strerror or error}") from None
    return Swept(recovered, promoted, settled, expired, dead, contents, folders)


def recover(store: Store, queue: str, limit: int = LIMIT) -> int:
    """Gives back the tasks whose worker let its lease run out; returns how many.

    A lost worker costs no retry, but a task that loses MAX_CRASHES of them fails. One that was
    asked to stop is cancelled, and so is one whose worker was to have it so. A lease that is none,
    since another program wrote it, has run out too.
    """
    stale = {
        "queue": queue,
        "status": Status.RUNNING.value,
        "$or": [store.over("lease.expires_at"), {"lease.expires_at": {"$not": {"$lt": FAR}}}],
    }
    fields = ("lease", "attempt", "started_at", "crashes", "stop_requested")
    count = 0
    ended: list[str] = []
    for task in list(store.find(stale, limit=limit, fields=fields)):
        lease = task.get("lease", {})
        worker = WorkerName(lease.get("worker", NOBODY), lease.get("host", ""))
        status, reason = _fate(task, worker.lost)
        values = moved(status, reason=reason, crashes=task.get("crashes", 0) + 1)
        if status in TERMINAL:
            values["ended_at"] = Now()
        pid = workers.asked(store, worker.id).get("pids", {}).get(task["_id"])
        known = {} if pid is None else {"pid": pid}
        ending = Ending(succeeded=False, reason=reason, record=known)
        record = record_of(task, worker, lease.get("token", ""), ending)
        guard = {**stale, "_id": task["_id"]}
        if lease:
            guard["lease.token"] = lease["token"]
        guard["stop_requested"] = {"$exists": "stop_requested" in task}
        change = Change(set=values, inc={"rev": 1}, push={"attempts": record}, unset=("lease",))
        done = write(store, guard, change)
        count += done is not None
        if done and "dependants" in done and status in TERMINAL:
            ended.append(task["_id"])
    if ended:
        settle(store, queue, ended)
    return count


def _fate(task: Document, told: str) -> tuple[Status, str]:
    """The status of a task whose worker was lost, of which this tells, and why."""
    crashes, lease = task.get("crashes", 0) + 1, task.get("lease", {})
    if "stop_requested" in task:
        return Status.CANCELLED, f"{understood(task['stop_requested'])['reason']}; {told}"
    if lease.get("on_lost") == CANCEL:
        return Status.CANCELLED, f"{told} (--on-lost cancel)"
    if lease.get("on_lost") == FAIL:
        return Status.FAILED, f"{told}, and with it the run that it was for"
    if crashes >= MAX_CRASHES:
        return Status.FAILED, f"{told}, the {crashes}th worker that this task lost"
    return Status.PENDING, told


def expire(
    store: Store,
    queue: str,
    limit: int = LIMIT,
    home: Path | None = None,
) -> int:
    """Removes ended tasks whose `retention.ttl` seconds are over, the oldest; returns how many.

    What is published stays. `home` as of `remove`.
    """
    kept: Document = {"queue": queue, "retention.ttl": {"$exists": True}, **UNSEALED}
    now = store.now()
    due: list[Document] = []
    for status in TERMINAL:
        over = store.find(
            {**kept, "status": status.value},
            sort=[("ended_at", 1), ("number", 1)],  # of one status, as an index has them
            fields=("retention", "ended_at", "number", "rev", "dependants"),
        )
        with closing(over):  # type: ignore[type-var]  # a read that is open keeps writes waiting
            due += islice((task for task in over if _is_over(task, now)), limit - len(due))
    if not due:
        return 0
    if told := [task["_id"] for task in due if "dependants" in task]:
        settle(store, queue, told)  # who waits for them still is to know how they ended
    ids: dict[tuple[tuple[str, object], ...], list[str]] = {}  # of those that are alike as read
    for task in due:
        ids.setdefault(tuple(_as_it_is(task).items()), []).append(task["_id"])
    as_read = [{"_id": {"$in": these}, **dict(alike)} for alike, these in ids.items()]
    return remove(store, {**kept, "$or": as_read}, home)


def _is_over(task: Document, now: datetime) -> bool:
    """Whether the time for which an ended task is kept is past, as far as that can be read."""
    odd = task.get(MALFORMED, {}).keys() & {"retention", "ended_at"}
    return not odd and "ended_at" in task and _end_of(task) <= now


def _as_it_is(task: Document) -> Document:
    """What an ended task has while nobody does anything to it."""
    return {"ended_at": task["ended_at"]} if MALFORMED in task else {"rev": task["rev"]}


def _end_of(task: Document) -> datetime:
    """Until when an ended task is kept."""
    ended: datetime = task["ended_at"]
    return ended + timedelta(seconds=task["retention"]["ttl"])
