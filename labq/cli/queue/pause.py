"""`labq queue pause`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.queue.pausing import Name, queue_named, set_paused


def command(
    name: Name = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Keep all workers from taking tasks of a queue, until it is resumed. What runs goes on.

    Tasks can be submitted meanwhile. A queue may be paused before its first task.

    Examples:
      labq queue pause
      labq queue pause night
    """
    set_paused(queue_named(name, queue, uri), paused=True, json=json, quiet=quiet)
