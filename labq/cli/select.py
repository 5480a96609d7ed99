"""The options that choose tasks, for the commands that do something to those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq.cli import options
from labq.errors import UsageError

if TYPE_CHECKING:
    from labq.config import Settings
    from labq.model.task import Document
    from labq.queue import Queue

Refs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REF...]", help="Tasks; - or none at all reads stdin.", show_default=False
    ),
]


@dataclass(frozen=True)
class Chosen:
    """The tasks that the options choose, and how to speak with the person."""

    settings: Settings
    here: Queue
    query: Document
    total: int
    named: bool  # by references: who names a task wants to know that it is refused
    yes: bool
    json: bool
    quiet: bool


def on_tasks(
    verb: str, *, asks: bool = True, names: bool = True
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a command of a function of the tasks chosen and of options of its own.

    Args:
        verb: what the command does, for who chooses none.
        asks: whether it may ask, and so has `--yes`.
        names: whether `--name` chooses tasks; else it is the function's own to have.
    """

    def made(own: Callable[..., None]) -> Callable[..., None]:
        def command(
            refs: list[str] | None,
            status: list[str] | None,
            project: list[str] | None,
            extra_filter: list[str] | None,
            latest: bool,
            queue: str | None,
            uri: str | None,
            json: bool,
            quiet: bool,
            yes: bool = True,
            **more: Any,
        ) -> None:
            named = more.pop("name") if names else None
            said = options.selection(
                refs, status, named, extra_filter, project, latest=latest, piped=True
            )
            if not said.narrows:
                how = "-s, --name or -f" if names else "-s or -f"
                raise UsageError(f"{verb} what? Give REF..., {how} (every task: -f '{{}}')")
            if options.nothing_piped(refs, said, quiet=quiet or json) and not json:
                return
            settings = options.settings(uri, queue)
            here = options.find_queue(settings)
            query = here.query(said)
            total = here.count(query)
            if not total and said.refs is None and not quiet:
                options.tell_absence(here, said=said)
            own(Chosen(settings, here, query, total, bool(said.refs), yes, json, quiet), **more)

        given = list(signature(own, eval_str=True).parameters.values())[1:]
        parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in given]
        choosing = [one for one in _CHOOSING if names or one.name != "name"]
        whole = [*choosing, *parameters, *(_ASKING if asks else ()), *_LAST]
        command.__signature__ = Signature(whole)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in whole}
        command.__doc__ = own.__doc__
        return command

    return made


def _option(name: str, kind: Any, default: Any = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default)


_CHOOSING = (
    _option("refs", Refs),
    _option("status", options.Status),
    _option("name", options.Names),
    _option("project", options.Projects),
    _option("extra_filter", options.Filters),
    _option("latest", options.Latest, default=False),
)
_ASKING = (_option("yes", options.Yes, default=False),)
_LAST = (
    _option("queue", options.QueueName),
    _option("uri", options.Uri),
    _option("json", options.Json, default=False),
    _option("quiet", options.Quiet, default=False),
)
