"""What edits of args mean for the words of a task: what was typed for a value, what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labq.command.words import flat, text_of
from labq.errors import ConflictError
from labq.model.sound import MALFORMED

GONE = object()  # the value of an edit that takes a key away


def require_list(task: Mapping[str, Any], key: str, value: Any) -> None:
    """Refuses one value for a key that has several words.

    Raises:
        ConflictError: with the list to type.
    """
    if "words" not in task or value is GONE or isinstance(value, list):
        return
    from labq.command.line import spelling_of

    spelling = spelling_of(task)
    if spelling is not None and (one := spelling.several(key)) is not None:
        raise ConflictError(
            f"{key} is several words ({one.start}{key} {' '.join(one.texts)}):"
            f" give a list, args.{key}='[{text_of(value)}]'"
        )


def with_texts(task: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """The `words` of a task with what was typed, by dotted key; empty where nothing was."""
    if not typed or "words" in task.get(MALFORMED, ()):
        return {}
    words = task.get("words") or {}
    known = flat(words.get("texts") or {})
    return {"words": {**words, "texts": _nested({**known, **typed})}}


def _nested(texts: Mapping[str, str]) -> dict[str, Any]:
    """The texts at their dotted keys; one that another stands in the way of is left out."""
    root: dict[str, Any] = {}
    for dotted, text in texts.items():
        *above, last = dotted.split(".")
        node: Any = root
        for key in above:
            node = node.setdefault(key, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node[last] = text
    return root


def without(node: Any, keys: Sequence[str], place: str) -> Any:
    """A nested dict without the key at the end of `keys`, nor dicts that are empty for that.

    Raises:
        ConflictError: there is no such key.
    """
    if not isinstance(node, dict) or keys[0] not in node:
        raise ConflictError(f"{place} is not there to take away")
    rest = {key: value for key, value in node.items() if key != keys[0]}
    if len(keys) > 1 and (below := without(node[keys[0]], keys[1:], place)):
        return {**node, keys[0]: below}
    return rest
