"""`labq task diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, note
from labq.cli.task.compare import cell


def command(
    first: Annotated[str, typer.Argument(metavar="A", show_default=False)],
    second: Annotated[str, typer.Argument(metavar="B", show_default=False)],
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show where two tasks differ: configuration, args, source and results.

    Values are compared with their types: 1 is not 1.0, nor the text 1.

    Examples:
      labq task diff 4 5
      labq task diff base 5 --json
    """
    from labq.queue.diff import differences

    here = options.open_queue(uri, queue)
    tasks = [here.get(first), here.get(second)]
    numbers = [task["number"] for task in tasks]
    found = differences(tasks)
    if json:
        json_line({"tasks": numbers, "differs": found})
    elif not found:
        note(f"tasks {numbers[0]} and {numbers[1]} do not differ")
    else:
        from labq.cli import render

        render.table(
            [
                {"field": path, **{f"#{number}": cell(there, number) for number in numbers}}
                for path, there in found.items()
            ]
        )
