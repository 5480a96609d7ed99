"""`labq task show`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, public


def command(
    refs: Annotated[list[str], typer.Argument(metavar="REF...", show_default=False)],
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show all of a task. REF is its number, its id or the start of it, or its name.

    Examples:
      labq task show 4
      labq task show base --json
    """
    settings = options.settings(uri, queue)
    here = options.queue_of(settings)
    tasks = [here.get(ref) for ref in refs]
    if json:
        for task in tasks:
            json_line(public(task))
        return
    from labq.cli import render

    for task in tasks:
        folder = settings.home / "tasks" / task["_id"]
        render.task(public(task), str(folder) if folder.is_dir() else "")
