"""The worker: claims tasks, runs them as child processes, and leaves nothing behind."""

from __future__ import annotations

from labq.worker.options import Finished, Options, Tally
from labq.worker.supervisor import Worker

__all__ = ["Finished", "Options", "Tally", "Worker"]
