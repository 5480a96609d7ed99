"""`labq queue show`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.output import json_line
from labq.cli.queue import settings
from labq.cli.queue.pausing import Name, queue_named
from labq.queue import settings as queue_settings
from labq.queue import workers
from labq.queue.presence import require_queue


def command(
    name: Name = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show all of a queue: its settings, its tasks by status, its workers.

    Examples:
      labq queue show
      labq queue show night --json
    """
    here = queue_named(name, queue, uri)
    require_queue(here.store, here.name)
    record = queue_settings.record_of(here.store, here.name) or {}
    counts = queue_settings.counts(here.store, here.name)
    at_work = len(workers.listed(here.store, here.name))
    paused = bool(record.get("paused"))
    if json:
        told = {**counts, "workers": at_work, "paused": paused}
        json_line({"queue": here.name, **told, **settings.facts(record)})
        return
    from labq.cli import render

    lines = settings.lines(record)
    lines.append(("tasks", f"{sum(counts.values()):,}"))
    lines += [(status, f"{count:,}") for status, count in counts.items() if count]
    lines.append(("workers", f"{at_work:,}"))
    render.sheet(f"queue {here.name}", "paused" if paused else "", lines)
