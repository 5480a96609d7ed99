"""`labq task show`."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import json_line, note, public, span
from labq.cli.task.waits import explained, when
from labq.errors import TemplateError, UsageError
from labq.model.sound import MALFORMED
from labq.queue.selection import stalled

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.queue import Queue


def command(
    refs: Annotated[
        list[str] | None, typer.Argument(metavar="[REF...]", show_default=False)
    ] = None,
    latest: options.Latest = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show all of a task. REF is its number, its id or the start of it, or its name.

    Examples:
      labq task show 4
      labq task show base --json
    """
    words = options.references(refs)
    if words is None:
        raise UsageError("show what? Give REF...")
    if refs is None and not words:
        note("nothing to do: stdin names no task")
    settings = options.settings(uri, queue)
    here = options.find_queue(settings)
    tasks = [here.get(ref, latest=latest) for ref in words]
    if json:
        for task in tasks:
            json_line(public(task))
        return
    from labq.cli import render

    for task in tasks:
        folder = settings.home / "tasks" / task["_id"]
        place = str(folder) if folder.is_dir() else ""
        late = stalled(here.store, [task])
        told = public(task)
        if "cmd" in task:
            told.pop("words", None)  # the line of cmd has them
        render.task(told, _words(here, task), place, stalled=late)


def _words(here: Queue, task: Document) -> dict[str, str]:
    """What stands for the values of some fields, for people to read."""
    from labq.resources import shown, shown_requirement

    words = explained(here, task)
    for field in ("timeout", "retry_delay"):
        if field in task:
            words[field] = span(timedelta(seconds=task[field]))
    words |= {} if MALFORMED in task else _line(task)
    if "raw_args" in task:
        words["raw_args"] = f"{task['raw_args']} (behind the command, as it is: a shell runs both)"
    if "resources" in task:
        words["resources"] = shown(task["resources"])
    if "require" in task:
        words["require"] = ", ".join(map(shown_requirement, task["require"]))
    if "retention" in task:
        words["retention"] = _kept(task["retention"])
    if "source" in task:
        from labq.source.describe import told

        words["source"] = told(task["source"])
    if "lease" in task:
        lease = task["lease"]
        words["lease"] = f"of {lease.get('worker', '?')} until {when(lease['expires_at'])}"
    if "stop_requested" in task:
        from labq.queue.stopping import understood

        asked = understood(task["stop_requested"])
        grace = f", {asked['grace']:g}s grace" if "grace" in asked else ""
        words["stop_requested"] = f"{asked['reason']}{grace}"
    return words


def _line(task: Document) -> dict[str, str]:
    """The command line of the next attempt, and the args as they were typed."""
    from labq.command.line import shown, texts

    found: dict[str, Any] = {"args": texts(task)} if "words" in task else {}
    try:
        told = shlex.join(shown(task))
    except TemplateError as error:
        told = str(error)
    return {**found, "cmd" if "cmd" in task else "words": told}


def _kept(retention: Document) -> str:
    """When a task is removed."""
    parts = ["where its queue is full, once it has ended"] if "auto_delete" in retention else []
    if "ttl" in retention:
        parts.insert(0, f"{span(timedelta(seconds=retention['ttl']))} after it ends")
    return f"removed {', or '.join(parts)}"
