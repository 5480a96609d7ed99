"""From inside a job: what it tells of itself while it runs."""

from __future__ import annotations

import math
import os
import time
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labq.queue import Queue

PATIENCE = 60.0  # seconds: as long as the lease lasts, unless configured


def report(**values: Any) -> None:
    """Merges values into the `summary` of the task that this process runs as.

    Outside of a task it warns once and does nothing, so that a script runs without labq too.

    While the store cannot be reached it tries for PATIENCE seconds, and warns then: a training is
    not lost for a report.

    Args:
        values: JSON values; a dict joins what is under its key already. NumPy and PyTorch values
            become numbers and lists, `nan` and `inf` the texts of those names.

    Raises:
        ArgsError: a value that cannot be stored.
        ConflictError: the task's lease is lost: another worker may run it by now.
    """
    identity = os.environ.get("LABQ_TASK_ID")
    if not identity:
        _outside()
        return None
    from labq.errors import StoreError

    plain = {key: _plain(value) for key, value in values.items()}
    until = time.monotonic() + PATIENCE
    while True:
        try:
            queue = _queue(os.environ["LABQ_URI"], os.environ["LABQ_QUEUE"])
            return queue.report(identity, os.environ.get("LABQ_TOKEN", ""), plain)
        except StoreError as error:  # noqa: PERF203 - it is the trying again that is wanted
            if time.monotonic() >= until:
                warnings.warn(f"labq.report: {plain} is not stored: {error}", stacklevel=2)
                return None
            time.sleep(1)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # of NumPy and PyTorch alike, scalars and arrays
        return _plain(value.tolist())
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@lru_cache(maxsize=1)
def _queue(uri: str, name: str) -> Queue:
    from labq.queue import Queue
    from labq.store import open_store

    return Queue(open_store(uri), name)


@lru_cache(maxsize=1)
def _outside() -> None:
    warnings.warn("labq.report: this process is not a labq task, nothing is stored", stacklevel=3)
