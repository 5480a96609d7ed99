"""A queue: the verbs on its tasks, over a store.

What is named here is imported when it is first used: `task submit` needs neither edits nor leases.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labq.queue.claims import Claim, Ending, WorkerName
    from labq.queue.edits import Edit, EditReport, parse_edit
    from labq.queue.queue import Queue
    from labq.queue.recovery import Swept
    from labq.queue.selection import Selection
    from labq.queue.verbs import Cancelled

__all__ = [
    "Cancelled",
    "Claim",
    "Edit",
    "EditReport",
    "Ending",
    "Queue",
    "Selection",
    "Swept",
    "WorkerName",
    "parse_edit",
]

_HOMES = {
    **dict.fromkeys(("Edit", "EditReport", "parse_edit"), "labq.queue.edits"),
    **dict.fromkeys(("Claim", "Ending", "WorkerName"), "labq.queue.claims"),
    "Queue": "labq.queue.queue",
    "Selection": "labq.queue.selection",
    "Swept": "labq.queue.recovery",
    "Cancelled": "labq.queue.verbs",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'labq.queue' has no attribute {name!r}")
