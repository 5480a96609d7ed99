"""Tables and pages for a person; the only importer of rich."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.pager import SystemPager
from rich.table import Table
from rich.text import Text

from labq import clock
from labq.cli.output import as_json, harmless, moment, single, span, status_of
from labq.command.words import flat, text_of
from labq.model.sound import MALFORMED
from labq.model.task import Document
from labq.values.text import shortened

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
    "busy": "yellow",
    "idle": "green",
    "paused": "magenta",
    "draining": "bold yellow",
}
WIDE = 100_000  # in a pipe nothing is cut


def _console() -> Console:
    width = None if sys.stdout.isatty() else WIDE
    return Console(width=width, highlight=False, soft_wrap=False)


def _text(text: str, style: str = "") -> Text:
    """A text to print, on one line; all that rich prints of a task is made here."""
    return Text(single(text), style=style)


def _block(text: str, style: str = "") -> Text:
    """The same of as many lines as it has, where nobody takes one for labq's."""
    return Text(harmless(text), style=style)


def _table(*columns: tuple[str, dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading, options in columns:
        table.add_column(_text(heading), **options)
    return table


CUT: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}


def _cells(task: Document, waits: str, stalled: Collection[str]) -> dict[str, Text]:
    """A row of `task ls`, by heading."""
    return {
        "#": _text(str(task["number"])),
        "status": _status(task, stalled),
        "waits": _text(waits),
        "name": _text(task.get("name", "")),
        "index": _text(text_of(task["index"]) if "index" in task else ""),
        "args": _text(pairs(_typed(task))),
        "summary": _text(pairs(task.get("summary", {}))),
        "tags": _text(" ".join(task.get("tags", []))),
        "took": _text(_took(task)),
        "age": _text(_age(task)),
    }


FIXED = ("#", "status", "index", "took", "age")
GAP = 3  # cells between two columns


def tasks(
    page: Sequence[Document],
    waits: Sequence[str],
    footer: Sequence[str],
    *,
    stalled: Collection[str],
    pager: bool,
) -> None:
    """The table of `task ls`: a line a task, and only the columns that some task fills.

    `waits` says of each task what it waits for; `stalled` has the ids of those that are.
    """
    console = _console()
    rows = [_cells(task, why, stalled) for task, why in zip(page, waits, strict=True)]
    drawn = _drawn(console, rows, right=("#", "index", "took", "age"), fixed=FIXED)
    with _paged(console) if pager else nullcontext():
        _print(console, drawn, footer)


def table(
    rows: Sequence[Mapping[str, str]], *, right: Collection[str] = (), fixed: Collection[str] = ()
) -> None:
    """A table of texts by heading: only the columns that some row fills, statuses in colour.

    Args:
        rows: one or more, with the same headings.
        right: the headings of numbers.
        fixed: the headings of what is never cut.
    """
    console = _console()
    cells = [
        {
            single(heading): _text(text, style=_style(text if heading == "status" else heading))
            for heading, text in row.items()
        }
        for row in rows
    ]
    _print(console, _drawn(console, cells, right=right, fixed=fixed), ())


def _drawn(
    console: Console,
    rows: Sequence[Mapping[str, Text]],
    *,
    right: Collection[str],
    fixed: Collection[str],
) -> Table:
    natural = {heading: max(row[heading].cell_len for row in rows) for heading in rows[0]}
    natural = {heading: max(width, len(heading)) for heading, width in natural.items() if width}
    widths = _fitted(natural, console.width, fixed)
    drawn = _table(
        *(
            (heading, {**CUT, "width": width, "justify": "right" if heading in right else "left"})
            for heading, width in widths.items()
        )
    )
    for row in rows:
        drawn.add_row(*(row[heading] for heading in widths))
    return drawn


def _fitted(natural: Mapping[str, int], room: int, fixed: Collection[str]) -> dict[str, int]:
    """The columns' widths within `room`: the widest give first, those of `fixed` never."""
    widths = {heading: min(width, room) for heading, width in natural.items()}
    over = sum(widths.values()) + GAP * (len(widths) - 1) - room
    soft = [heading for heading in widths if heading not in fixed]
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
        console.print(_text(text, style="dim"))


def _status(task: Document, stalled: Collection[str]) -> Text:
    word = status_of(task, stalled)
    return _text(word, style=_style(word))


def _style(status: str) -> str:
    """The colour of a status, whatever is said behind a comma."""
    return COLORS.get(status.partition(",")[0], "")


def pairs(values: Mapping[str, Any]) -> str:
    """A nested dict as `lr=0.1 model.name=a`."""
    return " ".join(f"{key}={shortened(_brief(value), 40)}" for key, value in flat(values).items())


def _typed(task: Document) -> Mapping[str, Any]:
    """Its args, as they were typed."""
    if "words" not in task or MALFORMED in task:
        return dict(task.get("args", {}))
    from labq.command.line import texts

    return texts(task)


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else text_of(value)


def _took(task: Document) -> str:
    if "started_at" not in task or task["status"] in ("pending", "waiting"):
        return ""
    return span((task.get("ended_at") or clock.now()) - task["started_at"])


def _age(task: Document) -> str:
    return span(clock.now() - task["created_at"]) if "created_at" in task else ""


def task(
    shown: Document, words: Mapping[str, str], folder: str, *, stalled: Collection[str]
) -> None:
    """All of one task.

    Args:
        shown: its document.
        words: what stands for the values of some fields.
        folder: where its output lies, if that is on this machine.
        stalled: the ids of the tasks that are.
    """
    lines = [
        (label, text)
        for field, value in shown.items()
        if field not in HIDDEN
        for label, text in _lines(field, words.get(field, value))
    ]
    if folder:
        lines.append(("output", folder))
    lines += [
        (f"attempt {one.get('attempt', '?')}", _attempt(one)) for one in shown.get("attempts", [])
    ]
    lines += [("error", _error(one)) for one in shown.get("errors", [])]
    sheet(f"task {shown['number']}", status_of(shown, stalled), lines, name=shown.get("name", ""))


def sheet(title: str, status: str, lines: Sequence[tuple[str, str]], name: str = "") -> None:
    """All of one thing: what it is and how it stands, then a line for each label and text."""
    console = _console()
    console.print(
        Text.assemble((single(title), "bold"), "  ", (status, _style(status)), single(f"  {name}"))
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in lines:
        grid.add_row(_text(label), _block(text, style="red" if label == "error" else ""))
    console.print(grid)


# What has a line of its own, or is of use to no person.
HIDDEN = {"number", "name", "status", "attempt", "args_signature", "rev", "attempts", "errors"}
HIDDEN |= {"dependants"}


def _lines(field: str, value: Any) -> list[tuple[str, str]]:
    if field == MALFORMED:
        return [(field, why) for why in value.values()]
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
        used = (one.get(name, 0) for name in ("wall", "cpu", "max_rss"))
        parts.append("{:g} s, {:g} s cpu, {:g} MiB".format(*used))
    ended = f"exit code {one['exit_code']}" if "exit_code" in one else ""
    parts.append(one.get("reason", "") or ended)
    ran = f"\n{shlex.join(one['argv'])}" if one.get("argv") else ""
    return ", ".join(part for part in parts if part) + ran


def _error(one: Mapping[str, Any]) -> str:
    tail = one.get("stderr") or one.get("traceback") or ""
    told = f"attempt {one.get('attempt', '?')}: {one.get('message', '')}"
    return f"{told}\n{tail}" if tail else told


LAST_LINES = 20  # of what a job said


def failure(task: Document) -> None:
    """Why a task did not succeed, and the end of what its last job said on stderr; to stderr."""
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)
    reason = single(f": {shortened(task['reason'], 200)}") if "reason" in task else ""
    status = (task["status"], _style(task["status"]))
    console.print(Text.assemble((f"task {task['number']} ", "bold"), status, reason))
    errors: list[Document] = task.get("errors", [])
    told = errors[-1] if errors else {}
    if told.get("attempt") == task["attempt"] and told.get("stderr"):
        lines = told["stderr"].rstrip("\n").splitlines()[-LAST_LINES:]
        console.print(_block("\n".join(f"  {line}" for line in lines), style="red"))


@contextmanager
def waiting(total: int) -> Iterator[Callable[[list[Document]], None]]:
    """A bar on stderr, gone at the end: it is given those of so many tasks that have not ended."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=None)

        def show(left: list[Document]) -> None:
            part = sum(task.get("progress", 0) for task in left) / 100
            done = total - len(left)
            known = total > 1 or part
            words = f"{done:,} of {total:,} tasks have ended"
            if total == 1:
                words = f"task {left[0]['number']} {left[0]['status']}" if left else "ended"
            words += " (Ctrl-C: no longer wait)"
            bars.update(
                bar, description=words, completed=done + part, total=total if known else None
            )

        yield show


def ranking(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
    """A plain table of texts, its first row the best."""
    drawn = _table(*((heading, {"justify": "right"}) for heading in headings))
    for at, row in enumerate(rows):
        drawn.add_row(*row, style="bold green" if at == 0 else "")
    _console().print(drawn)


def page(text: str) -> None:
    """A page of Markdown, through the pager."""
    from rich.markdown import Markdown

    console = _console()
    with _paged(console):
        console.print(Markdown(text))


@contextmanager
def _paged(console: Console) -> Iterator[None]:
    """Shows what is printed meanwhile: at once where it fits the terminal, else in the pager."""
    with console.capture() as captured:
        yield
    text = captured.get()
    if text.count("\n") < console.height:
        console.file.write(text)
        return
    os.environ.setdefault("LESS", "-RX")  # colours, and the page stays when the pager is left
    SystemPager().show(text)
