"""Where the tasks of a client come from."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from labq.model.task import Document
from labq.queue import Queue
from labq.source.capture import capture

if TYPE_CHECKING:
    from labq.client.client import Client

MOMENT = 2.0  # seconds for which a tree is taken to be as it was: a loop submits by the hundred


def noted(client: Client, task: Document) -> Document:
    """The new task with its `source`, unless it has one or the settings want none."""
    settings = client.settings
    if not settings.source or "source" in task:
        return task
    folder = task.get("cwd") or os.getcwd()  # noqa: PTH109 - as a submit of the command line
    words = tuple(task["cmd"]) if "cmd" in task else None
    now = int(time.monotonic() / MOMENT)
    return {**task, "source": deepcopy(_seen(client.queue, settings.home, folder, words, now))}


@lru_cache(maxsize=4)
def _seen(
    queue: Queue, home: Path, folder: str, words: Sequence[str] | None, _now: int
) -> Document:
    return capture(queue.store.blobs, home, folder, words, script=sys.argv[0], ours=words is None)
