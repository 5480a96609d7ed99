"""Tasks as a loop of this process: a worker of one slot that starts no other process."""

from __future__ import annotations

from labq.inprocess.loop import Loop, loop
from labq.inprocess.task_handle import LoopTask

__all__ = ["Loop", "LoopTask", "loop"]
