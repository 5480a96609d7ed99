"""`labq queue update`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.output import json_line, note
from labq.cli.queue import settings
from labq.cli.queue.pausing import Name, queue_named
from labq.errors import UsageError
from labq.queue import settings as queue_settings


def command(
    name: Name = None,
    max_tasks: settings.MaxTasks = None,
    description: settings.Description = None,
    default_timeout: settings.DefaultTimeout = None,
    default_ttl: settings.DefaultTtl = None,
    default_auto_delete: settings.DefaultAutoDelete = None,
    on_finish: settings.OnFinish = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Change what is said of a queue; `none` takes a limit or a default back.

    A limit below what is there removes nothing. Tasks that are there stay as they are.

    --on-finish 'notify.sh {task.number} {task.status}' is run by every worker of the queue, and by
    labq run, labq.loop and labq.init.

    Examples:
      labq queue update night --max-tasks 20000
      labq queue update night --max-tasks none --description 'what runs by night'
    """
    defaults = (default_timeout, default_ttl, default_auto_delete)
    options_given = (max_tasks, description, *defaults, on_finish)
    if all(value is None for value in options_given):
        raise UsageError(
            "update what? Give --max-tasks, --description, --on-finish or a --default-..."
        )
    here = queue_named(name, queue, uri)
    before = queue_settings.record_of(here.store, here.name)
    said = settings.given(*options_given, before=before)
    record = queue_settings.update(here.store, here.name, said)
    if json:
        json_line({"queue": here.name, **settings.facts(record)})
    elif not quiet:
        note(f"updated queue {here.name}")
