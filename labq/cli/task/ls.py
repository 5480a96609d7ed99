"""`labq task ls`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line, moment, note, plural, public
from labq.cli.task.waits import MOST, briefly, parents
from labq.command.words import text_of
from labq.filters import to_json
from labq.model.sound import MALFORMED, faults_of
from labq.model.task import Document
from labq.queue.ordering import check_path, parse_sort
from labq.queue.selection import stalled
from labq.values.paths import MISSING, lookup
from labq.values.text import shortened

if TYPE_CHECKING:
    from labq.queue import Queue, Selection
    from labq.store import Sort

PAGE = 100  # tasks at a terminal, where no --limit is given


def command(
    status: options.Status = None,
    ids: options.Ids = None,
    name: options.Names = None,
    project: options.Projects = None,
    extra_filter: options.Filters = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**31 - 1,
            metavar="N",
            help="At most N; 0 is all.",
            show_default=f"{PAGE} at a terminal",
        ),
    ] = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD:asc|desc",
            help="Order by this, as MongoDB does: those without it come first.",
            show_default="number:asc",
        ),
    ] = None,
    cols: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD,...", help="Show these, such as args.lr,summary.acc; again for more."
        ),
    ] = None,
    no_pager: Annotated[bool, typer.Option("--no-pager", help="Print it all at once.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the MongoDB query, on stderr.")
    ] = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print ids alone, one a line.")
    ] = False,
) -> None:
    """List tasks. All filters must hold.

    Examples:
      labq task ls -s running
      labq task ls -f 'args.lr > 0.05 and status == "success"' --sort summary.acc:desc
      labq task ls --cols args.lr,summary.acc,status --sort args.lr:asc
      labq task ls --quiet -f '{"args.model.name": "a"}'
    """
    order = parse_sort(sort or [], "--sort")
    paths = parse_columns(cols or [])
    here = options.open_queue(uri, queue, new=True)
    said = options.selection(ids, status, name, extra_filter, project)
    query = here.query(said)
    if verbose:
        note(to_json(query))
    if quiet or json:
        fields = ("_id",) if quiet else ()
        steady = not limit and not status  # those of a status come and go anyhow
        found = here.find(query, sort=order, limit=limit or 0, fields=fields, steady=steady)
        empty = True
        for task in found:
            empty = False
            line(task["_id"]) if quiet else json_line(_chosen(public(task), paths))
        if empty:
            options.tell_absence(here, said=said)
        return
    _table(here, said, query, order, limit, paths, pager=not no_pager)


def _chosen(task: Document, paths: Sequence[str]) -> Document:
    """The number and the values at these paths that the task has; the whole task without any."""
    if not paths:
        return task
    found = {path: lookup(task, path) for path in paths}
    there = {path: value for path, value in found.items() if value is not MISSING}
    return {"number": task["number"], **there, **_faults(task)}


def _faults(task: Document) -> Document:
    return {MALFORMED: task[MALFORMED]} if MALFORMED in task else {}


def _table(
    here: Queue,
    said: Selection,
    query: Document,
    order: Sort,
    limit: int | None,
    paths: Sequence[str],
    *,
    pager: bool,
) -> None:
    from labq.cli import render

    terminal = sys.stdout.isatty()
    size = limit if limit is not None else PAGE if terminal else 0
    tasks = here.find(query, sort=order, limit=size + 1 if size else 0)  # whole: see MALFORMED
    page = list(islice(tasks, size or None))
    beyond = next(tasks, None) is not None
    footer = _footer(here, said, query, page, beyond=beyond, asked=limit is not None)
    if page and paths:
        render.table([_row(task, paths) for task in page], right=("#",), fixed=("#",))
    elif page:
        outstanding = parents(here, page, "waiting_for", most=MOST)
        waits = [briefly(task, outstanding) for task in page]
        late = stalled(here.store, page)
        below = footer if terminal else []
        render.tasks(page, waits, below, stalled=late, pager=terminal and pager)
    if not terminal or not page or paths:
        for text in footer:
            note(text)


def _row(task: Document, paths: Sequence[str]) -> dict[str, str]:
    """The line of a task in the columns that were asked for."""
    values = _chosen(task, paths)
    if "words" in task and MALFORMED not in task:
        from labq.command.line import texts as typed

        values |= {f"args.{key}": text for key, text in typed(task).items()}
    texts = {path: _text(values[path]) if path in values else "-" for path in paths}
    return {"#": str(task["number"]), **texts}


def _text(value: object) -> str:
    return moment(value) if isinstance(value, datetime) else shortened(text_of(value))


def parse_columns(texts: list[str]) -> list[str]:
    """`args.lr,status` -> the dotted paths, each once.

    Raises:
        UsageError: no such field.
    """
    paths = list(dict.fromkeys(path.strip() for text in texts for path in text.split(",")))
    for path in paths:
        check_path(path, f"--cols {shortened(path)}")
    return paths


def _footer(
    here: Queue,
    said: Selection,
    query: Document,
    page: list[Document],
    *,
    beyond: bool,
    asked: bool,
) -> list[str]:
    """What the table does not say: how many more there are, and what was passed over and why."""
    lines = []
    if not page:
        empty = f"no tasks in queue {here.name}{' match' if len(query) > 1 else ''}"
        why = options.why_nothing(here, said)
        lines.append(f"{empty}: {why}" if why else empty)
    if beyond:
        total = here.count(query)
        more = "" if asked else " (--limit 0 shows all)"
        lines.append(f"{len(page):,} of {plural(total)}, {total - len(page):,} more{more}")
    reasons: dict[str, list[str]] = {}
    for task in page:
        if task["status"] == "pending" and task.get("reason", "").startswith("passed over: "):
            reasons.setdefault(task["reason"], []).append(str(task["number"]))
    for reason, numbers in reasons.items():
        lines.append(f"{plural(len(numbers))} {reason} ({_several(numbers)})")
    faults: dict[str, list[str]] = {}
    for task in page:
        if MALFORMED in task:
            faults.setdefault(faults_of(task), []).append(str(task["number"] or task["_id"]))
    for fault, refs in faults.items():
        lines.append(f"{plural(len(refs))} malformed: {fault} ({_several(refs)})")
    return lines


def _several(refs: Sequence[str]) -> str:
    return ", ".join(refs[:5]) + (", ..." if len(refs) > 5 else "")  # noqa: PLR2004
