"""`labq worker ls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.cli.worker import cards
from labq.queue import workers

if TYPE_CHECKING:
    from datetime import datetime

    from labq.model.task import Document


def command(
    all_queues: Annotated[
        bool, typer.Option("--all-queues", "-a", help="Those of every queue.")
    ] = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print ids alone, one a line.")
    ] = False,
) -> None:
    """List the workers of the queue: what they are at, run and have.

    One that was not heard of for a lease is dead, and is left out.

    Examples:
      labq worker ls
      labq worker ls --all-queues --json
    """
    here = options.open_queue(uri, queue, new=True)
    found = workers.listed(here.store, None if all_queues else here.name)
    if quiet:
        for card in found:
            line(card["_id"])
    elif json:
        for card in cards.fresh(here.store, found):
            json_line(card)
    elif found:
        from labq.cli import render

        now = here.store.now()
        rows = [_row(card, now, all_queues=all_queues) for card in cards.fresh(here.store, found)]
        render.table(rows, right=("slots", "age", "seen"), fixed=("worker", "status", "seen"))
    else:
        where = "" if all_queues else f" in queue {here.name}"
        note(f"no workers{where} (labq worker run starts one)")
        if queue is not None and not all_queues:
            options.tell_absence(here)


def _row(card: Document, now: datetime, *, all_queues: bool) -> dict[str, str]:
    return {
        "worker": card["_id"],
        "status": cards.status_of(card),
        **({"queue": str(card.get("queue", ""))} if all_queues else {}),
        "host": str(card.get("host", "")),
        "pid": str(card.get("pid", "")),
        "slots": str(card.get("slots", "")),
        "tasks": cards.numbers(card),
        "has": cards.has(card),
        "age": cards.ago(card, "started_at", now),
        "seen": cards.ago(card, "heartbeat_at", now),
    }
