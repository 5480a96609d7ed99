"""What a task has from its parent: the scalar values of its summary, as variables for its job."""

from __future__ import annotations

from typing import Any

from labq.command.words import text_of
from labq.model.task import Document
from labq.store import Store

LONGEST = 4096  # bytes of a value: a process starts with little room, and a text may be a whole log
ROOM = 65_536  # bytes of all of them
# What makes programs start, and find their way: no summary is to change that.
STEERING = ("LABQ_", "LD_", "DYLD_", "PYTHON")  # beginnings of names
STEERS = frozenset(
    (
        *("PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "TMPDIR", "USER", "LOGNAME"),
        "CUDA_VISIBLE_DEVICES",
    )
)


def inherited(store: Store, task: Document) -> dict[str, str]:
    """The variables that the parent's summary makes: of numbers, texts and truth values.

    A key that no variable can be named by, that is labq's own, or that steers how programs start,
    makes none; nor does what no variable can hold, or what is too long for the room of them all.
    """
    query = {"queue": task["queue"], "_id": task["parent"]}
    parent: Document = next(iter(store.find(query, fields=("summary",))), {})
    found: dict[str, str] = {}
    room = ROOM
    for name, value in sorted(parent.get("summary", {}).items()):
        if not (_may_be_named(name) and _may_be_held(value)):
            continue
        size = len(name) + len(text_of(value).encode())
        if size <= min(LONGEST, room):
            found[name] = text_of(value)
            room -= size
    return found


def _may_be_named(name: str) -> bool:
    plain = name.isascii() and name.isidentifier()
    return plain and name not in STEERS and not name.startswith(STEERING)


def _may_be_held(value: Any) -> bool:
    if not isinstance(value, (str, int, float)):
        return False
    text = text_of(value)
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
