"""A queue: the verbs on its tasks, over a store.

What is named here is imported when it is first used: `task submit` needs neither edits nor leases.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labq.queue.edit import Edit, EditReport, parse_edit
    from labq.queue.leases import Claim, Ending, WorkerName
    from labq.queue.queue import Queue
    from labq.queue.selection import Selection

__all__ = [
    "Claim",
    "Edit",
    "EditReport",
    "Ending",
    "Queue",
    "Selection",
    "WorkerName",
    "parse_edit",
]

_HOMES = {
    **dict.fromkeys(("Edit", "EditReport", "parse_edit"), "labq.queue.edit"),
    **dict.fromkeys(("Claim", "Ending", "WorkerName"), "labq.queue.leases"),
    "Queue": "labq.queue.queue",
    "Selection": "labq.queue.selection",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'labq.queue' has no attribute {name!r}")
