"""`labq task requeue`."""

from __future__ import annotations

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move

REQUEUE = Verb("requeue", "requeued", "Run {tasks} again?")


@on_tasks("requeue")
def command(chosen: Chosen) -> None:
    """Run ended tasks again: back to pending, with their attempts and output kept.

    Examples:
      labq task requeue 4
      labq task requeue -s failed -f 'args.lr < 1'
    """
    move(chosen, REQUEUE, lambda: chosen.here.requeue(chosen.query))
