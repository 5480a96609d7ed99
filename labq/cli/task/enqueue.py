"""`labq task enqueue`."""

from __future__ import annotations

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move

ENQUEUE = Verb("enqueue", "enqueued", "Enqueue {tasks}?")


@on_tasks("enqueue")
def command(chosen: Chosen) -> None:
    """Set drafts going: pending, or waiting for what they come after or for their time.

    Examples:
      labq task enqueue 4
      labq task enqueue -s draft -f 'args.lr < 1'
    """
    move(chosen, ENQUEUE, lambda: chosen.here.enqueue(chosen.query))
