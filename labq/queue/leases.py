"""What a worker does to a task, every write fenced by its lease; and the sweep of the lost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labq.errors import UsageError
from labq.store import Change, Now, Query, Store
from labq.task import Document, Status

MAX_CRASHES = 5  # lost workers after which a task is taken to be what kills them
CLAIMED = (
    *("number", "queue", "name", "args", "cmd", "env", "cwd", "attempt", "timeout"),
    *("retries", "max_retries", "started_at", "rev"),
)


@dataclass(frozen=True)
class WorkerName:
    """Who holds a lease."""

    id: str
    host: str
    slot: int = 0


@dataclass(frozen=True)
class Claim:
    """A granted attempt: the task as it was claimed, and the token that fences its writes."""

    task: Document
    token: str
    worker: WorkerName

    @property
    def fence(self) -> Document:
        """The query that matches the task while this claim holds."""
        return {"_id": self.task["_id"], "status": Status.RUNNING.value, "lease.token": self.token}


@dataclass(frozen=True)
class Ending:
    """How an attempt ended; `record` goes into `attempts`, `error` into `errors`."""

    succeeded: bool
    reason: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


def _moved(status: Status, **values: Any) -> Document:
    return {"status": status.value, "modified_at": Now(), **values}


def claim(store: Store, query: Query, worker: WorkerName, lease: float) -> Claim | None:
    """Takes the first pending task that matches, for `lease` seconds; None where there is none."""
    token = os.urandom(16).hex()
    holder = {"token": token, "worker": worker.id, "host": worker.host, "expires_at": Now(lease)}
    change = Change(
        set=_moved(Status.RUNNING, lease=holder, started_at=Now()),
        inc={"attempt": 1, "rev": 1},
        unset=("reason", "ended_at", "stop_requested"),
    )
    task = store.claim({**query, "status": Status.PENDING.value}, change, CLAIMED)
    return Claim(task, token, worker) if task is not None else None


def renew(store: Store, claims: Sequence[Claim], lease: float) -> set[str]:
    """Holds the claims for `lease` seconds more; the tokens of those that are lost."""
    ids = [claim.task["_id"] for claim in claims]
    tokens = [claim.token for claim in claims]
    held = {"_id": {"$in": ids}, "status": Status.RUNNING.value, "lease.token": {"$in": tokens}}
    if store.update(held, Change(set={"lease.expires_at": Now(lease)})) == len(claims):
        return set()
    alive = {task["lease"]["token"] for task in store.find(held, fields=("lease",))}
    return set(tokens) - alive


def finish(store: Store, claim: Claim, ending: Ending) -> Status | None:
    """Writes how the attempt ended; the task's new status, or None where the lease was lost.

    A failure with a retry left goes back to pending.
    """
    task = claim.task
    retry = not ending.succeeded and task.get("retries", 0) < task.get("max_retries", 0)
    status = Status.SUCCESS if ending.succeeded else Status.PENDING if retry else Status.FAILED
    values = _moved(status, **({"reason": ending.reason} if ending.reason else {}))
    if not retry:
        values["ended_at"] = Now()
    counts = {"rev": 1, **({"retries": 1} if retry else {})}
    errors = {"errors": {"attempt": task["attempt"], **ending.error}} if ending.error else {}
    push = {"attempts": _record(task, claim.worker, ending), **errors}
    change = Change(set=values, inc=counts, push=push, unset=("lease",))
    return status if _write(store, claim.fence, change) else None


def release(
    store: Store, claim: Claim, reason: str, record: Mapping[str, Any] | None = None
) -> bool:
    """Gives the task back as pending, at no cost; False where the lease was lost."""
    ending = Ending(succeeded=False, reason=reason, record=record or {})
    change = Change(
        set=_moved(Status.PENDING, reason=reason),
        inc={"rev": 1},
        push={"attempts": _record(claim.task, claim.worker, ending)},
        unset=("lease",),
    )
    return bool(_write(store, claim.fence, change))


def _write(store: Store, fence: Document, change: Change) -> int:
    """Makes the change; without its records where they would make the document too large."""
    try:
        return store.update(fence, change)
    except UsageError:
        return store.update(fence, replace(change, push={}))


def _record(task: Document, worker: WorkerName, ending: Ending) -> Document:
    record = {
        "attempt": task["attempt"],
        "worker": worker.id,
        "host": worker.host,
        "slot": worker.slot,
        "started": task["started_at"],
        "ended": Now(),
        **ending.record,
    }
    return {**record, "reason": ending.reason} if ending.reason else record


def sweep(store: Store, queue: str, limit: int = 1000) -> int:
    """Gives back the tasks whose worker let its lease run out; returns how many.

    A lost worker costs no retry, but a task that loses MAX_CRASHES of them fails. Safe when several
    sweep: each write holds only for the lease that was read, still unrenewed.
    """
    now = store.now()
    stale = {"queue": queue, "status": Status.RUNNING.value, "lease.expires_at": {"$lt": now}}
    fields = ("lease", "attempt", "started_at", "crashes")
    swept = 0
    for task in list(store.find(stale, limit=limit, fields=fields)):
        lease = task["lease"]
        crashes = task.get("crashes", 0) + 1
        told = f"worker {lease['worker']} was lost"
        over = crashes >= MAX_CRASHES
        reason = f"{told}, the {crashes}th worker that this task lost" if over else told
        values = _moved(Status.FAILED if over else Status.PENDING, reason=reason, crashes=crashes)
        if over:
            values["ended_at"] = Now()
        worker = WorkerName(lease["worker"], lease.get("host", ""))
        record = _record(task, worker, Ending(succeeded=False, reason=reason))
        fence = {**stale, "_id": task["_id"], "lease.token": lease["token"]}
        change = Change(set=values, inc={"rev": 1}, push={"attempts": record}, unset=("lease",))
        swept += _write(store, fence, change)
    return swept
