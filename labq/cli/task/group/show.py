"""`labq task group show`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, moment, note, plural, public, span, status_of
from labq.cli.task.group.options import Ref, opened
from labq.model.sound import MALFORMED
from labq.model.task import TERMINAL, Document, Status

if TYPE_CHECKING:
    from labq.queue import Queue
    from labq.queue.groups import GroupStatus

PAGE = 100  # instances at a terminal, where no --limit is given


def command(
    group: Ref,
    completed: Annotated[
        bool, typer.Option("--completed", help="List what has ended, with what came of it.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**31 - 1,
            metavar="N",
            help="With --completed: at most N; 0 is all.",
            show_default=f"{PAGE} at a terminal",
        ),
    ] = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show how a group stands, such as an array: its tasks by status, progress, cores in use.

    Examples:
      labq task group show sweep
      labq task group show 4 --completed --json
    """
    here, name = opened(group, queue, uri)
    if completed:
        _completed(here, name, limit, json=json)
        return
    status = here.group_status(name)
    if json:
        told = asdict(status)
        running = {"running_instances": status.running_instances}
        json_line({"group": told.pop("group"), "queue": here.name, **running, **told})
        return
    from labq.cli import render

    render.sheet(f"group {name}", _word(status), _lines(here, status))


def _word(status: GroupStatus) -> str:
    """One word for all: what runs before what waits, and what failed before what did not."""
    order = (Status.RUNNING, Status.PENDING, Status.WAITING, Status.DRAFT)
    ends = (Status.FAILED, Status.CANCELLED, Status.SUCCESS)
    return next((one.value for one in (*order, *ends) if one.value in status.statuses), MALFORMED)


def _lines(here: Queue, status: GroupStatus) -> list[tuple[str, str]]:
    lines = [
        ("queue", here.name),
        ("tasks", f"{status.count:,}"),
        ("progress", f"{status.progress:g} %"),
    ]
    if status.running_instances:
        cores = f"{status.running_cores:g} core{'' if status.running_cores == 1 else 's'}"
        lines.append(("in use", f"{cores} by {plural(status.running_instances)}"))
    for name, count in status.statuses.items():
        ranges = f"  {status.ranges[name]}" if name in status.ranges else ""
        lines.append((name, f"{count:,}{ranges}"))
    times = ("created_at", "started_at", "ended_at")
    found = [(name, getattr(status, name)) for name in times]
    lines += [(name, moment(when)) for name, when in found if when is not None]
    return lines


def _completed(here: Queue, group: str, limit: int | None, *, json: bool) -> None:
    """The tasks that have ended, by index."""
    if json:
        for task in here.completed(group, limit or 0):
            json_line(public(task))
        return
    from labq.cli import render

    terminal = sys.stdout.isatty()
    size = limit if limit is not None else PAGE if terminal else 0
    found = here.completed(group, size + 1 if size else 0)
    rows = [_row(task) for task in islice(found, size or None)]
    if rows:
        fixed = ("index", "#", "status", "took")
        render.table(rows, right=("index", "#", "took"), fixed=fixed)
    else:
        note(f"no task of group {group} has ended")
    if next(found, None) is not None:
        statuses = here.group_status(group).statuses
        total = sum(statuses.get(status.value, 0) for status in TERMINAL)
        more = "" if limit is not None else " (--limit 0 shows all)"
        note(f"{len(rows):,} of {plural(total)}, {total - len(rows):,} more{more}")


def _row(task: Document) -> dict[str, str]:
    from labq.cli.render import pairs

    ran = "started_at" in task and "ended_at" in task
    return {
        "index": str(task.get("index", "")),
        "#": str(task["number"]),
        "status": status_of(task),
        "took": span(task["ended_at"] - task["started_at"]) if ran else "",
        "summary": pairs(task.get("summary", {})),
        "reason": task.get("reason", ""),
    }
