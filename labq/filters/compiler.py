"""Text -> query document: the one place that decides which of the two languages a text is in."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from labq.filters.closed import Closed
from labq.filters.emit import Emitter
from labq.filters.literals import Literals
from labq.filters.mongo_reader import Reader
from labq.filters.parser import Parser
from labq.filters.syntax import Tree, read


def compile_text(
    text: str,
    fields: Mapping[str, Any] | Collection[str],
    now: Callable[[], datetime],
    closed: Mapping[str, Closed],
) -> dict[str, Any]:
    """The query document of a filter; FilterError says what is wrong with it."""
    tree = read(text)
    kinds = _kinds(fields)
    if isinstance(tree.body, ast.Dict):
        return Reader(Literals(tree, now, _is_json(tree)), kinds, closed).query(tree.body)
    condition = Parser(Literals(tree, now), kinds, closed).condition(tree.body)
    return Emitter(tree.source).query(condition)


def _kinds(fields: Mapping[str, Any] | Collection[str]) -> dict[str, str]:
    """Field -> the name of its kind, empty where it has none."""
    if not isinstance(fields, Mapping):
        return dict.fromkeys(fields, "")
    return {name: str(getattr(kind, "value", kind)) for name, kind in fields.items()}


def _is_json(tree: Tree) -> bool:
    """Is the whole text JSON? Its escapes differ from Python's: slashes, surrogate pairs."""
    try:
        json.loads(tree.source.text)
    except (ValueError, RecursionError):
        return False
    return True
