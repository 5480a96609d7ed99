"""`labq task update`."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import as_json, ask, attended, json_line, note, plural, public
from labq.command.words import normalised
from labq.errors import ConflictError, TemplateError, UsageError
from labq.model.sound import MALFORMED
from labq.model.task import EDITABLE, FIELDS, Document
from labq.queue import Edit, EditReport, Queue, parse_edit
from labq.queue.edits import applied, as_read, check_field, edit, edits_between, takes_away
from labq.queue.refusals import counted, not_edited

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 100  # tasks in one editor
READ_ONLY = ("_id", "number", "status", "attempt", "created_at")


def command(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[REF...] [-- FIELD=VALUE...]", show_default=False)
    ] = None,
    update: Annotated[
        list[str] | None,
        typer.Option(
            "--update",
            "-u",
            metavar="FIELD=VALUE",
            help="An edit, such as args.lr=0.3; again for more.",
        ),
    ] = None,
    status: options.Status = None,
    ids: options.Ids = None,
    name: options.Names = None,
    project: options.Projects = None,
    extra_filter: options.Filters = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    yes: options.Yes = False,
    quiet: options.Quiet = False,
) -> None:
    """Edit tasks, by value or, with no edit given, in your editor.

    An edit leaves its siblings alone: args.opt.lr=1 keeps args.opt.name; args.lr! takes lr away. Of
    the words that were typed those of the key are spelled anew, all others stay. Of a task that
    runs or has ended only tags, comment, metadata and summary may change; for the rest, clone it.

    Examples:
      labq task update 4 -u args.lr=0.3
      labq task update -s pending -f 'args.lr > 1' -- args.lr=0.3 priority=5
      labq task update --id 4
    """
    edits = [word for word in words or () if "=" in word or takes_away(word)]
    refs = [*(ids or ()), *(word for word in words or () if word not in edits)]
    given = refs if ids is not None or refs else None
    changes = [parse_edit(text) for text in [*(update or []), *edits]]
    chosen = options.selection(given, status, name, extra_filter, project, piped=True)
    if not chosen.narrows:
        raise UsageError("update which tasks? Give --id, -s, --name or -f (every task: -f '{}')")
    if options.nothing_piped(given, chosen, quiet=quiet or json) and not json:
        return
    here = options.open_queue(uri, queue)
    query = here.query(chosen)
    report = EditReport()
    total = here.count(query)
    if not total and chosen.refs is None and not quiet:
        options.tell_absence(here, said=chosen)
    if not changes:
        report = _by_editor(here, query, total)
    elif total == 1 or ask(f"Edit {plural(total)} of queue {here.name}?", yes=yes, quiet=quiet):
        before = _line(here, query) if total == 1 and not quiet and not json else ""
        report = edit(here.store, query, changes)
        if report.changed and before and (after := _line(here, query)) != before:
            note(f"- {before}")
            note(f"+ {after}")
    refused = bool(chosen.refs and report.refused)
    if json:
        json_line({"changed": report.changed, "same": report.same, "refused": dict(report.refused)})
    elif not quiet and not (refused and total == 1):
        _tell(report)
    if refused:
        raise ConflictError(not_edited(here.store, query, report.refused))


def _line(here: Queue, query: Document) -> str:
    """The words of a task that has some, as its next attempt gets them."""
    from labq.command.line import shown

    task = next(here.find(query), {})
    if "words" not in task or MALFORMED in task:
        return ""
    try:
        return shlex.join(shown(task))
    except TemplateError as error:
        return str(error)


def _tell(report: EditReport) -> None:
    same = f", {report.same:,} had the value already" if report.same else ""
    left = f", left {counted(report.refused)}" if report.refused else ""
    note(f"changed {plural(report.changed)}{same}{left}")


def _by_editor(here: Queue, query: Document, total: int) -> EditReport:
    """Opens the tasks as YAML and applies what was changed in it, task by task."""
    from labq.cli.editor import edited
    from labq.cli.yaml_text import load_all

    if not total:
        return EditReport()
    if not (attended() or os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise UsageError("no terminal for an editor: give the edit with -u FIELD=VALUE")
    if total > MOST:
        raise UsageError(
            f"{plural(total)} are too many for an editor (at most {MOST}): give -u FIELD=VALUE"
        )
    tasks = {task["_id"]: task for task in here.find(query, steady=True)}
    text = "---\n".join(_as_yaml(task, here.name) for task in tasks.values())
    report = edited(text, lambda saved: _apply(here, tasks, _changes(tasks, load_all(saved))))
    return report or EditReport(same=len(tasks))


def _apply(here: Queue, tasks: dict[str, Document], changes: dict[str, list[Edit]]) -> EditReport:
    """Makes the changes, each if its task is still as it was shown.

    Raises:
        ConflictError: some are not; the others are changed.
    """
    report = EditReport(same=0 if changes else len(tasks))
    for identity, edits in changes.items():
        task = tasks[identity]
        one = edit(here.store, {"queue": here.name, **as_read(task)}, edits)
        report.changed += one.changed
        report.same += one.same
        report.refused.update(one.refused)
        if not (one.changed or one.same or one.refused):
            report.refused["it changed while you edited it: edit it again"] += 1
    if report.refused:
        done = f" (changed {plural(report.changed)})" if report.changed else ""
        raise ConflictError(f"cannot edit {counted(report.refused)}{done}")
    return report


def _as_yaml(task: Document, queue: str) -> str:
    from labq.cli.yaml_text import dump

    shown = public(task)
    marked = "".join(
        f"{field}: {as_json(shown[field])}  # read-only\n" for field in READ_ONLY if field in shown
    )
    fields = [field for field in FIELDS if field in EDITABLE - {"source"} and field in task]
    values = {field: task[field] for field in fields}
    head = f"# Task {task['number']} of queue {queue}. An emptied file changes nothing.\n"
    faults = "".join(f"# malformed: {why}\n" for why in task.get(MALFORMED, {}).values())
    return head + faults + marked + dump(values)


def _changes(tasks: dict[str, Document], documents: Sequence[Any]) -> dict[str, list[Edit]]:
    """The edits per task that the documents ask for; a task whose document is gone stays as it is.

    Raises:
        UsageError: a read-only field was changed, or a value cannot be stored.
    """
    changes: dict[str, list[Edit]] = {}
    seen: set[str] = set()
    for document in documents:
        identity = document.get("_id") if isinstance(document, dict) else None
        if not isinstance(identity, str) or identity not in tasks:
            raise UsageError("the _id line of a task is gone or changed: it says which task it is")
        if identity in seen:
            raise UsageError(f"the task {identity} stands there twice")
        seen.add(identity)
        task = tasks[identity]
        if edits := _edits(task, document):
            changes[task["_id"]] = edits
    return changes


def _edits(task: Document, document: dict[str, Any]) -> list[Edit]:
    shown = public(task)
    for field, value in document.items():
        if field in READ_ONLY:
            if as_json(value) != as_json(shown.get(field)):
                raise UsageError(f"{field} is read-only")
        else:
            check_field(str(field))
    new = {field: value for field, value in document.items() if field not in READ_ONLY}
    old = {field: value for field, value in task.items() if field != "source"}  # it is not shown
    edits = edits_between(
        old, {key: normalised(value, key) for key, value in new.items() if value is not None}
    )
    applied(task, edits)
    return edits
