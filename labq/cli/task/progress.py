"""`labq task progress`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line
from labq.cli.task.job import own, spool
from labq.command.words import parse_value
from labq.errors import UsageError


def command(
    words: Annotated[list[str], typer.Argument(metavar="[REF] PERCENT", show_default=False)],
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Say how much of a running task is done, from 0 to 100. Inside a job the task is its own.

    Examples:
      labq task progress 40
      labq task progress 4 62.5
    """
    from labq.queue.lifecycle import percentage

    if len(words) > 2:  # noqa: PLR2004
        raise UsageError("progress takes one task and one percentage, such as 62.5")
    ref, text = (words[0], words[1]) if len(words) > 1 else (None, words[0])
    percent = percentage(parse_value(text, "progress"))
    if ref is None and (kept := spool()):
        kept.tell(progress=percent)
        return
    here = options.open_queue(uri, queue, new=True)
    identity, token = own(here, ref, "labq task progress REF 40")
    here.progress(identity, token, percent)
    if json:
        json_line({"_id": identity, "progress": percent})
