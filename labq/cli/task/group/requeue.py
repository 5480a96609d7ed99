"""`labq task group requeue`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import ask, json_line, note, plural
from labq.cli.task.group.options import Ref, opened
from labq.model.task import UNSEALED, Document, Status
from labq.queue.groups import ENDED, query_of

FAILED: Document = {"status": Status.FAILED.value}


def command(
    group: Ref,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that failed, not all that have ended.")
    ] = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run the tasks of a group that have ended again, with their attempts and output kept.

    Examples:
      labq task group requeue sweep --failed
      labq task group requeue 4 --yes
    """
    here, name = opened(group, queue, uri)
    query: Document = {**query_of(here.name, name), **(FAILED if failed else ENDED), **UNSEALED}
    total = here.count(query)
    question = f"Run {plural(total)} of group {name} again?"
    again = here.requeue(query) if total <= 1 or ask(question, yes=yes, quiet=quiet) else 0
    if json:
        json_line({"group": name, "requeued": again})
    elif not quiet:
        note(f"requeued {plural(again)} of group {name}")
