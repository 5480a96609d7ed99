"""Hooks: what is to be run for each task that ends, in words.

A hook is never a shell's text: what a task's args hold stays within the word that names it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labq.command.interpreters import VALUE, reading
from labq.command.words import key_path, normalised, text_of
from labq.errors import UsageError
from labq.model.task import FIELDS
from labq.values.text import shortened

PLACE = re.compile(r"\{task\.([^{}]*)\}")
HIDDEN = frozenset({"lease"})  # has the token that fences a worker's writes


@dataclass(frozen=True)
class Hook:
    """The words of a command; within each, texts and the paths of task fields by turns."""

    words: Sequence[Sequence[str]]

    def argv(self, task: Mapping[str, Any]) -> list[str]:
        """The command for a task; what the task has not is empty."""
        return ["".join(_filled(parts, task)) for parts in self.words]


def parse_hook(text: str) -> Hook:
    """The hook that `notify.sh {task.number} {task.args.lr}` says.

    Raises:
        UsageError: no command, an open quote, no such field, or a field in a program's text.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"on-finish: {str(error).lower()} in {shortened(text)}") from None
    if not words:
        raise UsageError("on-finish: the command is empty")
    parts = [PLACE.split(word) for word in words]
    for path in (path for word in parts for path in word[1::2]):
        field = key_path(path, "on-finish")[0]
        if field not in FIELDS or field in HIDDEN:
            raise UsageError(
                f"on-finish: a task has no field {field!r} (write {{task.args.{path}}} "
                "for an argument)"
            )
    if len(parts[0]) > 1:
        raise UsageError("on-finish: the command itself cannot be a task's to say")
    if found := reading([VALUE.join(word[::2]) for word in parts], files=True):
        raise UsageError(
            f"on-finish: {found.program} would run what {{task...}} holds: "
            "write sh -c 'notify \"$1\"' sh {task.name}"
        )
    return Hook(parts)


def hook_text(value: Any) -> str:
    """The text of a hook, as a queue's record keeps it.

    Raises:
        UsageError: as `parse_hook`, and where it is no text.
    """
    if not isinstance(value, str):
        raise UsageError(f"on-finish must be a text, not {shortened(text_of(value))}")
    parse_hook(value)
    return str(normalised(value, "on-finish"))


def _filled(parts: Sequence[str], task: Mapping[str, Any]) -> list[str]:
    return [_value(task, part) if at % 2 else part for at, part in enumerate(parts)]


def _value(task: Any, path: str) -> str:
    node = task
    for key in path.split("."):
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            return ""
    return node.isoformat() if isinstance(node, datetime) else text_of(_plain(node))


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _plain(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node.isoformat() if isinstance(node, datetime) else node
