"""The options that several commands share, spelled once; and what opens a queue for a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from labq import clock, config
from labq.args import shortened
from labq.config import Settings
from labq.errors import UsageError
from labq.store import open_store

if TYPE_CHECKING:
    from labq.queue import Queue, Selection

QueueName = Annotated[
    str | None,
    typer.Option("--queue", metavar="NAME", help="The queue (LABQ_QUEUE).", show_default="default"),
]
Uri = Annotated[
    str | None,
    typer.Option(
        "--uri", metavar="URI", help="The store: sqlite:PATH or mongodb://... (LABQ_URI)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing that is not asked for, and ask nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Status = Annotated[
    list[str] | None,
    typer.Option(
        "--status", "-s", metavar="STATUS", help="Only tasks of this status; again for more."
    ),
]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        "--task-id",
        metavar="REF",
        help="Only this task: number, id or its start, name; - reads stdin.",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", "--task-name", metavar="NAME", help="Only tasks of this name."),
]
Projects = Annotated[
    list[str] | None,
    typer.Option(
        "--project", "-P", metavar="PATH", help="Only tasks of this project and of those below it."
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--extra-filter",
        "-f",
        metavar="FILTER",
        help="Only tasks for which this holds, such as 'args.lr > 0.1' (labq guide filters).",
    ),
]

Latest = Annotated[
    bool, typer.Option("--latest", help="Of several tasks of a name that is a REF, the newest.")
]


def duration(option: str, text: str, *, none: bool = False) -> float:
    """The seconds that an option asks for; above zero, unless `none` at all may be.

    Raises:
        UsageError: it is no such duration; it names the option.
    """
    try:
        return clock.wait(text) if none else clock.seconds(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None


def settings(uri: str | None, queue: str | None) -> Settings:
    """The settings in force with these two flags."""
    return config.load({"uri": uri, "queue": queue})


def queue_of(found: Settings) -> Queue:
    """The queue that the settings name, its store opened: the one place where commands open one."""
    from labq.queue import Queue

    return Queue(open_store(found.uri), found.queue)


def open_queue(uri: str | None, queue: str | None) -> Queue:
    """The queue that the flags and the settings name."""
    return queue_of(settings(uri, queue))


def selection(
    refs: list[str] | None,
    status: list[str] | None,
    names: list[str] | None,
    filters: list[str] | None,
    projects: list[str] | None = None,
    *,
    latest: bool | None = None,
) -> Selection:
    """What the selecting options say together.

    A reference may hold several, as `--id "$(labq task ls --quiet)"` gives them; `-` reads them
    from stdin. No reference at all among those given selects nothing, not everything. Without the
    option `--latest`, `latest` is None.
    """
    from labq.queue import Selection

    words: list[str] | None = None
    if refs is not None:
        texts = [sys.stdin.read() if ref == "-" else ref for ref in refs]
        words = [word for text in texts for word in text.split()]
    for text in (*(status or ()), *(names or ()), *(filters or ()), *(projects or ())):
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise UsageError(f"{shortened(text)} is not valid UTF-8")
    for text in filters or ():
        if not text.strip():
            raise UsageError("the filter is empty (leave -f away to mean every task)")
    return Selection(
        refs=words,
        statuses=tuple(status or ()),
        names=tuple(names or ()),
        filters=tuple(filters or ()),
        projects=tuple(projects or ()),
        latest=latest,
    )
