"""`labq task start`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.cli.task import flags
from labq.errors import ConflictError, UsageError
from labq.queue import parse_edit

if TYPE_CHECKING:
    from labq.client import Client, Task


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    edits: Annotated[
        list[str] | None,
        typer.Option(
            "--update",
            "-u",
            metavar="FIELD=VALUE",
            help="What is other in this run, such as args.lr=0.3; again for more.",
        ),
    ] = None,
    latest: Annotated[
        bool,
        typer.Option("--latest", help="Of several tasks of that name, the newest; no entry."),
    ] = False,
    comment: flags.Comment = None,
    parent: flags.From = None,
    wait: flags.Wait = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a configuration as a new task of its name, and print the task's id.

    NAME is that of a draft, which stays as it is, or of an entry of tasks: in labq.yaml, whose keys
    are the options of labq task submit; or else a task to run once more, as a new one.

    Examples:
      labq task start train
      labq task start train --update args.lr=0.3 --comment 'a larger rate' --wait
      labq task start serve --from train#4
    """
    from labq.client import Client
    from labq.queue.edits import applied, keep

    changes = [parse_edit(text) for text in edits or ()]
    with Client(uri, queue) as client:
        task = _named(client, name, latest=latest)
        keep(client.queue.store, changes)
        for field, value in applied(task.to_dict(), changes).items():
            if field != "words":  # a value is enough
                _set(task, field, value)
        task.start(comment, parent=parent)
        here = client.queue
        if json:
            json_line({"_id": task.id, "number": task.number, "queue": here.name})
        else:
            line(task.id)
        if not quiet and not json:
            note(f"task {task.number} in queue {here.name} ({here.store.address})")
        if wait:
            from labq.cli.wait_outcome import wait_for

            wait_for(here, [task.id], None, json=json, quiet=quiet)


def _named(client: Client, name: str, *, latest: bool) -> Task:
    try:
        return client.get(name, latest=latest)
    except ConflictError as error:  # in the words of a program
        raise ConflictError(str(error).replace("latest=True", "--latest")) from None


def _set(task: Task, field: str, value: Any) -> None:
    try:
        setattr(task, field, value)
    except AttributeError:  # of a name, which is settable until the submit
        raise UsageError(
            f"--update {field}: task {task.number} is no draft (labq task clone {task.number}"
            f" --update {field}=... --enqueue runs a copy with another)"
        ) from None
