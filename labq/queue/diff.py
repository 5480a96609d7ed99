"""Where tasks differ: their configuration, args, source and results, path by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labq.command.words import flat
from labq.model.sound import MALFORMED
from labq.model.task import FIELDS, Document

# What is another in every task, or follows from the rest, or is the books' own.
OWN = frozenset({"_id", "queue", "number", "args_signature", "rev", "waiting_for", "dependants"})
OWN |= {"short", "lease", "stop_requested", "attempts", "parent", "group", "index", "count"}
NOT_KEPT = "not recorded"
COMPARED = tuple(name for name in FIELDS if name not in OWN and not name.endswith("_at"))


def differences(tasks: Sequence[Document]) -> dict[str, dict[int, Any]]:
    """Each dotted path at which not all of these tasks have the same value, of the same type.

    Returns:
        For each such path, in the document's order, the values by the tasks' numbers; a task
        without it is left out. Besides the fields there is `seconds`, that a task took.
    """
    values = {task["number"]: _leaves(task) for task in tasks}
    paths = dict.fromkeys(path for leaves in values.values() for path in leaves)
    order = {name: at for at, name in enumerate((*COMPARED, "seconds"))}
    found: dict[str, dict[int, Any]] = {}
    for path in sorted(paths, key=lambda path: order[path.partition(".")[0]]):
        there = {number: leaves[path] for number, leaves in values.items() if path in leaves}
        if len(there) < len(values) or len({repr(value) for value in there.values()}) > 1:
            found[path] = there
    return found


def _leaves(task: Mapping[str, Any]) -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name in COMPARED:
        value = _loose(task) if name == "words" else task.get(name)
        if isinstance(value, dict) and value:
            whole = _named(value) if name == "source" else value
            leaves.update({f"{name}.{key}": item for key, item in flat(whole).items()})
        elif value not in (None, [], {}):
            leaves[name] = value
    if "started_at" in task and "ended_at" in task:
        took = task["ended_at"] - task["started_at"]
        leaves["seconds"] = round(took.total_seconds(), 3)
    return leaves


def _loose(task: Mapping[str, Any]) -> list[str]:
    """The words that are no args; what the others say, the args do."""
    if "words" not in task or "words" in task.get(MALFORMED, ()):
        return []
    from labq.command.line import spelling_of

    spelling = spelling_of(task)
    return [] if spelling is None else spelling.loose


def _named(source: Mapping[str, Any]) -> Document:
    """A task's source, its contents by the beginning of their hash, as git has it."""
    return {
        key: value.get("blob", NOT_KEPT)[:12] if isinstance(value, Mapping) else value
        for key, value in source.items()
        if key != "links"
    }
