"""`labq task dequeue`."""

from __future__ import annotations

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move

DEQUEUE = Verb("dequeue", "dequeued", "Dequeue {tasks}?")


@on_tasks("dequeue")
def command(chosen: Chosen) -> None:
    """Make drafts of tasks that wait or are pending, so that no worker takes them.

    One that a worker has taken by then is left to it.

    Examples:
      labq task dequeue 4
      labq task dequeue -s pending -f 'args.lr > 1'
    """
    move(chosen, DEQUEUE, lambda: chosen.here.dequeue(chosen.query))
