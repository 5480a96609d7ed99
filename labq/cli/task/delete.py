"""`labq task delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import ask, attended, json_line, note, plural
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
    """Remove tasks, for good. A running task stays.

    Examples:
      labq task delete 4 5 --yes
      labq task delete -s failed -f 'args.lr > 1'
    """
    chosen = options.selection(refs, status, name, extra_filter, project)
    if not chosen.narrows:
        raise UsageError("delete what? Give REF..., -s, --name or -f (every task: -f '{}')")
    here = options.open_queue(uri, queue)
    query = here.query(chosen)
    total = here.count(query)
    if total and not yes and not attended():
        raise UsageError(f"this removes {plural(total)} for good: add --yes")
    if total and not ask(f"Remove {plural(total)} of queue {here.name} for good?", yes=yes):
        total = 0
    deleted = here.delete(query) if total else 0
    running = here.count({"$and": [query, {"status": "running"}]}) if deleted < total else 0
    if json:
        json_line({"deleted": deleted, "running": running})
    elif not quiet:
        note(f"deleted {plural(deleted)}" + (f", left {running:,} running" if running else ""))
    if refs and running:
        raise ConflictError(f"cannot delete {plural(running)}: running (labq task cancel stops it)")
