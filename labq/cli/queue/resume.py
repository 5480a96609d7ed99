"""`labq queue resume`."""

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
    """Let workers take tasks of a paused queue again.

    Examples:
      labq queue resume
      labq queue resume night
    """
    set_paused(queue_named(name, queue, uri), paused=False, json=json, quiet=quiet)
