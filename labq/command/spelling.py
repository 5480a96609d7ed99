"""The words of a task as its job gets them: those that were typed, and anew what has changed.

The typed words are never rewritten. What an attempt gets follows from them and from the task's
args, whoever wrote these. The words of a key whose value is what they stand for stay. Those of a
key with another value are spelled anew where its last words stood, in the form that these had.
Those of a key that is gone go. A new key is a flag behind them all, before any `--`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from labq.command.grammar import Binding, Bound, bindings, bound, is_flag
from labq.command.words import Path, leaves, text_for, text_of, to_flags

NOTHING: Mapping[str, str] = {}
ALL = "args"  # the placeholder that all keys stand in


class Spelling:
    """How typed words become those of an attempt.

    Args:
        words: as they were typed, behind the program.
        texts: dotted key -> what was typed for it later, for as long as it stands for the value.
        skip: dotted keys that stand elsewhere on the command line, and everything below them.
        filled: place -> the words that stand there in truth; such a word binds nothing.
        silent: whether keys without words are left out.
    """

    def __init__(
        self,
        words: Sequence[str],
        texts: Mapping[str, str] = NOTHING,
        skip: Collection[str] = (),
        filled: Mapping[int, Sequence[str]] | None = None,
        silent: bool = False,
    ) -> None:
        self._words, self._texts, self._filled = list(words), texts, filled or {}
        self._skip = [tuple(key.split(".")) for key in skip]
        self._all_skipped = silent or ALL in skip
        self._found = [
            one
            for one in bindings(words)
            if not any(one.at <= place < one.end for place in self._filled)
        ]
        self.typed: Bound = bound(self._found)

    @property
    def loose(self) -> list[str]:
        """The words that belong to no key."""
        bound_at = {place for one in self._found for place in range(one.at, one.end)}
        return [word for place, word in enumerate(self._words) if place not in bound_at]

    def of(self, args: Mapping[str, Any]) -> list[str]:
        """The words for these args."""
        now = dict(leaves(args))
        was = dict(leaves(self.typed.args))
        new = {path: value for path, value in now.items() if path not in was}
        anew = self._anew(now, was, new) if repr(now) != repr(was) else {}
        last = {one.path: one for one in self._found}
        result: list[str] = []
        at = 0
        for one in self._found:
            result += self._as_typed(at, one.at)
            at = one.end
            if one.path not in anew:
                result += self._as_typed(one.at, one.end)
            elif one is last[one.path]:
                result += anew[one.path]
        cut = self._words.index("--", at) if "--" in self._words[at:] else len(self._words)
        flags = to_flags(self._unspelled(new), self._texts)
        return [*result, *self._as_typed(at, cut), *flags, *self._as_typed(cut)]

    def _as_typed(self, at: int, end: int | None = None) -> list[str]:
        """The words from one place up to another, filled in."""
        if not self._filled:
            return self._words[at:end]
        places = range(at, len(self._words) if end is None else end)
        return [word for place in places for word in self._filled.get(place, [self._words[place]])]

    def _unspelled(self, new: Mapping[Path, Any]) -> dict[str, Any]:
        """Of the keys that have no words those that stand nowhere else, by their dotted names."""
        if self._all_skipped:
            return {}
        return {
            ".".join(path): value
            for path, value in new.items()
            if not any(path[: len(one)] == one for one in self._skip)
        }

    def text_at(self, key: str, value: Any) -> str:
        """What was typed for the value of a dotted key, else the value as a text."""
        path = tuple(key.split("."))
        owner = self.typed.owners.get(path)
        one = owner is not None and owner.path == path and len(owner.texts) == 1
        if owner is not None and one and repr(owner.value) == repr(value):
            return owner.texts[0]
        return text_for(value, self._texts.get(key))

    def several(self, key: str) -> Binding | None:
        """The last words of a key, if they are several values."""
        found = [one for one in self._found if one.key == key and len(one.texts) > 1]
        return found[-1] if found else None

    def _anew(
        self, now: dict[Path, Any], was: dict[Path, Any], new: dict[Path, Any]
    ) -> dict[Path, list[str]]:
        """The new words of each key whose words do not stay; takes what they hold out of `new`."""
        owned: dict[Path, set[Path]] = {}
        for leaf, owner in self.typed.owners.items():
            owned.setdefault(owner.path, set()).add(leaf)
        within: dict[Path, list[Path]] = {}  # a path -> the leaves at and below it
        for leaf in now:
            for end in range(1, len(leaf) + 1):
                within.setdefault(leaf[:end], []).append(leaf)
        anew: dict[Path, list[str]] = {}
        for path, one in {one.path: one for one in self._found}.items():
            mine, there = owned.get(path, set()), within.get(path, [])
            nests = path not in now and not (isinstance(one.value, dict) and one.value)
            held = {} if nests else {at: now[at] for at in there if at in mine or at in new}
            same = held.keys() == mine and all(repr(held[at]) == repr(was[at]) for at in mine)
            if there and same:
                continue  # as typed; or overridden, and what overrides it is there
            anew[path] = self._respelled(one, held)
            for leaf in held:
                new.pop(leaf, None)
        return anew

    def _respelled(self, one: Binding, held: Mapping[Path, Any]) -> list[str]:
        """The words of a key for the leaves that it holds now; none for none."""
        if one.path in held:
            return _in_form(one, held[one.path], self._texts.get(one.key))
        return _in_form(one, _nested(held, len(one.path)), None) if held else []


def _nested(held: Mapping[Path, Any], depth: int) -> dict[str, Any]:
    """The dict of these leaves, whose paths are cut by their first `depth` keys."""
    result: dict[str, Any] = {}
    for path, value in held.items():
        node = result
        for key in path[depth:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return result


def _in_form(one: Binding, value: Any, typed: str | None) -> list[str]:
    """The words of another value for the same key, in the form of its words."""
    head = f"{one.start}{one.key}"
    if value is True and not one.texts:
        return [head]
    if (value is False or value is None) and not one.texts:
        return []
    if len(one.texts) > 1 and isinstance(value, list):
        return [head, *map(text_of, value)]
    text = text_for(value, typed)
    if isinstance(value, (list, dict)) and one.texts and text != typed:
        text = _as_literal(one.texts[0], value)
    if one.equals or is_flag(text):
        return [f"{head}={text}"]
    return [head, text]


def _as_literal(before: str, value: Any) -> str:
    """A list or a dict in the notation of what it replaces: JSON, or Python's."""
    try:
        json.loads(before)
    except ValueError:
        if before[:1] in "[{(" and before:
            return repr(value)
    return text_of(value)
