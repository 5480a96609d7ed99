"""`labq task reset`."""

from __future__ import annotations

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move

RESET = Verb(
    "reset",
    "reset",
    "Delete all that came of {tasks}, and make drafts of them?",
    loses="this deletes what came of {tasks}",
)


@on_tasks("reset")
def command(chosen: Chosen) -> None:
    """Make drafts of ended tasks and delete all that came of them: attempts, output, results.

    Asks first. labq task requeue keeps what there is.

    Examples:
      labq task reset 4
      labq task reset -s failed --yes
    """
    home = chosen.settings.home
    move(chosen, RESET, lambda: chosen.here.reset(chosen.query, home))
