"""Fields that hold one of a few words: a filter for another word would match nothing, unseen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from labq.values.suggest import nearest


@dataclass(frozen=True)
class Closed:
    """The words of one such field."""

    words: Collection[str]
    instead: Mapping[str, str]  # other words that people use, in lower case: what to write


def problem(closed: Mapping[str, Closed], field: str, value: Any) -> str:
    """What is wrong with `value` as one that `field` equals; empty where nothing is."""
    if field not in closed or value is None or value in closed[field].words:
        return ""
    words, instead = closed[field].words, closed[field].instead
    there = f"(there are {', '.join(words)})"
    if not isinstance(value, str):
        return f"{field} is a text {there}"
    known = {**{word: f'"{word}"' for word in words}, **instead}
    near = nearest(value, known)
    hint = f"; did you mean {known[near]}?" if near else ""
    return f"{field} is never {value!r}{hint} {there}"
