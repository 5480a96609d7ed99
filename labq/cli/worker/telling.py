"""What `labq worker run` says of its work, and the exit code it comes to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from labq.cli.output import json_line, note, plural
from labq.errors import LabqError

if TYPE_CHECKING:
    from labq.queue import Queue
    from labq.task import Document
    from labq.worker import Finished, Tally


def teller(*, json: bool, quiet: bool) -> Any:
    """What tells of each attempt's end."""

    def tell(finished: Finished) -> None:
        task = finished.task
        if json:
            with suppress(BrokenPipeError):  # the tasks are to be run, whoever reads of it
                json_line(
                    {
                        "_id": task["_id"],
                        "number": task["number"],
                        "attempt": task["attempt"],
                        "status": finished.became,
                        "reason": finished.reason,
                        "wall": round(finished.wall, 3),
                    }
                )
        elif not quiet:
            name = f" ({task['name']})" if "name" in task else ""
            reason = f": {finished.reason}" if finished.reason else ""
            if finished.became == "retried":
                reason += f" (retry {task['retries'] + 1} of {task['max_retries']})"
            again = finished.became == "retried"
            became = f"{'failed' if again else finished.became} in {finished.wall:.1f} s"
            note(f"labq: task {task['number']}{name} {became}{reason}")

    return tell


def both(*tellers: Callable[[Finished], None]) -> Callable[[Finished], None]:
    """One who tells all of these, in their order."""

    def tell(finished: Finished) -> None:
        for one in tellers:
            one(finished)

    return tell


def close(tally: Tally, wall: float, *, quiet: bool) -> None:
    """The line that says what became of the tasks."""
    if not quiet:
        told = ", ".join(f"{count:,} {status}" for status, count in tally.by_status.items())
        note(f"labq: {told or 'nothing to run'} in {wall:.1f} s")


def judge(tally: Tally) -> None:
    """The exit code.

    Raises:
        LabqError: the worker stopped because its command does not start.
    """
    if tally.gave_up:
        raise LabqError(f"stopped: {tally.gave_up}")
    if tally.stopped_by:
        raise typer.Exit(128 + tally.stopped_by)  # as shells have it


class PassedOver:
    """The pending tasks that the worker's command does not fit, noted on them and told of."""

    def __init__(self, here: Queue, fits: Document, selected: Document, why: str) -> None:
        self._here, self._fits, self._selected, self._why = here, fits, selected, why
        self._told = 0

    def look(self, *, quiet: bool = False) -> None:
        """Notes why on those that there are now, and tells how many when that has changed."""
        if not self._fits:
            return
        count = self._here.pass_over(self._fits, self._selected, self._why)
        if count != self._told and not quiet:
            note(f"labq: {plural(count)} passed over: {self._why}")
        self._told = count
