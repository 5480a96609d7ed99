"""What a task has from its parent: the scalar values of its summary, as variables for its job."""

from __future__ import annotations

from typing import Any

from labq.args import text_of
from labq.store import Store
from labq.task import Document

LONGEST = 4096  # bytes of a value: a process starts with little room, and a text may be a whole log
ROOM = 65_536  # bytes of all of them


def inherited(store: Store, task: Document) -> dict[str, str]:
    """The variables that the parent's summary makes: of numbers, texts and truth values.

    A key that no variable can be named by, or that is labq's own, makes none; nor does what is too
    long for the room of them all.
    """
    query = {"queue": task["queue"], "_id": task["parent"]}
    parent: Document = next(iter(store.find(query, fields=("summary",))), {})
    found: dict[str, str] = {}
    room = ROOM
    for name, value in sorted(parent.get("summary", {}).items()):
        size = len(name) + len(text_of(value).encode())
        if _may_be_variable(name, value) and size <= min(LONGEST, room):
            found[name] = text_of(value)
            room -= size
    return found


def _may_be_variable(name: str, value: Any) -> bool:
    named = name.isascii() and name.isidentifier() and not name.startswith("LABQ_")
    return named and isinstance(value, (str, int, float))
