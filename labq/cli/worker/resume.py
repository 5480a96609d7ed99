"""`labq worker resume`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.worker.command import All, Refs, direct
from labq.queue.workers import RESUME


def command(
    refs: Refs = None,
    everyone: All = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Let paused workers take tasks again. One that stops or drains goes on doing so.

    Examples:
      labq worker resume gpu7
      labq worker resume --all
    """
    direct(
        RESUME,
        refs,
        everyone=everyone,
        queue=queue,
        uri=uri,
        yes=yes,
        json=json,
        quiet=quiet,
    )
