"""`labq task clone`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.queue import parse_edit
from labq.task import Status


def command(
    ref: Annotated[str, typer.Argument(metavar="REF", show_default=False)],
    edits: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-u",
            metavar="FIELD=VALUE",
            help="What is other in it, such as args.lr=0.3; again for more.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name; it has none without.")
    ] = None,
    enqueue: Annotated[bool, typer.Option("--enqueue", help="Run it: no draft.")] = False,
    latest: options.Latest = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Copy a task into a new draft, and print the new number.

    The copy has the configuration: args, command, tags, source and so on; nothing of what came of
    the task, which is its parent. Any task can be cloned, published ones too.

    Examples:
      labq task clone 4 --set args.lr=0.3 --enqueue
      number=$(labq task clone 4 --name base)
    """
    changes = [parse_edit(text) for text in edits or ()]
    here = options.open_queue(uri, queue)
    parent = here.get(ref, latest=latest)
    task = here.clone(parent["_id"], changes, name, enqueue=enqueue)
    if json:
        fields = ("_id", "number", "queue", "status", "parent")
        json_line({field: task[field] for field in fields})
        return
    line(str(task["number"]))
    if not quiet:
        draft = task["status"] == Status.DRAFT.value
        then = f" (labq task enqueue {task['number']} sets it going)" if draft else ""
        told = f"task {task['number']} in queue {here.name}, a copy of task {parent['number']}"
        note(f"{told}: {task['status']}{then}")
