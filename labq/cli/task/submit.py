"""`labq task submit`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq import clock
from labq.args import parse_document, parse_tokens
from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.task import Document, new


def command(
    tokens: Annotated[
        list[str] | None, typer.Argument(metavar="[-- --KEY VALUE ...]", show_default=False)
    ] = None,
    args: Annotated[
        str | None, typer.Option(metavar="DICT", help="Arguments as JSON or a Python dict.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="A name, to find it by.")] = None,
    metadata: Annotated[
        str | None, typer.Option(metavar="DICT", help="Notes of yours, as JSON or a Python dict.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="A tag; again for more.")
    ] = None,
    priority: Annotated[int, typer.Option(metavar="INT", help="Higher runs first.")] = 0,
    max_retries: Annotated[
        int | None,
        typer.Option(metavar="INT", help="How often a failure is tried again.", show_default="0"),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Longest run of one attempt: 90, 10m, 1h30m."),
    ] = None,
    cmd: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="What to run, where the worker names no command."),
    ] = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Store a task: an argument set to run. Prints its id.

    Dots nest: --model.name a is {"model": {"name": "a"}}. A value that is a Python literal
    becomes it, anything else is text; a flag without a value is True.

    Examples:
      labq task submit -- --lr 0.1 --model.name resnet
      labq task submit --name base --tag night --args '{"lr": 0.1}' -- --seed 3
      id=$(labq task submit --quiet -- --lr 0.1)
    """
    settings = options.settings(uri, queue)
    base = parse_document(args, "--args") if args is not None else {}
    parsed, warnings = parse_tokens(tokens or [], base)
    task = new(
        parsed,
        name=name,
        metadata=parse_document(metadata, "--metadata") if metadata is not None else None,
        tags=tag,
        priority=priority,
        max_retries=settings.max_retries if max_retries is None else max_retries,
        timeout=None if timeout is None else clock.seconds(timeout),
        cmd=cmd,
    )
    _check_cmd(task)
    here = options.queue_of(settings)
    (number,) = here.submit([task])
    if json:
        json_line({"_id": task["_id"], "number": number, "queue": here.name})
    else:
        line(task["_id"])
    if not quiet:
        for warning in warnings:
            note(f"labq: warning: {warning}")
        if not json:
            note(f"task {number} in queue {here.name} ({here.store.address})")


def _check_cmd(task: Document) -> None:
    """Refuses a command that its own task cannot fill."""
    if "cmd" not in task:
        return
    from labq.errors import TemplateError
    from labq.template import fits, parse_command

    if why := fits(parse_command(task["cmd"]), task["args"], allow_extra=True):
        raise TemplateError(f"--cmd does not fit: the task {why}")
