"""Waiting for tasks: how it goes, what became of them, and the exit code that says so."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from labq.cli.output import json_line, note, plural, public
from labq.errors import ConflictError, ExitCode, NotEndedError
from labq.model.task import Document, Status
from labq.values.batches import batches

if TYPE_CHECKING:
    from labq.queue import Queue

POLL = 1.0  # seconds between two looks, at most
CHUNK = 1000  # tasks per query
TAILS = 3  # failures of which is told what their jobs said last
SUCCESS, DRAFT = Status.SUCCESS.value, Status.DRAFT.value


def wait_for(
    here: Queue,
    ids: Sequence[str],
    timeout: float | None,
    *,
    json: bool,
    quiet: bool,
    then: Callable[[list[Document]], None] | None = None,
) -> None:
    """Waits until these tasks have ended, does something to them, and tells what became of them.

    Raises:
        NotEndedError: they have not within `timeout` seconds; they go on.
        ConflictError: those that are left are drafts, which nobody runs.
        typer.Exit: one did not succeed, or Ctrl-C ended the waiting and not the tasks.
    """
    from labq.client.waiting import until_ended

    try:
        with _live(len(ids), quiet=quiet or json) as live:
            ended = until_ended(here, ids, timeout, POLL, live)
    except KeyboardInterrupt as interrupt:
        note(f"labq: {interrupt}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    tasks = list(_found(here, ids))
    for task in tasks if json else ():
        json_line(public(task))
    if not ended:
        raise _not_ended(tasks, timeout)
    if then is not None:
        then(tasks)
    gone = len(ids) - len(tasks)
    if not quiet and not json:
        _tell(tasks, gone)
    if gone or any(task["status"] != SUCCESS for task in tasks):
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _live(total: int, *, quiet: bool) -> Iterator[Callable[[list[Document]], None] | None]:
    """What shows how it stands, at a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from labq.cli.render import waiting

    with waiting(total) as show:
        yield show


def _found(here: Queue, ids: Sequence[str]) -> Iterator[Document]:
    for some in batches(ids, CHUNK):
        yield from here.find({"_id": {"$in": some}})


def _not_ended(tasks: Sequence[Document], timeout: float | None) -> Exception:
    from labq.client.waiting import detached
    from labq.model.task import TERMINAL
    from labq.queue.refusals import refusal

    left = [task for task in tasks if task["status"] not in TERMINAL]
    drafts = [task for task in left if task["status"] == DRAFT]
    if drafts and len(drafts) == len(left):
        return ConflictError(refusal("wait", drafts[0]))
    return NotEndedError(f"not ended after {timeout:g} s: {detached(left)}")


def _tell(tasks: Sequence[Document], gone: int) -> None:
    failed = [task for task in tasks if task["status"] != SUCCESS]
    if failed:
        from labq.cli import render

        for task in failed[:TAILS]:
            render.failure(task)
    if len(tasks) == 1 and failed:
        return
    counts = Counter(task["status"] for task in tasks)
    words = [f"{count:,} {status}" for status, count in sorted(counts.items())]
    words += [f"{gone:,} deleted"] * bool(gone)
    note(f"{plural(len(tasks) + gone)} ended" + (f": {', '.join(words)}" if words else ""))
