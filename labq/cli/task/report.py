"""`labq task report`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import json_line
from labq.cli.task.job import own, spool
from labq.command.words import key_path, parse_value
from labq.errors import UsageError


def command(
    values: Annotated[list[str], typer.Argument(metavar="[REF] KEY=VALUE...", show_default=False)],
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Report results: merge them into a task's summary. Inside a job the task is its own.

    Examples:
      labq task report acc=0.93 epochs=12
      labq task report 4 note='looks good'
    """
    ref, pairs = (values[0], values[1:]) if "=" not in values[0] else (None, values)
    if not pairs:
        raise UsageError("report what? Give KEY=VALUE, such as acc=0.93")
    summary = _summary(pairs)
    if ref is None and (kept := spool()):
        kept.summary(summary)
        return
    here = options.open_queue(uri, queue, new=True)
    identity, token = own(here, ref, "labq task report REF acc=0.93")
    here.report(identity, token, summary)
    if json:
        json_line({"_id": identity, "summary": summary})


def _summary(pairs: list[str]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} is not KEY=VALUE (such as acc=0.93)")
        key_path(key, repr(pair))
        summary[key] = parse_value(text, key)
    return summary
