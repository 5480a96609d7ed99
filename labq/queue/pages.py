"""Walking over the tasks of a queue that changes meanwhile, a page at a time: each comes once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from labq.model.shapes import MOST
from labq.model.sound import MALFORMED
from labq.model.task import Document
from labq.store import Store

NUMBER = {"$gt": 0, "$lt": MOST}  # what labq gives; another program may have given none


def by_number(
    store: Store, query: Document, size: int, *, down: bool = False
) -> Iterator[list[Document]]:
    """The tasks of a query that names their queue, up to the highest number that there is now.

    They are read whole, each as it is when its page is read. Those whose number is none come last,
    but for such as stand between the others.
    """
    queue, way = {"queue": query["queue"]}, -1 if down else 1
    bounds = {**NUMBER, "$lte": _highest(store, {**queue, "$and": [query, {"number": NUMBER}]})}
    odd: list[str] = []  # the ids of those without a number that were met on the way
    while bounds["$lte"]:
        left_out = [{"_id": {"$nin": odd}}] if odd else []
        page = {**queue, "$and": [query, {"number": bounds}, *left_out]}
        tasks = list(store.find(page, sort=[("number", way)], limit=size, steady=True))
        if tasks:
            yield tasks
        if len(tasks) < size:
            break
        odd += [task["_id"] for task in tasks if "number" in task.get(MALFORMED, ())]
        at = next((one["number"] for one in reversed(tasks) if one["_id"] not in odd), None)
        if at is not None:
            bounds = {**bounds, "$lt" if down else "$gt": at}
    rest = {**queue, "$and": [query, {"number": {"$not": NUMBER}}]}
    if tasks := list(store.find(rest, steady=True)):
        yield tasks


def _highest(store: Store, numbered: Document) -> int:
    """The highest number among these tasks; 0 where there is none."""
    for most in (1, 0):  # the first is it, but for what another program wrote
        newest = store.find(numbered, sort=[("number", -1)], limit=most, fields=("number",))
        with closing(newest):  # type: ignore[type-var]  # a read that is open keeps writes waiting
            found = next((task["number"] for task in newest if MALFORMED not in task), 0)
        if found:
            return int(found)
    return 0
