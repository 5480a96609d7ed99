"""Groups of tasks, above all arrays: one task per index, submitted as one and looked at as one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from labq.command.words import normalised
from labq.errors import ConflictError, NotFoundError, UsageError
from labq.model.arrays import Array, array_of, as_text, merged
from labq.model.task import TERMINAL, Document, Status, keyed_id, require_one
from labq.queue.selection import NUMBER
from labq.store import Run, Store
from labq.values.batches import batches
from labq.values.text import shortened

PREFIX = re.compile(r"[0-9a-f]{4,31}")
CHUNK = 1000  # ids per query
LONGEST = 120  # characters of a name
ENDED: Document = {"status": {"$in": [status.value for status in TERMINAL]}}
RESULT = (
    *("number", "name", "index", "status", "outcome", "reason", "summary", "results", "artifacts"),
    *("attempt", "attempts", "started_at", "ended_at"),
)


def checked_group(text: str) -> str:
    """A name for a group.

    Raises:
        UsageError: it is none, or could be taken for the number of a task.
    """
    name = str(normalised(text, "--group"))
    if not name.strip() or not name.isprintable() or len(name) > LONGEST:
        told = shortened(repr(text))
        raise UsageError(f"{told} cannot name a group (printable, at most {LONGEST} characters)")
    if NUMBER.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a group: a number names a task")
    return name


def instances(
    draft: Document, array: Array, group: str | None = None, key: tuple[str, str] | None = None
) -> Iterator[Document]:
    """A task like the draft for each index of the array, to be submitted.

    Their ids follow from the key, or from the draft's own id, which the first one keeps: the same
    submit gives the same ids.

    Args:
        draft: what they share.
        array: their indexes.
        group: what their group is called; without it an id, which follows likewise.
        key: the queue's name and a text.

    Raises:
        UsageError: they are several, and the draft has a short name, or asks for other replicas.
    """
    if (asked := replicas(draft)) > 1 and array != array_of(asked):
        raise UsageError(
            f"give an array or replicas, not both: the array has {array.count:,} instances, "
            f"and the resources ask for {asked:,} replicas"
        )
    yield from _numbered(draft, array, group, key)


def _numbered(
    draft: Document, array: Array, group: str | None = None, key: tuple[str, str] | None = None
) -> Iterator[Document]:
    words = (draft["_id"],) if key is None else key
    group = group or keyed_id(*words)
    require_one(draft, array.count)
    for at, index in enumerate(array):
        own = draft["_id"] if key is None and not at else keyed_id(*words, str(index))
        yield {**draft, "_id": own, "group": group, "index": index, "count": array.count}


def expanded(task: Document) -> Iterator[Document]:
    """The task itself or, where its named resources ask for replicas, an instance for each of them.

    Each instance has every resource once, so there are as many as the resource with the most asks.

    Raises:
        ArrayError: it asks for more than an array has.
    """
    count = replicas(task)
    if count == 1 or "index" in task:
        yield task
    else:
        yield from _numbered(task, array_of(count), task.get("group"))


def replicas(task: Document) -> int:
    """How many instances a task's named resources ask for."""
    named = (held for held in task.get("resources", {}).values() if isinstance(held, Mapping))
    return max((held.get("replicas", 1) for held in named), default=1)


def query_of(queue: str, group: str) -> Document:
    """The query for the members of a group."""
    return {"queue": queue, "group": group}


def led_by(store: Store, queue: str, task: Document) -> Document | None:
    """The query for the array whose first instance a task is; None where it is none.

    A group may have more than one array in it: the ids of the instances follow from the first's.
    """
    group = task.get("group")
    if group is None or task.get("index") is None:
        return None
    members = query_of(queue, group)
    there = indexes(store, queue, group)
    if store.count(members) == there.count == task.get("count"):
        return members if task["index"] == next(iter(there)) else None
    others = (index for index in there if index != task["index"])
    ids: list[str] = []
    for some in batches((keyed_id(task["_id"], str(index)) for index in others), CHUNK):
        found = store.find({**members, "_id": {"$in": some}}, fields=("_id",))
        ids += [one["_id"] for one in found]
    return {**members, "_id": {"$in": [task["_id"], *ids]}} if ids else None


def array_of_all(store: Store, queue: str, query: Document) -> Document | None:
    """The query for the array that all tasks that match are, and no others; None: they are none."""
    first = next(store.find(query, sort=[("number", 1)], limit=1), None)
    if first is None or first.get("group") is None or first.get("index") is None:
        return None
    members = query_of(queue, first["group"])
    count = store.count(query)
    both = store.count({"$and": [query, members]})
    return members if count == both == store.count(members) else None


def find(store: Store, queue: str, ref: str) -> str:
    """The group that `ref` names: its name, its id or the start of it, or a member's number.

    Raises:
        NotFoundError: it names none.
        ConflictError: it names several, or a task of no group.
    """
    normalised(ref, "GROUP")
    if NUMBER.fullmatch(ref):
        task = next(store.find({"queue": queue, "number": int(ref)}, fields=("group",)), None)
        if task is not None and "group" not in task:
            raise ConflictError(f"task {ref} is in no group")
        if task is not None:
            return str(task["group"])
    if next(store.find(query_of(queue, ref), limit=1, fields=("_id",)), None):
        return ref
    if PREFIX.fullmatch(ref.lower()):
        return _begun_by(store, queue, ref.lower())
    raise _no_group(queue, ref)


def _no_group(queue: str, ref: str) -> NotFoundError:
    return NotFoundError(f"no group {ref!r} in queue {queue!r} (labq task group ls names them)")


def _begun_by(store: Store, queue: str, start: str) -> str:
    """The one group whose name begins so; one query finds each group, however large it is."""
    hits: list[str] = []
    beyond = {"$gte": start, "$lt": start + "g"}
    while len(hits) < 6:  # noqa: PLR2004 - enough to say that there are more
        query = {"queue": queue, "group": beyond}
        first = next(store.find(query, sort=[("group", 1)], limit=1, fields=("group",)), None)
        if first is None:
            break
        hits.append(first["group"])
        beyond = {"$gt": first["group"], "$lt": start + "g"}
    if not hits:
        raise _no_group(queue, start)
    if len(hits) > 1:
        told = ", ".join(hits[:5]) + ", ..." * (len(hits) > 5)  # noqa: PLR2004
        raise ConflictError(f"{start!r} names several groups: {told}")
    return hits[0]


@dataclass(frozen=True)
class GroupStatus:
    """How a group stands; the statuses that no member has are left out."""

    group: str
    count: int
    statuses: dict[str, int]  # how many members each has
    ranges: dict[str, str]  # their indexes, such as "0-3,7"; of those that have one
    progress: float  # 0 to 100: the mean over the members, 100 for one that has ended
    running_cores: float  # that the running ones ask for; 1 for one that does not say
    created_at: datetime | None  # of the first
    started_at: datetime | None  # the earliest start of an attempt that is a member's latest
    ended_at: datetime | None  # of the last, once all have ended

    @property
    def running_instances(self) -> int:
        """How many members run."""
        return self.statuses.get(Status.RUNNING.value, 0)


def status(store: Store, queue: str, group: str) -> GroupStatus:
    """How a group stands, by one query, whose answer is as long as its ranges are many.

    Raises:
        NotFoundError: it has no member.
    """
    runs = store.runs(queue, group)
    if not runs:
        raise _no_group(queue, group)
    statuses: Counter[str] = Counter()
    for run in runs:
        statuses[run.status] += run.count
    counts = {one.value: statuses[one.value] for one in Status if statuses[one.value]}
    count, ended = statuses.total(), sum(statuses[one.value] for one in TERMINAL)
    running = [run for run in runs if run.status == Status.RUNNING.value]
    done = 100 * ended + sum(run.progress for run in running)
    return GroupStatus(
        group,
        count,
        counts,
        {name: text for name in counts if (text := _indexes(runs, name))},
        round(done / count, 2),
        sum(run.cpus for run in running),
        min((run.created_at for run in runs if run.created_at), default=None),
        min((run.started_at for run in runs if run.started_at), default=None),
        max((run.ended_at for run in runs if run.ended_at), default=None)
        if ended == count
        else None,
    )


def _indexes(runs: list[Run], name: str) -> str:
    return as_text(merged(_ranges([run for run in runs if run.status == name])))


def _ranges(runs: list[Run]) -> list[tuple[int, int]]:
    return [(run.first, run.last) for run in runs if run.first is not None and run.last is not None]


def indexes(store: Store, queue: str, group: str) -> Array:
    """Which indexes the members of a group have."""
    return Array(merged(_ranges(store.runs(queue, group))))


def completed(store: Store, queue: str, group: str, limit: int = 0) -> Iterator[Document]:
    """The members that have ended, by index, with what came of them: the fields of RESULT."""
    query = {**query_of(queue, group), **ENDED}
    order = [("index", 1), ("number", 1)]
    return store.find(query, sort=order, limit=limit, fields=RESULT)
