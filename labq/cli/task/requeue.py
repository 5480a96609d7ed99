"""`labq task requeue`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import ask, json_line, note, plural
from labq.errors import ConflictError, UsageError


def command(
    refs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF...]", help="Tasks; - reads stdin.", show_default=False),
    ] = None,
    status: options.Status = None,
    name: options.Names = None,
    project: options.Projects = None,
    extra_filter: options.Filters = None,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run ended tasks again: back to pending, with their attempts and output kept.

    Examples:
      labq task requeue 4
      labq task requeue -s failed -f 'args.lr < 1'
    """
    chosen = options.selection(refs, status, name, extra_filter, project)
    if not chosen.narrows:
        raise UsageError("requeue what? Give REF..., -s, --name or -f")
    here = options.open_queue(uri, queue)
    query = here.query(chosen)
    total = here.count(query)
    question = f"Run {plural(total)} of queue {here.name} again?"
    again = here.requeue(query) if total <= 1 or ask(question, yes=yes, quiet=quiet) else 0
    left = total - again
    if json:
        json_line({"requeued": again, "left": left})
    elif not quiet:
        note(f"requeued {plural(again)}" + (f", left {left:,} that have not ended" * bool(left)))
    if refs and left and total == left:
        raise ConflictError(f"cannot requeue {plural(left)}: not ended, or published (clone it)")
