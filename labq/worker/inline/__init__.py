"""Tasks as a loop of this process: a worker of one slot that starts no other process."""

from __future__ import annotations

from labq.worker.inline.loop import Loop, loop
from labq.worker.inline.task import LoopTask

__all__ = ["Loop", "LoopTask", "loop"]
