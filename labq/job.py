"""From inside a job: what it tells of itself while it runs."""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labq.queue import Queue


def report(**values: Any) -> None:
    """Merges values into the `summary` of the task that this process runs as.

    Outside of a task it warns once and does nothing, so that a script runs without labq too.

    Args:
        values: JSON values; a dict joins what is under its key already. NumPy and PyTorch scalars
            are taken by their `item()`.

    Raises:
        ArgsError: a value that cannot be stored.
        ConflictError: the task's lease is lost: another worker may run it by now.
        StoreError: the store cannot be reached.
    """
    identity = os.environ.get("LABQ_TASK_ID")
    if not identity:
        _outside()
        return
    plain = {
        key: getattr(value, "item", lambda value=value: value)() for key, value in values.items()
    }
    queue = _queue(os.environ["LABQ_URI"], os.environ["LABQ_QUEUE"])
    queue.report(identity, os.environ.get("LABQ_TOKEN", ""), plain)


@lru_cache(maxsize=1)
def _queue(uri: str, name: str) -> Queue:
    from labq.queue import Queue
    from labq.store import open_store

    return Queue(open_store(uri), name)


@lru_cache(maxsize=1)
def _outside() -> None:
    warnings.warn("labq.report: this process is not a labq task, nothing is stored", stacklevel=3)
