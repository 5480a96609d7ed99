"""`labq task delete`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move

DELETE = Verb(
    "delete",
    "deleted",
    "Remove {tasks} for good?",
    loses="this removes {tasks} for good",
)


@on_tasks("delete")
def command(
    chosen: Chosen,
    force: Annotated[
        bool, typer.Option("--force", help="Running and published tasks, too.")
    ] = False,
) -> None:
    """Remove tasks, for good. What runs or is published stays, without --force.

    The worker of a running task ends its job within a heartbeat.

    Examples:
      labq task delete 4 5 --yes
      labq task delete -s failed -f 'args.lr > 1'
    """
    move(chosen, DELETE, partial(chosen.here.delete, chosen.query, force=force), force=force)
