"""What a worker does to a task, every write fenced by its lease."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from labq.errors import StoreError, UsageError
from labq.model.sound import MALFORMED
from labq.model.task import TERMINAL, Document, Status
from labq.queue.dependencies import settle
from labq.queue.inheritance import inherited
from labq.queue.stopping import understood
from labq.store import Change, Now, Query, Store
from labq.store.base import CLAIM_ORDER

ALIKE = 100  # tasks behind a malformed one that are looked at with it, at the least
LONGEST_DELAY = 3600.0  # seconds that backoff grows to
CLAIMED = (
    *("number", "queue", "name", "args", "cmd", "words", "raw_args", "env", "cwd"),
    *("attempt", "timeout"),
    *("retries", "max_retries", "retry_delay", "resources", "started_at", "rev", "parent"),
    *("publish_on_success", "index", "count"),
)
RETRY, CANCEL, FAIL = "retry", "cancel", "fail"
FORGOTTEN = "its end was written, and a crash of the store undid that"
OPEN = {"stop_requested": {"$exists": False}}


@dataclass(frozen=True)
class WorkerName:
    """Who holds a lease."""

    id: str
    host: str
    slot: int = 0
    on_lost: str = RETRY  # what becomes of its task where it is lost

    @property
    def lost(self) -> str:
        """The reason of an attempt whose lease it let run out."""
        return f"worker {self.id} was lost"


@dataclass(frozen=True)
class Claim:
    """A granted attempt: the task as it was claimed, and the token that fences its writes."""

    task: Document
    token: str
    worker: WorkerName
    inherited: Mapping[str, str] = field(default_factory=dict)  # variables, from the task's parent

    @property
    def fence(self) -> Document:
        """The query that matches the task while this claim holds."""
        return {"_id": self.task["_id"], "status": Status.RUNNING.value, "lease.token": self.token}

    @property
    def place(self) -> dict[str, str]:
        """The variables that tell the job of an array's instance which one it is, and of how many.

        Empty for any other task.
        """
        names = {"index": "LABQ_INDEX", "count": "LABQ_COUNT"}
        return {name: str(self.task[field]) for field, name in names.items() if field in self.task}


@dataclass(frozen=True)
class Ending:
    """How an attempt ended; `record` goes into `attempts`, `error` into `errors`."""

    succeeded: bool
    reason: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class End:
    """An end that was written: of which claim, what, and by `finish`, `release` or `cancel`."""

    write: Callable[[Store, Claim, Ending], Status | None]
    claim: Claim
    ending: Ending


@dataclass(frozen=True)
class Renewal:
    """What a renewal learnt, by token: the leases that are lost, and what is asked to stop."""

    lost: frozenset[str] = frozenset()
    stopping: Mapping[str, Document] = field(default_factory=dict)


def moved(status: Status, **values: Any) -> Document:
    """The fields of a task that comes to this status now."""
    return {"status": status.value, "modified_at": Now(), **values}


def new_token() -> str:
    """What fences the writes of one claim: 128 random bits, in hexadecimal."""
    return os.urandom(16).hex()


def claim(
    store: Store,
    query: Query,
    worker: WorkerName,
    lease: float,
    token: str = "",
    pass_over: Callable[[Sequence[Document]], object] = lambda _tasks: None,
) -> Claim | None:
    """Takes the first pending task that matches, for `lease` seconds; None where there is none.

    One who gives the token can `disown` what a claim took whose answer was lost. A malformed task
    stays as it is: `pass_over` is told of all that it came by, and the query had better leave them
    out next time.
    """
    token = token or new_token()
    holder = {"token": token, "worker": worker.id, "host": worker.host, "expires_at": Now(lease)}
    if worker.on_lost != RETRY:
        holder["on_lost"] = worker.on_lost
    change = Change(
        set=moved(Status.RUNNING, lease=holder, started_at=Now()),
        inc={"attempt": 1, "rev": 1},
        unset=("reason", "ended_at", "stop_requested", "progress"),
    )
    pending: Document = {**query, "status": Status.PENDING.value}
    passed: dict[str, Document] = {}
    while True:
        wanted = {"$and": [pending, {"_id": {"$nin": list(passed)}}]} if passed else pending
        try:
            task = store.update_first(wanted, change)
        except UsageError as error:  # it has no room for a lease
            task = next(store.find(wanted, sort=CLAIM_ORDER, limit=1), None)
            if task is None:
                continue
            found = [{**task, MALFORMED: {"lease": str(error)}}]
        else:
            if task is None or MALFORMED not in task:
                break
            _put_back(store, Claim(task, token, worker))
            # as many again as there were: what ten thousand cost grows with their number alone
            others = store.find(wanted, sort=CLAIM_ORDER, limit=max(ALIKE, len(passed)))
            found = [task, *(one for one in others if MALFORMED in one)]
        passed.update((one["_id"], one) for one in found)
    if passed:
        pass_over(list(passed.values()))
    if task is None:
        return None
    return Claim(task, token, worker, inherited(store, task) if "parent" in task else {})


def _put_back(store: Store, claim: Claim) -> None:
    """Gives a task back as if it had not been claimed."""
    change = Change(
        set={"status": Status.PENDING.value, "modified_at": Now()},
        inc={"attempt": -1, "rev": 1},
        unset=("lease", "started_at"),
    )
    _unless_stopped(store, claim, Ending(succeeded=False), Status.PENDING, change)


def disown(store: Store, queue: str, tokens: Sequence[str], worker: WorkerName) -> int:
    """Releases what claims with these tokens took unknown to their worker; returns how many."""
    taken = {"queue": queue, "status": Status.RUNNING.value, "lease.token": {"$in": list(tokens)}}
    ending = Ending(succeeded=False, reason="the answer to the claim was lost or late")
    tasks = list(store.find(taken, fields=("queue", "lease", "attempt", "started_at")))
    claims = [Claim(task, task["lease"]["token"], worker) for task in tasks if "lease" in task]
    return sum(release(store, claim, ending) is not None for claim in claims)


def landed(store: Store, claim: Claim, ending: Ending) -> Status | None:
    """What became of a task whose attempt's end was written though the answer to that was lost.

    None where somebody else has written that the attempt ended: its worker was taken to be lost.
    """
    query = {"_id": claim.task["_id"]}
    task = next(iter(store.find(query, fields=("status", "attempts", "dependants"))), {})
    for record in task.get("attempts", ()):
        whose = (record.get("attempt"), record.get("worker"))
        same = whose == (claim.task["attempt"], claim.worker.id)
        if same and (ending.record or _reason(ending)).items() <= record.items():
            status = Status(task["status"])
            if status in TERMINAL:
                _tell(store, claim, task)
            return status
    return None


def restore(store: Store, ends: Sequence[End]) -> int:
    """Writes again the ends that a crash of the store has undone; returns how many.

    Such a task runs still by the books. Where somebody took its worker to be lost meanwhile, that
    counts as none of the workers that the task has lost.
    """
    tokens = {end.claim.token: end for end in ends}
    ids: Query = {"_id": {"$in": list({end.claim.task["_id"] for end in ends})}}
    undone = {"status": Status.RUNNING.value, "lease.token": {"$in": list(tokens)}}
    found = list(store.find({**ids, **undone}, fields=("lease",)))
    again = (tokens[task["lease"]["token"]] for task in found if "lease" in task)
    count = sum(end.write(store, end.claim, end.ending) is not None for end in again)
    mine = {(end.claim.task["_id"], end.claim.task["attempt"]) for end in ends}
    lost = ends[0].claim.worker.lost
    blamed = {"crashes": {"$gt": 0}, "attempts.reason": lost}
    for task in list(store.find({**ids, **blamed}, fields=("attempts", "rev"))):
        for at, record in enumerate(task.get("attempts", ())):
            if record.get("reason") == lost and (task["_id"], record.get("attempt")) in mine:
                values = {f"attempts.{at}.reason": FORGOTTEN}
                change = Change(set=values, inc={"crashes": -1, "rev": 1})
                store.update({"_id": task["_id"], "rev": task["rev"]}, change)
    return count


def renew(store: Store, claims: Sequence[Claim], lease: float) -> Renewal:
    """Holds the claims for `lease` seconds more, in one round trip where nothing has happened."""
    ids = [claim.task["_id"] for claim in claims]
    tokens = [claim.token for claim in claims]
    held = {"_id": {"$in": ids}, "status": Status.RUNNING.value, "lease.token": {"$in": tokens}}
    longer = Change(set={"lease.expires_at": Now(lease)})
    if store.update({**held, **OPEN}, longer) == len(claims):
        return Renewal()
    store.update(held, longer)
    alive = {
        task["lease"]["token"]: task.get("stop_requested")
        for task in store.find(held, fields=("lease", "stop_requested"))
        if "lease" in task
    }
    stopping = {token: asked for token, asked in alive.items() if asked is not None}
    return Renewal(frozenset(set(tokens) - set(alive)), stopping)


def stop_requests(store: Store, claims: Sequence[Claim]) -> dict[str, Document]:
    """What was asked of those of these claims that are to stop, by token."""
    ids = [claim.task["_id"] for claim in claims]
    asked = {"_id": {"$in": ids}, "stop_requested": {"$exists": True}}
    tokens = {claim.token for claim in claims}
    found = store.find(asked, fields=("lease", "stop_requested"))
    stopping = {task.get("lease", {}).get("token"): task["stop_requested"] for task in found}
    return {token: request for token, request in stopping.items() if token in tokens}


def finish(store: Store, claim: Claim, ending: Ending) -> Status | None:
    """Writes how the attempt ended; the task's new status, or None where the lease was lost.

    A failure with a retry left waits for it, longer each time, unless the task was asked to stop.
    """
    task = claim.task
    retries = task.get("retries", 0)
    if not ending.succeeded and retries < task.get("max_retries", 0):
        delay = backoff(task.get("retry_delay", 0), retries)
        later = {"available_at": Now(delay)} if delay else {}
        status = Status.WAITING if delay else Status.PENDING
        change = _closing(claim, ending, status, {**later, **_reason(ending)}, {"retries": 1})
        return _unless_stopped(store, claim, ending, status, change)
    status = Status.SUCCESS if ending.succeeded else Status.FAILED
    sealed = {"published_at": Now(), "outcome": status.value}
    publish = ending.succeeded and task.get("publish_on_success")
    return _end(store, claim, ending, status, sealed if publish else {})


def release(store: Store, claim: Claim, ending: Ending) -> Status | None:
    """Gives the task back as pending, at no cost; None where the lease was lost.

    One that was asked to stop is cancelled.
    """
    change = _closing(claim, replace(ending, error=None), Status.PENDING, _reason(ending))
    return _unless_stopped(store, claim, ending, Status.PENDING, change)


def cancel(store: Store, claim: Claim, ending: Ending) -> Status | None:
    """Ends a task that was asked to stop; None where the lease was lost."""
    return _end(store, claim, ending, Status.CANCELLED)


def backoff(base: float, retries: int) -> float:
    """Seconds until the next attempt, after so many retries: doubled each time, with jitter.

    Never less than `base`, at most a quarter more than an hour (or than `base`): exponential
    backoff with jitter, as in AWS's architecture blog of 2015, but never sooner than was asked.
    """
    grown = base * 2.0 ** min(retries, 64)
    return min(grown, max(base, LONGEST_DELAY)) * random.uniform(1.0, 1.25)  # noqa: S311


def _reason(ending: Ending) -> Document:
    return {"reason": ending.reason} if ending.reason else {}


def _closing(
    claim: Claim,
    ending: Ending,
    status: Status,
    values: Mapping[str, Any],
    counts: Mapping[str, int] | None = None,
) -> Change:
    """What closes an attempt: the task's new status, and the attempt's record."""
    push = {"attempts": record_of(claim.task, claim.worker, claim.token, ending)}
    if ending.error:
        push["errors"] = {"attempt": claim.task["attempt"], **ending.error}
    counts = {"rev": 1, **(counts or {})}
    return Change(set=moved(status, **values), inc=counts, push=push, unset=("lease",))


def _end(
    store: Store,
    claim: Claim,
    ending: Ending,
    status: Status,
    values: Mapping[str, Any] | None = None,
) -> Status | None:
    """Closes an attempt and its task, and tells those that wait for it."""
    values = {"ended_at": Now(), **_reason(ending), **(values or {})}
    change = _closing(claim, ending, status, values)
    done = write(store, claim.fence, change)
    if done is None:
        return None
    _tell(store, claim, done)
    return status


def _tell(store: Store, claim: Claim, ended: Document) -> None:
    """Lets go on what waits for a task that has ended, if anything does."""
    if "dependants" in ended:
        with suppress(StoreError):  # its end is written: a worker that drains, or a sweep, tells
            settle(store, claim.task["queue"], [claim.task["_id"]])


def _unless_stopped(
    store: Store, claim: Claim, ending: Ending, status: Status, change: Change
) -> Status | None:
    """Makes the change; where the task was asked to stop meanwhile, it is cancelled instead."""
    if write(store, {**claim.fence, **OPEN}, change):
        return status
    asked = next(iter(store.find(claim.fence, fields=("stop_requested",))), None)
    if asked is None:
        return None
    request = understood(asked.get("stop_requested"))
    return cancel(store, claim, replace(ending, reason=request["reason"]))


def write(store: Store, fence: Query, change: Change) -> Document | None:
    """Makes the change; without its records where they would make the document too large.

    Returns the task's id and whether others wait for it; None where the fence does not hold.
    """
    told = ("dependants",)
    try:
        return store.update_first(fence, change, told)
    except UsageError:
        return store.update_first(fence, replace(change, push={}), told)


def record_of(task: Document, worker: WorkerName, token: str, ending: Ending) -> Document:
    """The record of an attempt that ends now.

    Its token fences nothing any more, but what it has left running is found by that.
    """
    record = {
        "attempt": task["attempt"],
        "token": token,
        "worker": worker.id,
        "host": worker.host,
        "slot": worker.slot,
        **({"started": task["started_at"]} if "started_at" in task else {}),
        "ended": Now(),
        **ending.record,
    }
    return {**record, "reason": ending.reason} if ending.reason else record
