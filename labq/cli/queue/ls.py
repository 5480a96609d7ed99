"""`labq queue ls`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.output import json_line, note
from labq.task import Status


def command(
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """List the queues and what is in them: how many tasks of each status.

    Examples:
      labq queue ls
      labq queue ls --json
    """
    store = options.open_queue(uri, queue).store
    counts = store.counts()
    there = [record["_id"] for record in store.queues.find()]
    names = [name for name in there if queue is None or name == queue]
    table = {name: {str(s): counts.get((name, s.value), 0) for s in Status} for name in names}
    if json:
        for name, by_status in table.items():
            json_line({"queue": name, **by_status})
    elif table:
        from labq.cli import render

        render.queues(table)
    else:
        note(f"no queues in {store.address} (labq task submit makes one)")
