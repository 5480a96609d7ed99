"""`labq.current_task`: what a job may know of its task."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labq.job.context import books


@dataclass(frozen=True)
class CurrentTask:
    """The task that this process runs as, as it was when it was asked for."""

    id: str
    number: int
    queue: str
    attempt: int
    name: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    group: str | None = None
    index: int | None = None
    folder: Path = field(default_factory=Path)  # of its own, the same for all its attempts


def current_task() -> CurrentTask | None:
    """The task that this process runs as; None, without a warning, where it is none.

    Raises:
        StoreError: the store cannot be reached.
        ConflictError: the task was removed.
    """
    if not os.environ.get("LABQ_TASK_ID") or (found := books("current_task")) is None:
        return None
    task = found.task()
    same = ("name", "args", "metadata", "summary", "parent", "group", "index")
    return CurrentTask(
        id=task["_id"],
        number=task["number"],
        queue=task["queue"],
        attempt=int(os.environ.get("LABQ_ATTEMPT") or task["attempt"]),
        tags=tuple(task.get("tags", ())),
        folder=Path(os.environ.get("LABQ_TASK_DIR", "")),
        **{name: task[name] for name in same if name in task},
    )
