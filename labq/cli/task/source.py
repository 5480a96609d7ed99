"""`labq task source`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq.cli import options
from labq.cli.output import json_line, line, note, plural, single
from labq.errors import LabqError, NotFoundError, UsageError

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.queue import Queue

WHY_NOT = {
    "diff": "its files were as committed",
    "packages": "they are recorded where its Python is known",
    "bundle": "its commits were on a remote, or there were none",
    "untracked": "git knew or ignored all of its files",
}


def command(
    ref: Annotated[str, typer.Argument(metavar="REF", show_default=False)],
    diff: Annotated[bool, typer.Option("--diff", help="Print what was not committed.")] = False,
    packages: Annotated[
        bool, typer.Option("--packages", help="Print the packages, a line each.")
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the commits that were not pushed (git bundle)."),
    ] = None,
    untracked: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the untracked files (tar).")
    ] = None,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show which code a task is of: repository, commit, what was not committed, packages.

    Examples:
      labq task source 4
      labq task source 4 --diff | git apply
      labq task source 4 --packages > requirements.txt
    """
    asked = {"diff": diff, "packages": packages, "bundle": bundle, "untracked": untracked}
    named = [part for part, word in asked.items() if word]
    if len(named) > 1:
        raise UsageError(f"give --{named[0]} or --{named[1]}, not both")
    here = options.open_queue(uri, queue)
    task = here.get(ref)
    if "source" not in task:
        raise NotFoundError(f"task {task['number']} has no source: it was not recorded")
    if not named:
        _whole(task, json=json)
        return
    (part,) = named
    content = _content(here, task, part)
    if isinstance(word := asked[part], Path):
        _write(word, content)
        if json:
            json_line({"file": str(word), "size": len(content)})
        elif not quiet:
            note(f"labq: {len(content):,} bytes in {word}")
    elif json:
        text = content.decode("utf-8", "backslashreplace")
        json_line({part: text.splitlines() if packages else text})
    else:
        _print(content)


def _content(here: Queue, task: Document, part: str) -> bytes:
    """What the source names.

    Raises:
        NotFoundError: there is nothing of it.
    """
    found = task["source"].get(part, {})
    if "blob" in found:
        return here.store.blobs.get(found["blob"])
    left = f" ({task['source']['notes']})" if "notes" in task["source"] else ""
    raise NotFoundError(f"task {task['number']} has no {part}: {WHY_NOT[part]}{left}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LabqError(f"{path}: {error.strerror or error}") from None


def _print(content: bytes) -> None:
    """The bytes as they are; for a terminal as text that cannot drive it."""
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    line(content.decode("utf-8", "replace").rstrip("\n"))


def _whole(task: Document, *, json: bool) -> None:
    if json:
        json_line(task["source"])
        return
    rows = [(label, _shown(value)) for label, value in task["source"].items()]
    if sys.stdout.isatty():
        from labq.cli import render

        render.sheet(f"task {task['number']}", "", rows, name=task.get("name", ""))
        return
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        line(single(f"{label:<{width}}  {text}"))


def _shown(value: Any) -> str:
    """A field: its text, or what is known of a content."""
    if not isinstance(value, dict):
        return str(value)
    if all(isinstance(text, str) for text in value.values()):
        return ", ".join(f"{word} is {place}" for word, place in value.items())
    nouns = {"files": "file", "commits": "commit", "count": "package"}
    counts = [plural(value[key], noun) for key, noun in nouns.items() if key in value]
    counts += [f"{value['size']:,} bytes, {value['blob']}"] if "blob" in value else []
    counts += [f"left out: {', '.join(value['left_out'])}"] if "left_out" in value else []
    return ", ".join(counts)
