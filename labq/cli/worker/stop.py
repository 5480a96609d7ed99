"""`labq worker stop`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.worker.command import All, Refs, direct
from labq.queue.workers import STOP


def command(
    refs: Refs = None,
    everyone: All = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """End workers: their jobs are stopped and their tasks given back, at no cost in retries.

    A job gets SIGTERM, the worker's --grace, SIGKILL.

    Examples:
      labq worker stop gpu7-4711-a2c4
      labq worker stop --all --yes
    """
    direct(
        STOP,
        refs,
        everyone=everyone,
        queue=queue,
        uri=uri,
        yes=yes,
        json=json,
        quiet=quiet,
    )
