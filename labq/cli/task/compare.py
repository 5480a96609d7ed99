"""`labq task compare`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labq.cli.output import json_line, note, plural
from labq.cli.select import Chosen, on_tasks
from labq.command.words import text_of
from labq.values.text import shortened

NONE = "-"  # stands where a task has no value


@on_tasks("compare", asks=False)
def command(chosen: Chosen) -> None:
    """Show several tasks side by side: a line each, a column for all in which they differ.

    Examples:
      labq task compare 4 5 6
      labq task compare -s success -f 'args.lr < 1' --json
    """
    from labq.queue.diff import differences

    tasks = list(chosen.here.find(chosen.query))
    found = differences(tasks)
    if chosen.json:
        for task in tasks:
            number = task["number"]
            values = {path: there[number] for path, there in found.items() if number in there}
            json_line({"number": number, **values})
    elif not found:
        note(f"{plural(len(tasks))}: nothing differs")
    else:
        from labq.cli import render

        render.table([_row(task["number"], found) for task in tasks], right=("#",), fixed=("#",))


def _row(number: int, found: Mapping[str, Mapping[int, Any]]) -> dict[str, str]:
    return {"#": str(number), **{path: cell(there, number) for path, there in found.items()}}


def cell(values: Mapping[int, Any], number: int) -> str:
    """One task's value in a table: short, on one line; text that another type reads is quoted."""
    if number not in values:
        return NONE
    value = values[number]
    text = shortened(text_of(value), 60)
    others = {text_of(one) for one in values.values() if type(one) is not type(value)}
    return repr(value) if text_of(value) in others else text
