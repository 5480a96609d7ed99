"""What `labq worker run` says of its work, and the exit code it comes to."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

import typer

from labq.cli.output import json_line, note
from labq.errors import LabqError

if TYPE_CHECKING:
    from labq.worker import Finished, Tally


PATIENCE = 1.0  # seconds that the worker waits for who reads what it says of itself


def say(text: str) -> None:
    """A line of the worker's own; where nobody reads it is lost, for nothing may wait for that."""
    until = time.monotonic() + PATIENCE
    with suppress(TimeoutError):
        _await_reader(sys.stderr, lambda: time.monotonic() >= until)
        note(f"labq: {text}")


def _await_reader(stream: TextIO, over: Callable[[], bool]) -> None:
    """Waits until the stream takes a line.

    Raises:
        TimeoutError: it did not, until it was `over`.
    """
    from labq.worker.output import await_room

    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # in memory: there is nobody to wait for
        return
    await_room(descriptor, over)


def teller(*, json: bool, quiet: bool, over: Callable[[], bool]) -> Callable[[Finished], None]:
    """What tells of each attempt's end; its reader is waited for until the work is `over`."""

    def tell(finished: Finished) -> None:
        if quiet and not json:
            return
        with suppress(BrokenPipeError, TimeoutError):  # tasks are to be run, whoever reads of it
            _await_reader(sys.stdout if json else sys.stderr, over)
            if json:
                json_line(_record(finished))
            else:
                note(_line(finished))

    return tell


def _record(finished: Finished) -> dict[str, Any]:
    task = finished.task
    return {
        "_id": task["_id"],
        "number": task["number"],
        "attempt": task["attempt"],
        "status": finished.became,
        "reason": finished.reason,
        "wall": round(finished.wall, 3),
    }


def _line(finished: Finished) -> str:
    task, again = finished.task, finished.became == "retried"
    name = f" ({task['name']})" if "name" in task else ""
    reason = f": {finished.reason}" if finished.reason else ""
    if again:
        reason += f" (retry {task['retries'] + 1} of {task['max_retries']})"
    became = f"{'failed' if again else finished.became} in {finished.wall:.1f} s"
    return f"labq: task {task['number']}{name} {became}{reason}"


def close(tally: Tally, wall: float, *, quiet: bool) -> None:
    """Says what became of the tasks."""
    if not quiet:
        told = ", ".join(f"{count:,} {status}" for status, count in tally.by_status.items())
        say(f"{told or 'nothing to run'} in {wall:.1f} s")


def judge(tally: Tally) -> None:
    """The exit code.

    Raises:
        LabqError: the worker stopped because its command does not start.
    """
    if tally.gave_up:
        raise LabqError(f"stopped: {tally.gave_up}")
    if tally.stopped_by:
        raise typer.Exit(128 + tally.stopped_by)  # as shells have it
