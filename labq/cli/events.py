"""`labq events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line, moment, note, single
from labq.errors import ExitCode

if TYPE_CHECKING:
    from labq.model.task import Document


def command(
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what happens, until Ctrl-C.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help="Only what came after the event of this token (--json).",
            show_default="the oldest kept, with --follow now",
        ),
    ] = None,
    extra_filter: options.Filters = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show what became of the tasks: each change of a status, in order.

    With --json each has a token, and --since TOKEN goes on behind it, with none lost and none
    twice. A filter is about the tasks as they are now.

    Examples:
      labq events
      labq events --follow -f 'args.lr > 0.1'
      labq events --follow --json --since 1042
    """
    from labq.queue import events

    here = options.open_queue(uri, queue, new=True)
    chosen = options.selection(None, None, None, extra_filter)
    query = here.query(chosen) if chosen.narrows else None
    if follow:

        def say(text: str) -> None:
            note(f"labq: {text}")

        found = events.follow(here.store, here.name, since, query, say)
    else:
        found = events.events(here.store, here.name, since, query)
    empty = True
    try:
        for event in found:
            empty = False
            if "missed" in event:
                note("labq: what happened before this is no longer all kept")
            json_line(event) if json else line(single(_told(event)))
    except KeyboardInterrupt:
        if not follow:
            raise
        raise typer.Exit(ExitCode.INTERRUPTED) from None  # as whoever follows ends it
    if empty and not json:
        then = " since then" if since else ""
        options.tell_absence(here, f"no events in queue {here.name}{then}")


def _told(event: Document) -> str:
    """An event as a person reads it."""
    change = f"{event['from']} -> {event['to']}" if "from" in event else event["to"]
    more = [event[field] for field in ("worker", "reason") if field in event]
    return "  ".join([moment(event["at"]), f"task {event['number']}", change, *more])
