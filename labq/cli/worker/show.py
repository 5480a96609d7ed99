"""`labq worker show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, moment, note, span
from labq.cli.worker import cards
from labq.cli.worker.command import named
from labq.errors import UsageError
from labq.model.sound import MALFORMED

if TYPE_CHECKING:
    from datetime import datetime

    from labq.model.task import Document
    from labq.store import Store


def command(
    refs: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKER...]", show_default=False)
    ] = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show all of a worker. WORKER is its id, the start of it, or its host if it has one.

    Examples:
      labq worker show gpu7-4711-a2c4
      labq worker show gpu7 --json
    """
    words = options.references(refs)
    if words is None:
        raise UsageError("show which workers? Give WORKER...")
    if refs is None and not words:
        note("nothing to do: stdin names no worker")
    store = options.open_queue(uri, queue, new=True).store
    found = cards.fresh(store, named(store, words, queue))
    if json:
        for card in found:
            json_line(card)
        return
    from labq.cli import render

    for card in found:
        render.sheet(f"worker {card['_id']}", cards.status_of(card), _lines(store, card))


def _lines(store: Store, card: Document) -> list[tuple[str, str]]:
    now = store.now()
    done = ", ".join(f"{count:,} {became}" for became, count in card.get("done", {}).items())
    lines = [(field, str(card.get(field, ""))) for field in ("queue", "host", "pid", "slots")]
    lines += [("has", cards.has(card)), ("done", done)]
    lines += [
        (field, f"{moment(card[field])} ({span(now - card[field])} ago)")
        for field in ("started_at", "heartbeat_at")
        if field in card
    ]
    if "command" in card:
        lines.append(("asked to", f"{card['command']}, {cards.ago(card, 'commanded_at', now)} ago"))
    lines += [("malformed", why) for why in card.get(MALFORMED, {}).values()]
    lines += [("task", text) for text in _tasks(store, card, now)]
    return [(label, text) for label, text in lines if text]


def _tasks(store: Store, card: Document, now: datetime) -> list[str]:
    """The tasks that it runs: `4  base  lr=0.1  for 3m 2s`."""
    from labq.cli.render import pairs

    running = {"queue": card.get("queue"), "number": {"$in": list(card.get("tasks", ()))}}
    fields = ("number", "name", "args", "started_at")
    found = store.find(running, sort=[("number", 1)], fields=fields)
    parts = (
        (
            str(task["number"]),
            task.get("name", ""),
            pairs(task.get("args", {})),
            f"for {span(now - task['started_at'])}" if "started_at" in task else "",
        )
        for task in found
    )
    return ["  ".join(part for part in one if part) for one in parts]
