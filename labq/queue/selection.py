"""Which tasks a command is about: references, statuses, names, filters, ANDed into one query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from labq import clock
from labq.command.words import normalised
from labq.errors import ConflictError, TaskNotFound, UsageError
from labq.filters import compile_filter
from labq.filters.closed import Closed
from labq.model.task import (
    FIELDS,
    SEALED_WORDS,
    STATUS_WORDS,
    TERMINAL,
    TYPES,
    Document,
    Status,
    is_short,
    status_query,
)
from labq.store import Store
from labq.values.batches import batches

ID = re.compile(r"[0-9a-f]{32}")
WHOLE_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{24}")  # MongoDB's own ids are of 24
NUMBER = re.compile(r"[0-9]{1,18}")
PREFIX = re.compile(r"[0-9a-f]{4,31}")
NUMBERED = re.compile(r"(.+)#([0-9]{1,18})", re.DOTALL)  # a name and a number
CHUNK = 1000  # references per query


@dataclass(frozen=True)
class Selection:
    """What a person said of the tasks that they mean; an empty `refs` is none of them."""

    refs: Sequence[str] | None = None
    statuses: Sequence[str] = ()
    names: Sequence[str] = ()
    filters: Sequence[str] = ()
    projects: Sequence[str] = ()  # each with all below it
    latest: bool | None = None  # a reference that names several is the newest of them

    @property
    def narrows(self) -> bool:
        """Whether anything at all was said."""
        said = self.statuses or self.names or self.filters or self.projects
        return self.refs is not None or bool(said)

    def query(self, store: Store, queue: str, say: Callable[[str], None] | None = None) -> Document:
        """The MongoDB query, which cannot reach outside of its queue; `say` as of `resolve`.

        Raises:
            UsageError: an unknown status, a wrong filter.
            NotFoundError, ConflictError: a reference to no task, or to several.
        """
        parts = [in_projects(self.projects)] if self.projects else []
        if self.refs is not None:
            ids = resolve(store, queue, self.refs, parts, latest=self.latest, say=say)
            parts.append({"_id": ids[0]} if len(ids) == 1 else {"_id": {"$in": ids}})
        if self.statuses:
            words = [word for text in self.statuses for word in text.split(",")]
            shown: dict[str, Callable[[], Document]] = {
                "stalled": partial(_stalled, store),
                "stopping": _stopping,
            }
            queries = (shown.get(w.strip().lower(), partial(status_query, w))() for w in words)
            wanted = list({repr(query): query for query in queries}.values())
            parts.append(wanted[0] if len(wanted) == 1 else {"$or": wanted})
        if self.names:
            parts.append(
                {"name": {"$in": list(self.names)} if len(self.names) > 1 else self.names[0]}
            )
        parts += [compile_filter(text, FIELDS, clock.now, closed()) for text in self.filters]
        parts = [part for part in parts if part]
        return {"queue": queue, "$and": parts} if parts else {"queue": queue}


def _stopping() -> Document:
    """Running tasks that were asked to stop."""
    return {"status": Status.RUNNING.value, "stop_requested": {"$exists": True}}


def closed() -> dict[str, Closed]:
    """The fields whose words a filter may not miss."""
    several = {
        word: " or ".join(f'"{status}"' for status in those) for word, those in STATUS_WORDS.items()
    }
    others = dict.fromkeys(SEALED_WORDS, "exists(published_at)")
    others |= {"stopping": "exists(stop_requested)", "stalled": "-s stalled"}
    statuses = Closed([str(status) for status in Status], {**several, **others})
    outcomes = Closed([str(status) for status in TERMINAL], several)
    return {"status": statuses, "outcome": outcomes, "type": Closed(TYPES, {})}


def _stalled(store: Store) -> Document:
    """Running tasks whose lease is over: the next sweep gives them back."""
    return {"status": Status.RUNNING.value, **store.over("lease.expires_at")}


def stalled(store: Store, tasks: Sequence[Document]) -> set[str]:
    """The ids of those of these tasks that are stalled, as the store has them now."""
    ids = [task["_id"] for task in tasks if task["status"] == Status.RUNNING.value]
    found = store.find({"_id": {"$in": ids}, **_stalled(store)}, fields=("_id",)) if ids else ()
    return {task["_id"] for task in found}


def in_projects(projects: Sequence[str]) -> Document:
    """The query for the tasks of these projects and of all below them: `a` has those of `a/b` too.

    Raises:
        UsageError: a path that is empty.
    """
    each: list[Document] = []
    for text in projects:
        path = str(normalised(text, "--project")).strip("/")
        if not path:
            raise UsageError(f"{text!r} is no project (write a/b)")
        below = {"$gte": f"{path}/", "$lt": f"{path}0"}  # 0 is what follows the slash in ASCII
        each += [{"project": path}, {"project": below}]
    return {"$or": each}


def resolve(
    store: Store,
    queue: str,
    refs: Sequence[str],
    among: Sequence[Document] = (),
    *,
    latest: bool | None = None,
    say: Callable[[str], None] | None = None,
) -> list[str]:
    """The ids of the tasks that `refs` name.

    A reference is a number, an id, a short name, a unique prefix of an id, a name, or
    `name#number`; what is several of these is the first of them, but for a prefix that is a name.
    A name or a prefix need only be the one `among` those that match; with `latest` the newest of
    several is it. It is None where nobody is offered `--latest`, and False where they are.
    `say` is told where a number or a short name is another task's name too, and where digits are
    no task's number but something else.

    Raises:
        TaskNotFound: one names no task of the queue.
        ConflictError: one names several; the message lists them, and says what to give.
    """
    for ref in refs:
        normalised(ref, "REF")
    found: dict[str, str] = {}
    for chunk in batches(dict.fromkeys(ref for ref in refs if NUMBER.fullmatch(ref)), CHUNK):
        query = {"queue": queue, "number": {"$in": [int(ref) for ref in chunk]}}
        numbers = {task["number"]: task["_id"] for task in store.find(query, fields=("number",))}
        found.update({ref: numbers[int(ref)] for ref in chunk if int(ref) in numbers})
    if say is not None and found:
        _say_of_namesakes(store, queue, found, "number", say)
    for chunk in batches(
        dict.fromkeys(ref for ref in refs if WHOLE_ID.fullmatch(ref.lower())), CHUNK
    ):
        query = {"queue": queue, "_id": {"$in": [ref.lower() for ref in chunk]}}
        there = {task["_id"] for task in store.find(query, fields=("_id",))}
        found.update({ref: ref.lower() for ref in chunk if ref.lower() in there})
    shorts: dict[str, str] = {}
    for chunk in batches((ref for ref in refs if ref not in found and is_short(ref)), CHUNK):
        query = {"queue": queue, "short": {"$in": list(dict.fromkeys(chunk))}}
        shorts.update({t["short"]: t["_id"] for t in store.find(query, fields=("short",))})
    if say is not None and shorts:
        _say_of_namesakes(store, queue, shorts, "short name", say)
    found.update(shorts)
    for ref in refs:
        if ref not in found:
            found[ref] = _one(store, queue, ref, among, latest=latest, say=say)
    return list(dict.fromkeys(found[ref] for ref in refs))


def _say_of_namesakes(
    store: Store, queue: str, found: Mapping[str, str], kind: str, say: Callable[[str], None]
) -> None:
    """Says which of the references, each found to be such a `kind`, name other tasks too."""
    others: dict[str, list[str]] = {}
    for chunk in batches(found, CHUNK):
        named = {"queue": queue, "name": {"$in": chunk}}
        for task in store.find(named, fields=("name", "number"), sort=[("number", 1)]):
            if found.get(task.get("name", ""), task["_id"]) != task["_id"]:
                others.setdefault(task["name"], []).append(str(task["number"]))
    for ref, numbers in others.items():
        if len(numbers) == 1:
            rest = f"task {numbers[0]} is named {ref}, too: write {numbers[0]} for it"
        else:
            more = ", ..." if len(numbers) > 5 else ""  # noqa: PLR2004
            rest = f"tasks {', '.join(numbers[:5])}{more} are named {ref}, too: write a number"
        say(f"labq: {ref} is the {kind} of a task; {rest}")


def _one(
    store: Store,
    queue: str,
    ref: str,
    among: Sequence[Document],
    *,
    latest: bool | None,
    say: Callable[[str], None] | None,
) -> str:
    """The id of the one task that `ref` names, which is neither a number nor a whole id."""
    either: list[Document] = [{"name": ref}]
    if PREFIX.fullmatch(ref.lower()):
        either.append({"_id": {"$gte": ref.lower(), "$lt": ref.lower() + "g"}})
    if numbered := NUMBERED.fullmatch(ref):
        either.append({"name": numbered[1], "number": int(numbered[2])})
    query = {"queue": queue, "$and": [{"$or": either}, *among]}
    order = [("number", -1 if latest else 1)]
    most = 1 if latest else 6
    hits = list(store.find(query, sort=order, limit=most, fields=("number", "name")))
    if not hits:
        from labq.queue.presence import absence

        where = absence(store, queue)
        if where:
            raise TaskNotFound(f"no task {ref!r} in queue {queue!r}: {where}")
        raise TaskNotFound(f"no task {ref!r} in queue {queue!r} (labq task ls shows what is there)")
    if len(hits) > 1:
        told = ", ".join(f"{t['number']} ({t.get('name', t['_id'][:8])})" for t in hits[:5])
        more = ", ..." if len(hits) > 5 else ""  # noqa: PLR2004
        how = "use the number" if latest is None else "use the number, or --latest"
        raise ConflictError(f"{ref!r} names several tasks: {told}{more}: {how}")
    if say is not None and NUMBER.fullmatch(ref):
        number, is_name = hits[0]["number"], hits[0].get("name") == ref
        which = "whose name it is" if is_name else "whose id begins with it"
        say(f"labq: no task has the number {ref}: it is taken for task {number}, {which}")
    identity: str = hits[0]["_id"]
    return identity
