"""What the commands on a queue's settings share: the options, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import moment, span
from labq.errors import UsageError
from labq.model.sound import MALFORMED
from labq.model.task import Document

NONE = "none"  # takes a setting back

MaxTasks = Annotated[
    str | None,
    typer.Option(
        metavar="N", help="The most tasks that it keeps; those with --auto-delete make room."
    ),
]
Description = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What it is for; '' removes it.")
]
DefaultTimeout = Annotated[
    str | None, typer.Option(metavar="DURATION", help="--timeout of tasks that have none.")
]
DefaultTtl = Annotated[
    str | None, typer.Option(metavar="DURATION", help="--ttl of tasks that say neither.")
]
DefaultAutoDelete = Annotated[
    bool | None,
    typer.Option(
        "--default-auto-delete/--no-default-auto-delete",
        help="--auto-delete of tasks that say neither.",
        show_default=False,
    ),
]


OnFinish = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="What its workers run, no shell, for each task that ends; none removes it.",
    ),
]


def given(
    max_tasks: str | None,
    description: str | None,
    default_timeout: str | None,
    default_ttl: str | None,
    default_auto_delete: bool | None,
    on_finish: str | None = None,
    before: Mapping[str, Any] | None = None,
) -> Document:
    """The settings that the options name; None for one that is taken back.

    Args:
        max_tasks: these as they were typed.
        description: the same.
        default_timeout: the same.
        default_ttl: the same.
        default_auto_delete: the same.
        on_finish: the same.
        before: the queue's record, of whose default retention an option may change a half.

    Raises:
        UsageError: one makes no sense.
    """
    found: Document = {}
    if max_tasks is not None:
        found["max_tasks"] = None if max_tasks == NONE else _number(max_tasks)
    if description is not None:
        found["description"] = description or None
    if on_finish is not None:
        found["on_finish"] = None if on_finish in ("", NONE) else on_finish
    if default_timeout is not None:
        none = default_timeout == NONE
        found["defaults.timeout"] = (
            None if none else options.duration("--default-timeout", default_timeout)
        )
    if default_ttl is not None or default_auto_delete is not None:
        kept = dict((before or {}).get("defaults", {}).get("retention", {}))
        if default_ttl is not None:
            kept["ttl"] = (
                None if default_ttl == NONE else options.duration("--default-ttl", default_ttl)
            )
        if default_auto_delete is not None:
            kept["auto_delete"] = default_auto_delete or None
        kept = {key: value for key, value in kept.items() if value is not None}
        found["defaults.retention"] = kept or None
    return found


def _number(text: str) -> int:
    digits = text.isascii() and text.isdecimal() and len(text) <= 10  # noqa: PLR2004 - all it has
    if not digits or not int(text):
        raise UsageError(f"--max-tasks must be a whole number of 1 or more, or none, not {text!r}")
    return int(text)


def facts(record: Mapping[str, Any]) -> Document:
    """What was said of a queue, for programs."""
    names = ("description", "max_tasks", "on_finish", "defaults", "created_at", MALFORMED)
    return {name: record[name] for name in names if record.get(name) not in (None, {})}


def lines(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same for people."""
    found = facts(record)
    defaults = found.get("defaults", {})
    said = [("description", found["description"])] if "description" in found else []
    if "max_tasks" in found:
        said.append(("max_tasks", f"{found['max_tasks']:,}"))
    if "on_finish" in found:
        said.append(("on_finish", found["on_finish"]))
    if "timeout" in defaults:
        said.append(("default timeout", span(timedelta(seconds=defaults["timeout"]))))
    kept = defaults.get("retention", {})
    if "ttl" in kept:
        said.append(("default ttl", span(timedelta(seconds=kept["ttl"]))))
    if kept.get("auto_delete"):
        said.append(("default auto_delete", "yes"))
    if "created_at" in found:
        said.append(("created_at", moment(found["created_at"])))
    said += [(MALFORMED, why) for why in found.get(MALFORMED, {}).values()]
    return said
