"""A queue: the verbs on its tasks, over a store."""

from __future__ import annotations

from labq.queue.edit import Edit, EditReport, parse_edit
from labq.queue.leases import Claim, Ending, WorkerName
from labq.queue.queue import Queue
from labq.queue.selection import Selection

__all__ = ["Claim", "Edit", "EditReport", "Ending", "Queue", "Selection", "WorkerName", "parse_edit"]
