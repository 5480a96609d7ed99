"""`labq queue rename`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, note, plural
from labq.cli.queue.pausing import queue_named
from labq.errors import UsageError
from labq.queue import settings, workers


def command(
    names: Annotated[list[str], typer.Argument(metavar="OLD NEW", show_default=False)],
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Give a queue another name: all its tasks move, with their numbers. None may run.

    One that was interrupted goes on where it is run again.

    Examples:
      labq queue rename night evening
    """
    if len(names) != (2 if queue is None else 1):
        raise UsageError("give the old name and the new one: labq queue rename OLD NEW")
    here = queue_named(names[0] if names[1:] else None, queue, uri)
    moved = settings.rename(here.store, here.name, names[-1])
    if json:
        json_line({"queue": names[-1], "before": here.name, "moved": moved})
    elif not quiet:
        note(f"queue {here.name} is {names[-1]} now: moved {plural(moved)}")
    at_work = len(workers.listed(here.store, here.name))
    if at_work and not quiet:
        note(f"labq: warning: {plural(at_work, 'worker')} of {here.name} will find no tasks there")
