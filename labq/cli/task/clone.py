"""`labq task clone`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli.output import ask, json_line, line, note, plural
from labq.cli.select import Chosen, on_tasks
from labq.errors import ConflictError, UsageError
from labq.model.task import Document, Status
from labq.queue import Edit, parse_edit
from labq.queue.parts import in_parts, tasks
from labq.values.batches import batches

if TYPE_CHECKING:
    from labq.queue import Queue

BATCH = 1000  # tasks per read and per write
TOLD = ("_id", "number", "queue", "status", "parent")
DRAFT, PENDING = Status.DRAFT.value, Status.PENDING.value


@on_tasks("clone", names=False)
def command(
    chosen: Chosen,
    edits: Annotated[
        list[str] | None,
        typer.Option(
            "--update",
            "-u",
            metavar="FIELD=VALUE",
            help="What is other in it, such as args.lr=0.3; again for more.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="The copy's name; it has none without. It chooses no tasks.",
        ),
    ] = None,
    enqueue: Annotated[bool, typer.Option("--enqueue", help="Run it: no draft.")] = False,
) -> None:
    """Copy tasks, each into a new draft, and print the new numbers.

    The copy has the configuration: args, command, tags, source and so on; nothing of what came of
    the task, which is its parent. Any task can be cloned, published ones too. Either all of them
    are copied or, where one cannot take what -u asks for, none.

    Examples:
      labq task clone 4 --update args.lr=0.3 --enqueue
      labq task clone -s failed --update timeout=2h --enqueue
      labq task show "$(labq task clone 4 --name base)"
    """
    changes = [parse_edit(text) for text in edits or ()]
    here = chosen.here
    parents = {
        task["_id"]: task["number"]
        for task in here.find(chosen.query, fields=("_id", "number"), steady=True)
    }
    question = f"Copy {plural(len(parents))} of queue {here.name}?"
    if len(parents) > 1 and not ask(question, yes=chosen.yes, quiet=chosen.quiet):
        parents = {}
    became, last = Counter[str](), Document()

    def tell(copies: Iterable[Document]) -> None:
        nonlocal last
        for last in copies:
            became[last["status"]] += 1
            json_line(last) if chosen.json else line(str(last["number"]))

    stored = _stored(here, list(parents), changes, name, enqueue=enqueue)
    in_parts(
        (partial(tell, page) for page in stored),
        lambda sure: tasks(became.total(), "are copied", len(parents), sure=sure),
    )
    if not chosen.quiet and not chosen.json:
        one = len(parents) == became.total() == 1
        note(_one(here, last, parents[last["parent"]]) if one else _several(became))


def _stored(
    here: Queue, ids: Sequence[str], changes: Sequence[Edit], name: str | None, *, enqueue: bool
) -> Iterator[Iterator[Document]]:
    """Stores a copy of each of these tasks, a page at a time; the fields of TOLD of each copy.

    Raises:
        ConflictError, UsageError: a task cannot take the changes; none is copied.
        QuotaExceeded: the queue has no room for all of them; then nothing is stored either.
    """
    from labq.queue.edits import keep
    from labq.queue.settings import require_room

    keep(here.store, changes)
    pages = list(batches(ids, BATCH))
    made = (copy for page in pages for copy in _copies(here, page, changes, name, len(ids)))
    require_room(here.store, here.name, [copy["_id"] for copy in made])
    for page in pages:
        copies = _copies(here, page, changes, name, len(ids))
        here.submit([{**copy, "status": PENDING} if enqueue else copy for copy in copies])
        new: Document = {"queue": here.name, "_id": {"$in": [copy["_id"] for copy in copies]}}
        yield ({field: task[field] for field in TOLD} for task in here.find(new, fields=TOLD))


def _copies(
    here: Queue, ids: Sequence[str], changes: Sequence[Edit], name: str | None, total: int
) -> list[Document]:
    """A copy of each of these tasks, not stored yet."""
    from labq.queue.lifecycle import copy_of

    copies = []
    for task in here.find({"queue": here.name, "_id": {"$in": list(ids)}}):
        try:
            copies.append(copy_of(task, changes, name))
        except (ConflictError, UsageError) as error:  # noqa: PERF203 - to name it
            if total == 1:
                raise
            raise type(error)(f"cannot copy task {task['number']}: {error}") from None
    return copies


def _one(here: Queue, copy: Document, parent: int) -> str:
    number, status = copy["number"], copy["status"]
    then = f" (labq task enqueue {number} sets it going)" if status == DRAFT else ""
    return f"task {number} in queue {here.name}, a copy of task {parent}: {status}{then}"


def _several(became: Counter[str]) -> str:
    told = "".join(f", {count:,} {status}" for status, count in sorted(became.items()))
    then = " (labq task enqueue sets them going)" if DRAFT in became else ""
    return f"copied {plural(became.total())}{told.replace(',', ':', 1)}{then}"
