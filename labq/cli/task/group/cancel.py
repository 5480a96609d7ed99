"""`labq task group cancel`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.task import cancel
from labq.cli.task.group.options import Ref, opened
from labq.queue.groups import query_of


def command(
    group: Ref,
    grace: cancel.Grace = None,
    kill: cancel.Kill = False,
    reason: cancel.Reason = "cancelled",
    wait: cancel.Wait = False,
    yes: options.Yes = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """End the tasks of a group, running ones too, as labq task cancel does.

    Examples:
      labq task group cancel sweep
      labq task group cancel 4 --grace 1m --wait
    """
    asked = cancel.asked(grace, reason, kill=kill)
    here, name = opened(group, queue, uri)
    query = query_of(here.name, name)
    cancel.end(here, query, asked, wait=wait, yes=yes, json=json, quiet=quiet)
