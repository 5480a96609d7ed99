"""The task that a command inside of a job is about: the job's own, by the token of its lease."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from labq.errors import UsageError

if TYPE_CHECKING:
    from labq.queue import Queue
    from labq.spool import Spool


def spool() -> Spool | None:
    """The folder that holds the record of the offline run that this is in, if it is in one."""
    folder = os.environ.get("LABQ_SPOOL")
    if not folder:
        return None
    from labq.spool import Spool

    return Spool(Path(folder))


def own(here: Queue, ref: str | None, example: str) -> tuple[str, str]:
    """The id of the task that `ref` names, or of the job's own with its token.

    Raises:
        UsageError: none is named, and this is no job; it quotes the example.
    """
    if ref is not None:
        return here.get(ref)["_id"], ""
    if identity := os.environ.get("LABQ_TASK_ID", ""):
        return identity, os.environ.get("LABQ_TOKEN", "")
    raise UsageError(f"this is not a labq task: name one, {example}")
