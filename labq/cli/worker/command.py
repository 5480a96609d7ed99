"""What `labq worker stop`, `drain`, `pause` and `resume` share: who is asked, and what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import ask, json_line, note, plural
from labq.cli.worker import cards
from labq.errors import UsageError
from labq.queue import workers

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.store import Store

Refs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WORKER...]",
        help="Ids, starts of ids, hosts that have one worker; - or none at all reads stdin.",
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="All workers of the queue.")]


def named(store: Store, refs: list[str], queue: str | None) -> list[Document]:
    """The workers that these references name: of any queue, or of the one that a flag gave.

    Raises:
        NotFoundError, ConflictError: one names none, or several.
    """
    return workers.named(store, options.references(refs) or [], queue)


def direct(
    word: str,
    refs: list[str] | None,
    *,
    everyone: bool,
    queue: str | None,
    uri: str | None,
    yes: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Asks workers to do what `word` says, and tells how many were asked; does not wait for them.

    Raises:
        UsageError: neither references nor --all, or both.
    """
    piped = refs is None and not everyone
    if piped:
        refs = options.references(None)
    if everyone == (refs is not None):
        raise UsageError(f"{word} which workers? Give WORKER... or --all")
    if piped and not refs and not json:
        if not quiet:
            note("nothing to do: stdin names no worker")
        return
    here = options.open_queue(uri, queue, new=True)
    store = here.store
    chosen = workers.listed(store, here.name) if refs is None else named(store, refs, queue)
    there = bool(chosen)
    if word == workers.STOP and not _agreed(store, chosen, yes=yes, quiet=quiet):
        chosen = []
    ids = [card["_id"] for card in chosen]
    asked = workers.command(store, ids, word) if ids else 0
    if json:
        json_line({"asked": asked, "workers": ids})
    elif not quiet and not there and everyone:
        note(f"no workers in queue {here.name}")
        if queue is not None:
            options.tell_absence(here)
    elif not quiet:
        note(f"asked {plural(asked, 'worker')} to {word}")


def _agreed(store: Store, chosen: list[Document], *, yes: bool, quiet: bool) -> bool:
    """Whether these workers may be stopped: asked where they run tasks."""
    running = sum(len(card["tasks"]) for card in cards.fresh(store, chosen))
    told = f"Stop {plural(len(chosen), 'worker')} and give back {plural(running)}?"
    return not running or ask(told, yes=yes, quiet=quiet)
