"""`labq worker pause`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.worker.command import All, Refs, direct
from labq.queue.workers import PAUSE


def command(
    refs: Refs = None,
    everyone: All = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Keep workers from taking tasks, until they are resumed. What runs goes on.

    Examples:
      labq worker pause gpu7
      labq worker pause --all
    """
    direct(
        PAUSE,
        refs,
        everyone=everyone,
        queue=queue,
        uri=uri,
        yes=yes,
        json=json,
        quiet=quiet,
    )
