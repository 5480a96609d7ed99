"""`labq queue create`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.output import json_line, note
from labq.cli.queue import settings
from labq.cli.queue.pausing import Name, queue_named
from labq.queue import settings as queue_settings


def command(
    name: Name = None,
    max_tasks: settings.MaxTasks = None,
    description: settings.Description = None,
    default_timeout: settings.DefaultTimeout = None,
    default_ttl: settings.DefaultTtl = None,
    default_auto_delete: settings.DefaultAutoDelete = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a queue before its first task; a submit to a queue that is not there makes it too.

    Examples:
      labq queue create night
      labq queue create night --max-tasks 10000 --default-auto-delete --default-ttl 30d
    """
    said = settings.given(max_tasks, description, default_timeout, default_ttl, default_auto_delete)
    here = queue_named(name, queue, uri, make=True)
    record = queue_settings.create(here.store, here.name, said)
    if json:
        json_line({"queue": here.name, **settings.facts(record)})
    elif not quiet:
        note(f"created queue {here.name} in {here.store.address}")
