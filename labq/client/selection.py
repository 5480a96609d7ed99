"""Which tasks a program means, and walking over them while they change."""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from labq.client.new_tasks import is_array, reference
from labq.errors import ConflictError, NotFoundError, TaskNotFound, UsageError
from labq.filters import to_json
from labq.model.task import Document, is_short
from labq.queue import Queue, Selection, groups
from labq.queue.ordering import parse_sort
from labq.queue.pages import by_number
from labq.queue.selection import in_projects, resolve
from labq.values import coerce
from labq.values.batches import batches
from labq.values.suggest import hint

if TYPE_CHECKING:
    from labq.store import Sort

PAGE = 500  # tasks per read
TOLD = 5  # candidates that an error lists

Filter = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
Words = str | Sequence[str]
Found = tuple[Document, Document | None]  # a task, and the query for the array that it stands for


def query_of(
    queue: Queue,
    refs: Sequence[Any] | None = None,
    filter: Filter | None = None,  # noqa: A002 - what `-f` is called
    status: Words | None = None,
    name: Words | None = None,
    project: str | None = None,
) -> Document:
    """The query for the tasks that all of this holds for.

    Raises:
        UsageError: a wrong filter, an unknown status.
        TaskNotFound, ConflictError: a reference to no task, or to several.
    """
    filters = [filter] if isinstance(filter, (str, Mapping)) else filter or []
    if not isinstance(filters, Sequence) or any(not isinstance(f, (str, Mapping)) for f in filters):
        raise UsageError(f"filter must be a text, a dict or a list of these, not {filter!r}")
    arrays = [one._stored() for one in refs or () if is_array(one)]  # noqa: SLF001 - its own room's
    rest = [reference(one) for one in refs or () if not is_array(one)]
    if arrays and rest:
        arrays.append({"_id": {"$in": resolve(queue.store, queue.name, rest)}})
    selection = Selection(
        None if refs is None or arrays else rest,
        _words("status", status),
        _words("name", name),
        [one if isinstance(one, str) else _written(one) for one in filters],
        _words("project", project),
    )
    query = queue.query(selection)
    return {"queue": queue.name, "$and": [query, {"$or": arrays}]} if arrays else query


def _words(what: str, given: Words | None) -> tuple[str, ...]:
    return () if given is None else tuple(coerce.texts(what, given))


def _written(filter: Mapping[str, Any]) -> str:  # noqa: A002 - the same
    try:
        return to_json(filter)
    except (TypeError, ValueError) as error:
        raise UsageError(f"filter: {error}") from None


def narrow(verb: str, given: Iterable[Any]) -> None:
    """Refuses a verb that names no task at all.

    Raises:
        UsageError: nothing was given.
    """
    if all(one is None for one in given):
        raise UsageError(f"{verb} what? Give tasks, filter, status or name (all: filter='{{}}')")


def one_of(
    queue: Queue, ref: str, project: str | None, *, latest: bool, entries: Iterable[str] = ()
) -> Found:
    """The task that a reference names within a project; of several of its name the newest.

    What is all of an array comes with the query for that.

    Raises:
        TaskNotFound: it names none, and none of these `entries` of `tasks:` in `labq.yaml`.
        ConflictError: it names several, and nobody said `latest`.
    """
    within = _within(project)
    named: Document = {"queue": queue.name, "$and": [{"name": ref}, *within]}
    hits = list(queue.find(named, sort=[("number", -1)], limit=1 if latest else TOLD + 1))
    if len(hits) > 1 and (members := groups.array_of_all(queue.store, queue.name, named)):
        return next(queue.find(members, limit=1)), members
    if len(hits) > 1:
        told = ", ".join(str(task["number"]) for task in reversed(hits[:TOLD]))
        more = ", ..." if len(hits) > TOLD else ""
        where = f" in project {project!r}" if project else ""
        raise ConflictError(
            f"{ref!r} names several tasks{where}: {told}{more}: use the number, or latest=True"
        )
    if hits:
        return hits[0], None
    try:
        (identity,) = resolve(queue.store, queue.name, [ref], within)
    except TaskNotFound as error:
        if project is None and (group := _group(queue, ref)):
            return group
        if not (known := list(entries)):
            raise
        near = hint(ref, known, f" (there are {', '.join(known)})")
        raise TaskNotFound(f"{error}, nor an entry of tasks: in labq.yaml{near}") from None
    task = next(queue.find({"queue": queue.name, "$and": [{"_id": identity}, *within]}), None)
    if task is None:
        raise TaskNotFound(f"no task {ref!r} in project {project!r} of queue {queue.name!r}")
    is_id = ref.lower() == task["_id"]
    return task, groups.led_by(queue.store, queue.name, task) if is_id else None


def _group(queue: Queue, ref: str) -> Found | None:
    """The members of a group, by its name or id, and the first of them."""
    try:
        members = groups.query_of(queue.name, groups.find(queue.store, queue.name, ref))
    except NotFoundError:
        return None
    first = next(queue.find(members, sort=[("index", 1), ("number", 1)], limit=1), None)
    return None if first is None else (first, members)


def called(queue: Queue, short: str, project: str | None) -> Document | None:
    """The task of a short name, if there is one."""
    if not is_short(short):
        return None
    parts = [{"short": short}, *_within(project)]
    return next(queue.find({"queue": queue.name, "$and": parts}), None)


def drafts(queue: Queue, name: str, project: str | None) -> list[Found]:
    """The drafts of a name, two at most; an array of them is one."""
    parts = [{"name": name, "status": "draft"}, *_within(project)]
    query: Document = {"queue": queue.name, "$and": parts}
    hits = list(queue.find(query, limit=2))
    if len(hits) > 1 and (members := groups.array_of_all(queue.store, queue.name, query)):
        return [(hits[0], members)]
    return [(task, None) for task in hits]


def _within(project: str | None) -> list[Document]:
    return [] if project is None else [in_projects([coerce.text("project", project)])]


def order_of(sort: Words | None) -> Sort:
    """`args.lr:desc` -> ("args.lr", -1), as `ls --sort` has it; by number at last.

    Raises:
        UsageError: no such field or direction.
    """
    return parse_sort(_words("sort", sort), "sort")


def walk(
    queue: Queue, query: Document, order: Sort, limit: int | None
) -> Iterator[tuple[Document, float]]:
    """The tasks that match, each with the monotonic time at which its page was read.

    Each comes once, whatever becomes of it meanwhile.

    By number it goes up to the highest that there is at the start, and finds each as it is when its
    page is read. In another order, that of the start holds: those that are gone by then are left
    out, and those that no longer match are not.
    """
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        raise UsageError(f"limit must be 0 or more, not {limit!r}")
    if order in ([("number", 1)], [("number", -1)]):
        found = _by_number(queue, query, down=order == [("number", -1)])
    else:
        found = _by_order(queue, query, order)
    return islice(found, limit or None)


def _by_number(queue: Queue, query: Document, *, down: bool) -> Iterator[tuple[Document, float]]:
    pages = by_number(queue.store, {**query, "queue": queue.name}, PAGE, down=down)
    read_at = time.monotonic()
    for page in pages:
        yield from ((task, read_at) for task in page)
        read_at = time.monotonic()


def _by_order(queue: Queue, query: Document, order: Sort) -> Iterator[tuple[Document, float]]:
    found = queue.store.find(query, sort=order, fields=("number",), steady=True)
    odd: deque[str] = deque()  # the ids of those that another program gave no number
    numbers = array("q", (_noted(task, odd) for task in found))
    for page in batches(numbers, PAGE):
        read_at = time.monotonic()
        there = {
            task["number"]: task
            for task in queue.find({"queue": queue.name, "number": {"$in": page}})
        }
        for number in page:
            if number in there:
                yield there[number], read_at
            elif not number:
                ids: Document = {"queue": queue.name, "_id": odd.popleft()}
                yield from ((task, read_at) for task in queue.find(ids))


def _noted(task: Document, odd: deque[str]) -> int:
    number: int = task["number"]
    if not number:
        odd.append(task["_id"])
    return number
