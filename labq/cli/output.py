"""What goes to stdout (results) and to stderr (all else), without rich."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import typer

from labq import clock
from labq.model.sound import MALFORMED
from labq.model.task import FIELDS, Status
from labq.store.base import STEADY

# What could drive a terminal: control characters but tab and newline, and what turns the direction
# of text or ends a line unseen.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text, what could drive a terminal written as escapes."""
    return UNSAFE.sub(lambda found: repr(found[0])[1:-1], text)


def single(text: str) -> str:
    """The same on one line: what another person wrote cannot pass for a line of labq's own."""
    return harmless(text).replace("\n", "\\n")


def line(text: str) -> None:
    """A line of result."""
    typer.echo(harmless(text))


def note(text: str) -> None:
    """A line for the person, not for the pipe; nobody may be there to read it."""
    with suppress(OSError):
        typer.echo(single(text), err=True)


def json_line(value: Any) -> None:
    """A result as one line of JSON."""
    typer.echo(as_json(value))


def as_json(value: Any) -> str:
    """JSON with times as ISO 8601 in UTC; of what no JSON holds, what Python says of it."""
    text = json.dumps(value, ensure_ascii=False, default=_as_text)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _as_text(value: Any) -> str:
    return clock.iso(value) if isinstance(value, datetime) else str(value)


def public(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task as it is shown: in the document's order, its lease without what labq alone needs."""
    shown = {field: task[field] for field in (*FIELDS, MALFORMED) if field in task}
    if "lease" in shown:
        lease = shown["lease"].items()
        shown["lease"] = {key: value for key, value in lease if key not in ("token", STEADY)}
    return shown


def status_of(task: Mapping[str, Any], stalled: Collection[str] = ()) -> str:
    """The word for where a task stands: its status, or what becomes of it while it runs.

    `stalled` has the ids of the tasks whose lease is over.
    """
    if MALFORMED in task:
        status = [] if "status" in task[MALFORMED] else [str(task["status"])]
        return ", ".join([*status, MALFORMED])
    if "published_at" in task:
        return f"{task['status']}, published"
    if task["_id"] in stalled:
        return "stalled"
    stopping = task["status"] == Status.RUNNING.value and "stop_requested" in task
    return "stopping" if stopping else str(task["status"])


def ask(question: str, *, yes: bool, quiet: bool = False) -> bool:
    """The person's answer; yes where they said so before, or where nobody is there to ask."""
    if yes or quiet or not attended():
        return True
    return bool(typer.confirm(single(question), err=True))


def attended() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def plural(count: int, noun: str = "task") -> str:
    """`1 task`, `1,200 tasks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def moment(when: datetime) -> str:
    """A time as this machine's clocks show it."""
    return f"{clock.local(when):%Y-%m-%d %H:%M:%S}"


def span(length: timedelta) -> str:
    """A timedelta in its two largest units: `3d 4h`, `5m 2s`, `2h`, `0.4s`."""
    seconds: float = max(0.0, length.total_seconds())
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f}s"
    seconds = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join(part for part in parts[:2] if part[0] != "0")


def progress(text: str) -> None:
    """Words that take the place of those before them, at a terminal alone; empty wipes them."""
    if sys.stderr.isatty():
        with suppress(OSError):
            typer.echo(f"\r{harmless(text)}\x1b[K", nl=False, err=True)
