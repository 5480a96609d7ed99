"""A task that one process submits and runs itself: no other worker may claim it in between."""

from __future__ import annotations

from labq.model.task import Document, Status
from labq.queue.claims import CLAIMED, FAIL, Claim, WorkerName, moved
from labq.queue.queue import Queue
from labq.store import Change, Now


def begin(queue: Queue, task: Document, worker: WorkerName, lease: float, token: str) -> Claim:
    """Stores a new task and holds it for `lease` seconds; it may be repeated with the same token.

    It is stored as a draft, which no worker takes, and claimed as that. Where the process is killed
    between the two, the draft is what is left.
    """
    queue.submit([{**task, "status": Status.DRAFT.value}])
    holder = {"token": token, "worker": worker.id, "host": worker.host, "expires_at": Now(lease)}
    holder["on_lost"] = FAIL  # nobody else is to run it
    change = Change(
        set=moved(Status.RUNNING, lease=holder, queued_at=Now(), started_at=Now()),
        inc={"attempt": 1, "rev": 1},
    )
    draft = {"_id": task["_id"], "status": Status.DRAFT.value}
    held = queue.store.update_first(draft, change, CLAIMED)
    if held is None:  # the answer to an earlier try was lost
        held = next(queue.store.find({"_id": task["_id"], "lease.token": token}, fields=CLAIMED))
    return Claim(held, token, worker)
