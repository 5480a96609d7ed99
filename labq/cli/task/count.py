"""`labq task count`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.filters import to_json


def command(
    status: options.Status = None,
    ids: options.Ids = None,
    name: options.Names = None,
    project: options.Projects = None,
    extra_filter: options.Filters = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the MongoDB query, on stderr.")
    ] = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Count tasks. All filters must hold.

    Examples:
      labq task count -s pending
      labq task count -f 'args.lr > 0.05'
    """
    here = options.open_queue(uri, queue, new=True)
    said = options.selection(ids, status, name, extra_filter, project)
    query = here.query(said)
    if verbose:
        note(to_json(query))
    total = here.count(query)
    if not total:
        options.tell_absence(here, said=said)
    json_line({"count": total}) if json else line(str(total))
