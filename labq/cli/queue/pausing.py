"""What `labq queue pause` and `resume` share: which queue is meant, and what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, note
from labq.errors import UsageError
from labq.queue import workers
from labq.queue.presence import require_queue

if TYPE_CHECKING:
    from labq.queue import Queue

Name = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="The queue, as --queue.", show_default=False),
]


def queue_named(
    name: str | None, queue: str | None, uri: str | None, *, make: bool = False
) -> Queue:
    """The queue of a command that takes its name as a word, too; in a new store only to `make` it.

    Raises:
        UsageError: two names.
        StoreError: there is no such store.
    """
    if name is not None and queue not in (None, name):
        raise UsageError(f"two queues are named: {name} and --queue {queue}")
    found = options.settings(uri, queue if name is None else name)
    return options.queue_of(found) if make else options.find_queue(found, new=True)


def set_paused(here: Queue, *, paused: bool, json: bool, quiet: bool) -> None:
    """Pauses a queue or lets it go on, and tells whether it was so before.

    Raises:
        NotFoundError: it is to go on, and there is no such queue.
    """
    there = bool(list(here.store.queues.find({"_id": here.name})))
    if not there and not paused:
        require_queue(here.store, here.name)
    changed = workers.is_paused(here.store, here.name) != paused
    if changed:
        workers.pause_queue(here.store, here.name, paused=paused)
    if json:
        json_line({"queue": here.name, "paused": paused, "changed": changed})
    elif not quiet:
        note(_told(here.name, paused=paused, changed=changed, there=there))


def _told(name: str, *, paused: bool, changed: bool, there: bool) -> str:
    if not changed:
        return f"queue {name} was {'paused already' if paused else 'not paused'}"
    if not paused:
        return f"resumed queue {name}"
    new = "" if there else ", which has no tasks yet"
    return f"paused queue {name}{new}: no worker takes its tasks until labq queue resume {name}"
