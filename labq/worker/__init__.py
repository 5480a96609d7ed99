"""The worker: claims tasks, runs them as child processes, and leaves nothing behind."""

from __future__ import annotations

from labq.worker.loop import Worker
from labq.worker.options import Finished, Options, Tally

__all__ = ["Finished", "Options", "Tally", "Worker"]
