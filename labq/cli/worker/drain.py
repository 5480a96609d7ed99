"""`labq worker drain`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.worker.command import All, Refs, direct
from labq.queue.workers import DRAIN


def command(
    refs: Refs = None,
    everyone: All = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Let workers finish what they run, take no more, and end.

    Examples:
      labq worker drain gpu7
      labq worker drain --all
    """
    direct(
        DRAIN,
        refs,
        everyone=everyone,
        queue=queue,
        uri=uri,
        yes=yes,
        json=json,
        quiet=quiet,
    )
