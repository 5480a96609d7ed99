"""`labq queue delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import ask, attended, json_line, note, plural
from labq.cli.queue.pausing import Name, queue_named
from labq.errors import UsageError
from labq.queue import settings


def command(
    name: Name = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even what runs, or is published.")
    ] = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove a queue with all its tasks, for good.

    With --force jobs that run are ended by their workers, within a heartbeat.

    Examples:
      labq queue delete night
      labq queue delete night --yes --force
    """
    if name is None and queue is None:
        raise UsageError("delete which queue? Give its NAME")
    here = queue_named(name, queue, uri)
    total = here.count({"queue": here.name})
    if total and not yes and not attended():
        raise UsageError(f"this removes {plural(total)} for good: add --yes")
    question = f"Remove queue {here.name} and its {plural(total)} for good?"
    if total and not ask(question, yes=yes):
        return
    deleted = settings.delete(here.store, here.name, force=force, home=here.home)
    if json:
        json_line({"queue": here.name, "deleted": deleted})
    elif not quiet:
        note(f"deleted queue {here.name} and its {plural(deleted)}")
