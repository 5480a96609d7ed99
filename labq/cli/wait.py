"""`labq wait`."""

from __future__ import annotations

from typing import Annotated

import typer

from labq import clock
from labq.cli.task.chosen import Chosen, on_tasks
from labq.cli.waiting import wait_for


@on_tasks("wait for", asks=False)
def command(
    chosen: Chosen,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Wait no longer: 90, 10m, 1h30m.")
    ] = None,
) -> None:
    """Wait until tasks have ended. The exit code is 0 where all succeeded, else 1.

    Where they have not ended within --timeout it is 124. A failure shows the end of what its job
    said on stderr. Ctrl-C ends the waiting and not the tasks.

    Examples:
      labq wait 4 && labq task show 4
      labq wait -f '"sweep" in tags' --timeout 2h
    """
    limit = None if timeout is None else clock.wait(timeout)
    ids = [task["_id"] for task in chosen.here.find(chosen.query, fields=("_id",))]
    wait_for(chosen.here, ids, limit, json=chosen.json, quiet=chosen.quiet)
