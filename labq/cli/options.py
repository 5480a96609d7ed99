"""The options that several commands share, spelled once; and what opens a queue for a command."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Annotated

import typer

from labq import config
from labq.cli.output import note
from labq.config import Settings
from labq.errors import UsageError
from labq.store import find_store, open_store
from labq.values.durations import seconds, seconds_or_none
from labq.values.text import shortened

if TYPE_CHECKING:
    from labq.queue import Queue, Selection
    from labq.store import Store

SILENCE = 2.0  # seconds after which a person is told what a command waits for

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
        return seconds_or_none(text) if none else seconds(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None


def settings(uri: str | None, queue: str | None) -> Settings:
    """The settings in force with these two flags."""
    return config.load({"uri": uri, "queue": queue})


def queue_of(found: Settings, *, at_once: bool = True) -> Queue:
    """The queue that the settings name, for what puts tasks into it.

    Its store is made if need be: `at_once`, or else with the first task.
    """
    from labq.queue import Queue

    opened = open_store(found.uri) if at_once else find_store(found.uri)
    return Queue(_told_of(opened), found.queue, note, found.home)


def _told_of(store: Store) -> Store:
    """The store; says what of its URI counts for nothing."""
    for text in store.notes:
        note(f"labq: {text}")
    return store


def find_queue(found: Settings, *, new: bool = False) -> Queue:
    """The queue that the settings name, for what makes no store.

    What the command line names must be there, but for a queue that may be `new`, such as one that
    is looked at before its first task; what a variable or a file names may come later.

    Raises:
        StoreError: --uri names no store that is there.
        NotFoundError: --queue names no queue that is there.
    """
    from labq.queue import Queue
    from labq.queue.presence import require_queue, require_store

    here = Queue(_told_of(find_store(found.uri)), found.queue, note, found.home)
    if found.origins.get("uri") == "--uri":
        require_store(here.store)
    if found.origins.get("queue") == "--queue" and not new:
        require_queue(here.store, here.name)
    return here


def open_queue(uri: str | None, queue: str | None, *, new: bool = False) -> Queue:
    """The queue that the flags and the settings name, as `find_queue` gives it."""
    return find_queue(settings(uri, queue), new=new)


def tell_absence(here: Queue, empty: str = "", said: Selection | None = None) -> None:
    """Says what is empty, and what there is instead of what was named."""
    if why := why_nothing(here, said):
        note(f"{empty}: {why}" if empty else f"labq: {why}")
    elif empty:
        note(empty)


def why_nothing(here: Queue, said: Selection | None = None) -> str:
    """The store, queue, name or project that there is not; empty where all that was named is."""
    from labq.queue.presence import absence, missed

    why = absence(here.store, here.name)
    return missed(here.store, here.name, said) if said and not why else why


def nothing_piped(refs: list[str] | None, said: Selection, *, quiet: bool) -> bool:
    """Whether stdin was read since nothing chose a task, and named none; says so."""
    none = refs is None and said.refs is not None and not said.refs
    if none and not quiet:
        note("nothing to do: stdin names no task")
    return none


def selection(
    refs: list[str] | None,
    status: list[str] | None,
    names: list[str] | None,
    filters: list[str] | None,
    projects: list[str] | None = None,
    *,
    latest: bool | None = None,
    piped: bool = False,
) -> Selection:
    """What the selecting options say together.

    A reference may hold several, as `--id "$(labq task ls --quiet)"` gives them; `-` reads them
    from stdin, and so does nothing at all where they may be `piped`. No reference at all among
    those given selects nothing, not everything. Without the option `--latest`, `latest` is None.
    """
    from labq.queue import Selection

    for text in (*(status or ()), *(names or ()), *(filters or ()), *(projects or ())):
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise UsageError(f"{shortened(text)} is not valid UTF-8")
    for text in filters or ():
        if not text.strip():
            raise UsageError("the filter is empty (leave -f away to mean every task)")
    piped = piped and not (status or names or filters or projects)
    words = references(refs) if refs is not None or piped else None
    return Selection(
        refs=words,
        statuses=tuple(status or ()),
        names=tuple(names or ()),
        filters=tuple(filters or ()),
        projects=tuple(projects or ()),
        latest=latest,
    )


def references(refs: list[str] | None) -> list[str] | None:
    """Each of the references in these words; of those on stdin for `-` and where there is no word.

    None where there is no word, and nobody pipes any.
    """
    if refs is None:
        text = _stdin()
        return None if text is None else text.split()
    texts = [(_stdin(asked=True) or "") if ref == "-" else ref for ref in refs]
    return [word for text in texts for word in text.split()]


def _stdin(*, asked: bool = False) -> str | None:
    """The text on stdin; None where it cannot be read or, unless `asked` for, is a terminal's."""
    stream = sys.stdin
    try:
        if not asked and stream.isatty():
            return None
        _tell_of_silence(stream)
        buffer = getattr(stream, "buffer", None)
        text = buffer.read().decode("utf-8", "surrogateescape") if buffer else stream.read()
    except (OSError, ValueError):  # closed
        return None
    _answer_from_terminal()
    return text


def _tell_of_silence(stream: IO[str]) -> None:
    import select

    with suppress(OSError, ValueError):  # in memory
        if not select.select([stream], [], [], SILENCE)[0]:
            note("labq: reads references from stdin, which says nothing yet (Ctrl-C ends it)")


def _answer_from_terminal() -> None:
    """Makes stdin the terminal of the person who piped into it, if any: there may be a question."""
    if sys.stderr.isatty() and not sys.stdin.isatty():
        with suppress(OSError):
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
            os.dup2(terminal, sys.stdin.fileno())
            os.close(terminal)
            sys.stdin = open(0, closefd=False)  # noqa: SIM115 - open as long as the process
