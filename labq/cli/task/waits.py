"""What a task waits for: the options that say it, and the words that tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from labq import clock
from labq.cli import options
from labq.cli.output import moment, span
from labq.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from labq.model.task import Document
    from labq.queue import Queue

MOST = 4  # tasks that are named; of more it is told how many


def waiting_for(
    here: Queue,
    after: list[str] | None,
    after_any: list[str] | None,
    at: str | None,
    delay: str | None,
) -> tuple[Document, list[str]]:
    """The fields of a new task that is to wait so, and warnings.

    What it comes after is of the same queue.

    Raises:
        UsageError: no time or duration, both of them, or no reference.
        NotFoundError, ConflictError: a reference to no task, or to several.
    """
    from labq.queue.selection import resolve

    found: Document = {}
    for field, option, texts in (
        ("after", "--after", after),
        ("after_any", "--after-any", after_any),
    ):
        if texts is None:
            continue
        refs = [ref for text in texts for ref in text.split()]
        if not all(text.strip() for text in texts):
            raise UsageError(f"{option} names no task: its text is empty")
        found[field] = resolve(here.store, here.name, refs)
    now = here.store.now()
    begins = _begins(now, at, delay)
    if begins > now:
        return {**found, "available_at": begins}, []
    if begins == now:
        return found, []
    return found, [f"--at {at}: {moment(begins)} is over, so the task does not wait"]


def _begins(now: datetime, at: str | None, delay: str | None) -> datetime:
    """The start time; now where none was asked for."""
    if at is not None and delay is not None:
        raise UsageError("give --at or --delay, not both")
    if delay is not None:
        return now + timedelta(seconds=options.duration("--delay", delay, none=True))
    if at is None:
        return now
    from labq.values import dates

    try:
        return dates.moment(at, now)
    except dates.DateError:
        raise UsageError(
            f"--at {at!r} is no time (write 2026-11-21T08:00, 'tomorrow 9:00', 'in 2 hours')"
        ) from None


def parents(
    here: Queue, tasks: Iterable[Document], *fields: str, most: int | None = None
) -> dict[str, Document]:
    """The number and status of the tasks that these fields name, by id; but for deleted ones.

    Of each field the first `most` are looked at, or all.
    """
    lists = (task.get(field, ()) for task in tasks for field in fields)
    wanted = {identity for one in lists for identity in one[:most]}
    if not wanted:
        return {}
    query = {"queue": here.name, "_id": {"$in": sorted(wanted)}}
    return {task["_id"]: task for task in here.find(query, fields=("number", "status"))}


def briefly(task: Document, there: dict[str, Document]) -> str:
    """Why a task waits, in few words: `3m 2s`, `for 4, 5`, `3m 2s, for 4`, or nothing."""
    if task["status"] != "waiting":
        return ""
    left = task["available_at"] - clock.now() if "available_at" in task else timedelta(0)
    parts = [span(left)] if left > timedelta(0) else []
    outstanding = task.get("waiting_for", ())
    if outstanding:
        parts.append("for " + _numbers(outstanding, there))
    return ", ".join(parts) or "due"


def fate_of(here: Queue, identity: str) -> str:
    """How a new task that was to wait stands now, to end a line with."""
    (task,) = here.find({"queue": here.name, "_id": identity})
    if task["status"] == "cancelled":
        return f" is cancelled: {task['reason']}"
    if task["status"] != "waiting":
        return ""
    parts = [f"until {when(task['available_at'])}"] if "available_at" in task else []
    if outstanding := task.get("waiting_for"):
        parts.append(
            f"for {_numbers(outstanding, parents(here, [task], 'waiting_for', most=MOST))}"
        )
    return f" waits {' and '.join(parts)}"


def when(begins: datetime) -> str:
    """A time for people, and how far away it is if it is to come."""
    left = begins - clock.now()
    return moment(begins) + (f" (in {span(left)})" if left > timedelta(0) else "")


def listed(identities: Iterable[str], there: dict[str, Document]) -> str:
    """All of these tasks with their statuses: `4 (success), 5 (running)`."""
    return ", ".join(
        f"{there[one]['number']} ({there[one]['status']})" if one in there else f"{one} (deleted)"
        for one in identities
    )


def _numbers(identities: list[str], there: dict[str, Document]) -> str:
    """The first few of these tasks: `4, 5, 6 and 7 more`."""
    named = [
        str(there[one]["number"]) if one in there else "(deleted)" for one in identities[:MOST]
    ]
    more = f" and {len(identities) - MOST:,} more" if len(identities) > MOST else ""
    return ", ".join(named) + more


def explained(here: Queue, task: Document) -> dict[str, str]:
    """The fields of a task that say what it waits for, in words for people."""
    fields = ("after", "after_any", "waiting_for")
    there = parents(here, [task], *fields)
    words = {field: listed(task[field], there) for field in fields if field in task}
    if "available_at" in task:
        words["available_at"] = when(task["available_at"])
    return words
