"""`labq import`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.errors import ConflictError, LabqError, NotFoundError, UsageError
from labq.queue.parts import in_parts, tasks

if TYPE_CHECKING:
    from labq.model.task import Document


def command(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", show_default=False)],
    into: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Add it to this task, as its newest attempt."),
    ] = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Bring runs that were recorded offline into the store, each once. Prints their tasks' ids.

    DIR is what labq run --offline named. The task is in the queue that it was run for, unless
    --queue names another. What is there already stays as it is. A DIR that cannot be brought in
    keeps none of the others from it. --into takes a task of the same args, of your queue.

    Examples:
      labq import ~/.local/share/labq/offline/*
      labq import /tmp/run --into 4
    """
    from labq.spool import Spool, bring_in, bring_into

    if into is not None and len(folders) > 1:
        raise UsageError("--into takes one folder at a time")
    faults: list[LabqError] = []
    count = 0

    def bring(folder: Path) -> None:
        nonlocal count
        spool = Spool(folder)
        try:
            run = spool.task()
            settings = options.settings(uri, queue or (run["queue"] if into is None else None))
            here = options.queue_of(settings)
            if into is None:
                task, new = bring_in(here, spool, settings.home)
            else:
                task, new = bring_into(here, spool, settings.home, into)
        except (NotFoundError, UsageError, ConflictError) as error:  # of this folder alone
            faults.append(error)
            note(f"labq: {error}")
            return
        count += 1
        _tell(task, here.store.address, new=new, json=json, quiet=quiet)

    in_parts(
        (partial(bring, folder) for folder in folders),
        lambda sure: tasks(count, "are in the store", len(folders), sure=sure),
    )
    if faults:
        raise typer.Exit(faults[0].exit_code)


def _tell(task: Document, address: str, *, new: bool, json: bool, quiet: bool) -> None:
    if json:
        keys = ("_id", "number", "queue", "status")
        json_line({**{key: task[key] for key in keys}, "new": new})
        return
    line(task["_id"])
    if not quiet:
        told = task["status"] if new else "it was there already"
        note(f"task {task['number']} in queue {task['queue']} ({address}): {told}")
