"""Tables and pages for a person; the only importer of rich."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labq import clock
from labq.args import flat, shortened, text_of
from labq.cli.output import as_json, moment, span, status_of
from labq.task import Document

COLORS = {
    "draft": "dim",
    "waiting": "blue",
    "pending": "cyan",
    "running": "yellow",
    "success": "green",
    "failed": "red",
    "cancelled": "magenta",
    "stalled": "bold red",
    "stopping": "bold yellow",
}
WIDE = 100_000  # in a pipe nothing is cut


def _console() -> Console:
    width = None if sys.stdout.isatty() else WIDE
    return Console(width=width, highlight=False, soft_wrap=False)


def _table(*columns: tuple[str, dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading, options in columns:
        table.add_column(heading, **options)
    return table


CUT: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}


def _cells(task: Document, waits: str) -> dict[str, Text]:
    """A row of `task ls`, by heading."""
    return {
        "#": Text(str(task["number"])),
        "status": _status(task),
        "waits": Text(waits),
        "name": Text(task.get("name", "")),
        "args": Text(pairs(task.get("args", {}))),
        "summary": Text(pairs(task.get("summary", {}))),
        "tags": Text(" ".join(task.get("tags", []))),
        "took": Text(_took(task)),
        "age": Text(_age(task)),
    }


FIXED = ("#", "status", "took", "age")
GAP = 3  # cells between two columns


def tasks(
    page: Sequence[Document], waits: Sequence[str], footer: Sequence[str], *, pager: bool
) -> None:
    """The table of `task ls`: a line a task, and only the columns that some task fills.

    `waits` says of each task what it waits for.
    """
    console = _console()
    rows = [_cells(task, why) for task, why in zip(page, waits, strict=True)]
    natural = {heading: max(row[heading].cell_len for row in rows) for heading in rows[0]}
    natural = {heading: max(width, len(heading)) for heading, width in natural.items() if width}
    widths = _fitted(natural, console.width)
    right = ("#", "took", "age")
    table = _table(
        *(
            (heading, {**CUT, "width": width, "justify": "right" if heading in right else "left"})
            for heading, width in widths.items()
        )
    )
    for row in rows:
        table.add_row(*(row[heading] for heading in widths))
    if not pager:
        _print(console, table, footer)
        return
    os.environ.setdefault("LESS", "-FRX")  # a page that fits is simply printed, colours kept
    with console.pager(styles=True):
        _print(console, table, footer)


def _fitted(natural: Mapping[str, int], room: int) -> dict[str, int]:
    """The columns' widths within `room`: the widest give first, those of FIXED never."""
    widths = {heading: min(width, room) for heading, width in natural.items()}
    over = sum(widths.values()) + GAP * (len(widths) - 1) - room
    soft = [heading for heading in widths if heading not in FIXED]
    while over > 0 and soft:
        widest = max(soft, key=widths.__getitem__)
        if widths[widest] <= 1:
            break
        widths[widest] -= 1
        over -= 1
    return widths


def _print(console: Console, table: Table, footer: Sequence[str]) -> None:
    console.print(table)
    for text in footer:
        console.print(Text(text, style="dim"))


def _status(task: Document) -> Text:
    word = status_of(task)
    return Text(word, style=COLORS.get(word, ""))


def pairs(values: Mapping[str, Any]) -> str:
    """A nested dict as `lr=0.1 model.name=a`."""
    return " ".join(f"{key}={shortened(_brief(value), 40)}" for key, value in flat(values).items())


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else text_of(value)


def _took(task: Document) -> str:
    if "started_at" not in task or task["status"] in ("pending", "waiting"):
        return ""
    return span((task.get("ended_at") or clock.now()) - task["started_at"])


def _age(task: Document) -> str:
    return span(clock.now() - task["created_at"]) if "created_at" in task else ""


def task(shown: Document, words: Mapping[str, str], folder: str = "") -> None:
    """All of one task.

    Args:
        shown: its document.
        words: what stands for the values of some fields.
        folder: where its output lies, if that is on this machine.
    """
    console = _console()
    word = status_of(shown)
    head = Text.assemble(
        (f"task {shown['number']}", "bold"),
        "  ",
        (word, COLORS.get(word, "")),
        f"  {shown.get('name', '')}",
    )
    console.print(head)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for field, value in shown.items():
        if field in HIDDEN:
            continue
        for label, text in _lines(field, words.get(field, value)):
            grid.add_row(label, Text(_safe(text)))
    if folder:
        grid.add_row("output", Text(folder))
    for one in shown.get("attempts", []):
        grid.add_row(f"attempt {one.get('attempt', '?')}", Text(_safe(_attempt(one))))
    for one in shown.get("errors", []):
        grid.add_row("error", Text(_safe(_error(one)), style="red"))
    console.print(grid)


# What has a line of its own, or is of use to no person.
HIDDEN = {"number", "name", "status", "attempt", "args_signature", "rev", "attempts", "errors"}
HIDDEN |= {"dependants"}


def _safe(text: str) -> str:
    """The text, its control characters but for newlines escaped: it must not drive a terminal."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _lines(field: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, datetime):
        return [(field, moment(value))]
    if isinstance(value, dict) and field in ("args", "summary", "metadata", "env"):
        return [(f"{field}.{key}", text_of(item)) for key, item in flat(value).items()]
    if isinstance(value, (dict, list)):
        return [(field, as_json(value))]
    return [(field, text_of(value))]


def _attempt(one: Mapping[str, Any]) -> str:
    parts = [f"on {one.get('host', '?')}"]
    if "wall" in one:
        parts.append(f"{one['wall']:g} s, {one['cpu']:g} s cpu, {one['max_rss']:g} MiB")
    ended = f"exit code {one['exit_code']}" if "exit_code" in one else ""
    parts.append(one.get("reason", "") or ended)
    ran = f"\n{shlex.join(one['argv'])}" if one.get("argv") else ""
    return ", ".join(part for part in parts if part) + ran


def _error(one: Mapping[str, Any]) -> str:
    tail = f"\n{one['stderr']}" if one.get("stderr") else ""
    return f"attempt {one.get('attempt', '?')}: {one.get('message', '')}{tail}"


def queues(table: Mapping[str, Mapping[str, int]]) -> None:
    """The table of `queue ls`."""
    statuses = [status for status in COLORS if any(row.get(status) for row in table.values())]
    right: dict[str, Any] = {"justify": "right"}
    drawn = _table(("queue", {}), *((status, right) for status in statuses), ("all", right))
    for name, row in table.items():
        cells = [Text(f"{row[s]:,}" if row[s] else "", style=COLORS[s]) for s in statuses]
        drawn.add_row(Text(name), *cells, Text(f"{sum(row.values()):,}"))
    _console().print(drawn)


def ranking(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
    """A plain table of texts, its first row the best."""
    drawn = _table(*((heading, {"justify": "right"}) for heading in headings))
    for at, row in enumerate(rows):
        drawn.add_row(*row, style="bold green" if at == 0 else "")
    _console().print(drawn)


def page(text: str) -> None:
    """A page of Markdown, through the pager."""
    from rich.markdown import Markdown

    os.environ.setdefault("LESS", "-FRX")
    console = _console()
    with console.pager(styles=True):
        console.print(Markdown(text))
