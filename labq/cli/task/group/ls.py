"""`labq task group ls`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import json_line, line
from labq.model.task import TERMINAL, Document, Status

if TYPE_CHECKING:
    from labq.queue import Queue

NUMBERS = ("#", "tasks", "progress", *map(str, Status))


@dataclass
class Standing:
    """How a group stands: its members by status, and the percents that they have done, summed."""

    first: int  # the number of its first member
    statuses: Counter[str] = field(default_factory=Counter)
    done: float = 0.0

    def add(self, task: Document) -> None:
        """Counts a member."""
        status = task["status"]
        self.statuses[status] += 1
        if status in {one.value for one in TERMINAL}:
            self.done += 100
        elif status == Status.RUNNING.value:
            self.done += task.get("progress", 0)

    @property
    def progress(self) -> float:
        """The mean over the members, 100 for one that has ended."""
        return round(self.done / self.statuses.total(), 2)


def command(
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print their names alone, one a line.")
    ] = False,
) -> None:
    """List the groups of a queue, the newest first: their tasks by status, their progress.

    The number is that of a group's first task, which labq task group show takes for the group.

    Examples:
      labq task group ls
      labq task group show "$(labq task group ls -q | head -1)"
    """
    here = options.open_queue(uri, queue, new=True)
    found = _groups(here)
    if quiet:
        for name in found:
            line(name)
    elif json:
        for name, standing in found.items():
            json_line({"group": name, "queue": here.name, **_facts(standing)})
    elif found:
        from labq.cli import render

        rows = [_row(name, standing) for name, standing in found.items()]
        render.table(rows, right=NUMBERS, fixed=NUMBERS)
    else:
        empty = f"no groups in queue {here.name} (labq task submit --array makes one)"
        options.tell_absence(here, empty)


def _groups(here: Queue) -> dict[str, Standing]:
    """The groups of the queue, the newest first, by one look at their members."""
    found: dict[str, Standing] = {}
    members: Document = {"queue": here.name, "group": {"$exists": True}}
    for task in here.find(members, fields=("group", "number", "status", "progress"), steady=True):
        if "group" in task:
            found.setdefault(task["group"], Standing(task["number"])).add(task)
    return dict(reversed(found.items()))


def _facts(standing: Standing) -> dict[str, Any]:
    counts = standing.statuses
    return {
        "number": standing.first,
        "count": counts.total(),
        "statuses": {one.value: counts[one.value] for one in Status if counts[one.value]},
        "progress": standing.progress,
    }


def _row(name: str, standing: Standing) -> dict[str, str]:
    counts = standing.statuses
    by_status = {one.value: f"{counts[one.value]:,}" * (one.value in counts) for one in Status}
    return {
        "#": str(standing.first),
        "group": name,
        "tasks": f"{counts.total():,}",
        "progress": f"{standing.progress:g} %",
        **by_status,
    }
