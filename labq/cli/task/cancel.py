"""`labq task cancel`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import ask, json_line, note, plural, progress
from labq.cli.select import Chosen, on_tasks
from labq.command.words import normalised
from labq.errors import ConflictError, UsageError
from labq.model.task import TERMINAL, Status
from labq.queue import Cancelled

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.queue import Queue

LOOK_SECONDS = 0.1  # between two looks at tasks that are stopping
RECOVER_SECONDS = 1.0  # between two looks whether a worker of theirs is dead
ENDED: Document = {"status": {"$in": [status.value for status in TERMINAL]}}
RUNNING: Document = {"status": Status.RUNNING.value}
STOPPING: Document = {**RUNNING, "stop_requested": {"$exists": True}}

Grace = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="From SIGTERM to SIGKILL, for those that run.",
        show_default="the worker's",
    ),
]
Kill = Annotated[bool, typer.Option("--kill", help="SIGKILL at once: --grace 0.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for those who ask later.")]
Wait = Annotated[bool, typer.Option("--wait", help="Come back when those that run have ended.")]


@dataclass(frozen=True)
class Asked:
    """How tasks are to end."""

    reason: str
    grace: float | None  # seconds


@on_tasks("cancel")
def command(
    chosen: Chosen,
    grace: Grace = None,
    kill: Kill = False,
    reason: Reason = "cancelled",
    wait: Wait = False,
) -> None:
    """End tasks: those that do not run at once, the others by their workers, within moments.

    A job gets SIGTERM, some grace, SIGKILL. Tasks that come --after a cancelled one are cancelled
    too. What has ended stays as it is; a published task that is named is refused.

    Examples:
      labq task cancel 4
      labq task cancel -s pending -f 'args.lr > 1' --reason 'they diverge'
      labq task cancel -f '{}' --grace 1m --wait
    """
    how = asked(grace, reason, kill=kill)
    here, query = chosen.here, chosen.query
    why, refused = _why_not(here, query) if chosen.named else ("", 0)
    flags = {"wait": wait, "yes": chosen.yes, "json": chosen.json, "quiet": chosen.quiet}
    end(here, query, how, **flags, refused=refused)
    if why:
        raise ConflictError(why)


def asked(grace: str | None, reason: str, *, kill: bool) -> Asked:
    """How the flags ask for it.

    Raises:
        UsageError: they contradict each other, or make no sense.
    """
    if kill and grace is not None:
        raise UsageError("give --grace or --kill, not both")
    if not str(normalised(reason, "--reason")).strip():
        raise UsageError("--reason must not be empty")
    if kill:
        return Asked(reason, 0.0)
    return Asked(reason, None if grace is None else options.duration("--grace", grace, none=True))


def end(
    here: Queue,
    query: Document,
    how: Asked,
    *,
    wait: bool,
    yes: bool,
    json: bool,
    quiet: bool,
    refused: int = 0,
) -> None:
    """Ends the tasks that match, once a person agrees, and tells of it.

    Of those that have ended it tells, but for the number of `refused`, of which somebody else does.
    """
    left, total = _count(here, query, ENDED), here.count(query)
    done, running, stopping = Cancelled(0, 0), set[str](), set[str]()
    if left < total and _agreed(here, query, total - left, yes=yes, quiet=quiet):
        running = _ids(here, query, RUNNING) if wait else running
        done = here.cancel(query, how.reason, how.grace)
        stopping = _ids(here, query, STOPPING)
    try:
        if not quiet and not json and not 0 < refused == total:
            note(_told(done, left - refused, len(stopping)))
        if running | stopping and wait:
            _wait(here, running | stopping, quiet=quiet or json)
    except KeyboardInterrupt:
        progress("")
        raise KeyboardInterrupt("what was asked to stop still does") from None
    if json:
        json_line({"cancelled": done.ended, "asked": done.asked, "left": left})


def _count(here: Queue, query: Document, more: Document) -> int:
    return here.count({"$and": [query, more]})


def _ids(here: Queue, query: Document, more: Document) -> set[str]:
    return {task["_id"] for task in here.find({"$and": [query, more]}, fields=("_id",))}


def _agreed(here: Queue, query: Document, count: int, *, yes: bool, quiet: bool) -> bool:
    if count <= 1:
        return True
    running = _count(here, query, RUNNING)
    told = f", {running:,} of them running" if running else ""
    return ask(f"Cancel {plural(count)} of queue {here.name}{told}?", yes=yes, quiet=quiet)


def _told(done: Cancelled, left: int, stopping: int) -> str:
    parts = [f"cancelled {plural(done.ended)}"] if done.ended or not done.asked else []
    if done.asked:
        parts.append(f"asked {plural(done.asked, 'running task')} to stop")
    if stopping > done.asked:
        parts.append(f"{stopping - done.asked:,} had been asked before")
    if left:
        parts.append(f"left {left:,} that {'has' if left == 1 else 'have'} ended")
    return ", ".join(parts)


def _wait(here: Queue, identities: set[str], *, quiet: bool) -> None:
    """Waits until none of these tasks runs; one whose worker is dead ends with its lease."""
    from labq.queue.recovery import recover

    theirs: Document = {"queue": here.name, "_id": {"$in": sorted(identities)}}
    recover_at = time.monotonic() + RECOVER_SECONDS
    while running := _count(here, theirs, STOPPING):
        if not quiet:
            progress(f"waiting for {plural(running)} to stop (Ctrl-C: no longer wait)")
        time.sleep(LOOK_SECONDS)
        if time.monotonic() >= recover_at:
            recover(here.store, here.name)
            recover_at = time.monotonic() + RECOVER_SECONDS
    progress("")
    became = Counter(task["status"] for task in here.find(theirs, fields=("status",)))
    if not quiet:
        told = ", ".join(f"{count:,} {status}" for status, count in sorted(became.items()))
        note(f"ended: {told}")


def _why_not(here: Queue, query: Document) -> tuple[str, int]:
    """Why tasks that were named cannot be cancelled, and how many: those that are published."""
    from labq.queue.refusals import done_already, standing, untaken

    states = standing(here.store, query, "cancel")
    wrong = {state: count for state, count in states.items() if not done_already("cancel", state)}
    why = untaken(here.store, query, "cancel", wrong) if wrong else ""
    return why, sum(wrong.values())
