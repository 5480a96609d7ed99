"""The worker: claims tasks, runs them as child processes, and leaves nothing behind."""

from __future__ import annotations

from labq.worker.loop import Options, Tally, Worker
from labq.worker.slot import Finished

__all__ = ["Finished", "Options", "Tally", "Worker"]
