"""`labq task publish`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move

PUBLISH = Verb("publish", "published", "Publish {tasks}, for good?")


@on_tasks("publish")
def command(
    chosen: Chosen,
    force: Annotated[bool, typer.Option("--force", help="Failed tasks, too.")] = False,
) -> None:
    """Seal tasks that succeeded or were cancelled: nothing of them changes any more.

    They can still be cloned. There is no way back.

    Examples:
      labq task publish 4
      labq task publish -s success -f 'summary.acc > 0.9'
    """
    move(chosen, PUBLISH, lambda: chosen.here.publish(chosen.query, force=force), force=force)
