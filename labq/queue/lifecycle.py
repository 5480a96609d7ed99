"""The verbs between the runs of a task: draft and pending, reset, publish, clone, tag, progress."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from labq.command.words import flat, is_loose, signature
from labq.errors import ConflictError, TaskNotFound, UsageError
from labq.model.sound import MALFORMED
from labq.model.task import UNSEALED, Document, Status, checked, new_id
from labq.queue.edits import Edit, EditReport, applied, keep, rewrite
from labq.queue.parts import in_parts, tasks, to_the_end
from labq.queue.refusals import PUBLISHED, instead, refusal, state_of, takes
from labq.queue.verbs import DEPENDENT, launch
from labq.store import Change, Now, Store
from labq.values.batches import batches

BATCH = 1000  # tasks per write

# What a clone has of the task that it is made from.
CONFIGURATION = (
    *("type", "project", "tags", "comment", "metadata", "args", "args_signature", "cmd"),
    *("words", "env"),
    *("cwd", "resources", "require", "priority", "max_retries", "retry_delay", "timeout", "after"),
    *("after_any", "available_at", "source", "inputs", "retention", "publish_on_success"),
    "raw_args",
)
# What came of a task, which a reset takes away. The count of attempts goes on, so that no two
# attempts of a task ever have the same number.
OUTPUTS = (
    *("reason", "outcome", "crashes", "waiting_for", "attempts", "lease", "stop_requested"),
    *("progress", "summary", "errors", "results", "artifacts"),
    *("queued_at", "available_at", "started_at", "ended_at"),
)


def enqueue(store: Store, queue: str, query: Document) -> int:
    """Makes drafts that match pending, or waiting for what they come after or for their time."""
    times = {"queued_at": Now(), "modified_at": Now()}
    late: Document = {"$or": [DEPENDENT, {"available_at": {"$exists": True}}]}
    drafts: Document = {"$and": [query, takes("enqueue")]}
    return launch(store, queue, drafts, late, Change(set=times, inc={"rev": 1}))


def dequeue(store: Store, query: Document) -> int:
    """Makes drafts of tasks that match and that no worker has taken yet."""
    change = Change(
        set={"status": Status.DRAFT.value, "modified_at": Now()},
        inc={"rev": 1},
        unset=("waiting_for", "queued_at", "reason"),
    )
    return store.update({"$and": [query, takes("dequeue")]}, change)


def reset(
    store: Store,
    query: Document,
    home: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> int:
    """Makes drafts of ended tasks that match, without anything that came of them.

    `attempt` stays: it is no result, but what keeps the attempts of a task apart for ever.

    Where `home` is given, their folders in it go too, and `say` is told where other machines have
    others.
    """
    ended: Document = {"$and": [query, takes("reset")]}
    change = Change(
        set={"status": Status.DRAFT.value, "retries": 0, "modified_at": Now()},
        inc={"rev": 1},
        unset=OUTPUTS,
    )
    if home is None:
        return to_the_end(lambda: store.update(ended, change), lambda n: tasks(n, "are reset"))
    from labq.queue.folders import Folders

    folders, hosts, count = Folders(home, store), Counter[str](), 0
    ids = [task["_id"] for task in store.find(ended, fields=("_id",), steady=True)]

    def part(these: Sequence[str]) -> None:
        nonlocal count
        page: Document = {"_id": {"$in": these}}
        ran = store.find({"$and": [ended, page]}, fields=("attempts",))
        others = {task["_id"]: _elsewhere(task, home) for task in ran}
        count += store.update({"$and": [ended, page]}, change)
        drafts = store.find({**page, "status": Status.DRAFT.value}, fields=("_id",))
        done = [task["_id"] for task in drafts]
        with suppress(OSError):  # of a full disk: what lies there is no result any more
            folders.remove(done)
        hosts.update(host for one in done for host in others.get(one, ()))

    in_parts(
        (partial(part, these) for these in batches(ids, BATCH)),
        lambda sure: tasks(count, "are reset", len(ids), sure=sure),
    )
    if hosts and say is not None:
        where = ", ".join(f"{host} ({number:,})" for host, number in hosts.most_common())
        say(f"labq: what they left on other machines stays there, in LABQ_HOME/tasks: {where}")
    return count


def _elsewhere(task: Document, home: Path) -> set[str]:
    """The other machines on which a task ran, and of which nothing lies here."""
    here, folder = socket.gethostname(), home / "tasks" / task["_id"]
    hosts = set()
    for one in task.get("attempts", ()):
        files = (folder / f"{one.get('attempt')}.{stream}" for stream in ("stdout", "stderr"))
        host = one.get("host") if isinstance(one, Mapping) else None
        if isinstance(host, str) and host not in ("", here) and not any(map(Path.exists, files)):
            hosts.add(host)
    return hosts


def publish(store: Store, query: Document, *, force: bool = False) -> int:
    """Seals ended tasks that match; failures too, if that is insisted on."""
    count = 0
    for status in takes("publish", force=force)["status"]["$in"]:
        values = {"published_at": Now(), "outcome": status, "modified_at": Now()}
        ended: Document = {"$and": [query, {"status": status, **UNSEALED}]}
        count += store.update(ended, Change(set=values, inc={"rev": 1}))
    return count


def clone(
    store: Store,
    queue: str,
    identity: str,
    edits: Sequence[Edit] = (),
    name: str | None = None,
) -> Document:
    """A draft with the configuration of a task, edited, to be submitted; the task is its parent.

    It has no name unless it is given one, since a name is what a task is found by.

    Raises:
        TaskNotFound: there is no such task.
        ConflictError: a path of an edit leads through a value, or what is to be copied is
            malformed.
        UsageError: a field cannot hold its value.
    """
    found = next(store.find({"queue": queue, "_id": identity}), None)
    if found is None:
        raise TaskNotFound(f"no task {identity} in queue {queue!r}")
    keep(store, edits)
    return copy_of(found, edits, name)


def copy_of(found: Document, edits: Sequence[Edit] = (), name: str | None = None) -> Document:
    """What `clone` makes of a task that was read as a whole; raises as it does."""
    task = {field: found[field] for field in CONFIGURATION if field in found}
    if found["attempt"]:
        task.pop("available_at", None)  # that of its retry
    new = applied({**task, MALFORMED: found.get(MALFORMED, {})}, edits)
    for field, why in found.get(MALFORMED, {}).items():  # a copy without it were another task
        if field in CONFIGURATION and field not in new and field != "args_signature":
            raise ConflictError(
                f"cannot clone task {found['number']}: it is malformed: {why}"
                f" (labq task update mends it, -u {field}=... gives the copy another)"
            )
    task.update(new)
    if name is not None:
        task["name"] = checked("name", name)
    task["args_signature"] = signature(flat(task["args"]), loose=is_loose(task))
    made = {"_id": new_id(), "status": Status.DRAFT.value, "parent": found["_id"]}
    kept = {field: value for field, value in task.items() if value is not None}
    return {**made, **kept, "retries": 0, "attempt": 0, "rev": 0}


def tag(
    store: Store, query: Document, add: Sequence[str], remove: Sequence[str] = ()
) -> EditReport:
    """Adds tags to the tasks that match, and takes others away.

    Raises:
        UsageError: no tag can be so.
    """
    more: list[str] = checked("tags", list(add))

    def tagged(task: Mapping[str, Any]) -> Document:
        tags = [one for one in dict.fromkeys([*task.get("tags", ()), *more]) if one not in remove]
        return {"tags": tags or None}

    return rewrite(store, query, _sealed, tagged)


def _sealed(task: Mapping[str, Any]) -> str:
    state = state_of(task)
    return f"{state}{instead('tag', state)}" if state == PUBLISHED else ""


def progress(store: Store, queue: str, identity: str, token: str, percent: float) -> None:
    """Notes how much of a running task is done; with a token, only while its lease holds.

    Raises:
        UsageError: it is no percentage.
        ConflictError: the task does not run, or the lease is lost.
    """
    percentage(percent)
    task: Document = {"queue": queue, "_id": identity}
    held = {**task, **takes("progress"), **({"lease.token": token} if token else {})}
    change = Change(set={"progress": percent, "modified_at": Now()}, inc={"rev": 1})
    if store.update(held, change):
        return
    if token:
        raise ConflictError(
            "the progress is refused: this attempt no longer holds the task's lease"
        )
    found = next(store.find(task), None)
    raise ConflictError(refusal("progress", found) if found else f"task {identity} is gone")


def percentage(value: Any) -> float:
    """The value, if it is one of 0 to 100.

    Raises:
        UsageError: it is not.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= 100:  # noqa: PLR2004
        raise UsageError(f"progress must be a percentage from 0 to 100, not {value!r}")
    return float(value) if isinstance(value, float) else int(value)
