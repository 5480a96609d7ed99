"""A task's document as it was read, what was changed in it here, and whether others did too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from labq.client.values import of_field, own
from labq.command.words import flat, is_loose, key_path, normalised, signature, text_of
from labq.model.task import EDITABLE, Document, checked
from labq.queue import Edit
from labq.queue.edits import applied, check_field
from labq.values.coerce import text
from labq.values.text import shortened

LEAVES = frozenset({"args", "env", "metadata", "summary"})  # edited key by key: siblings stay
_MISSING = object()


@dataclass(frozen=True)
class Local:
    """A field that was handed out to be changed: what it was then, and what it is by now."""

    before: Any
    value: Any

    @property
    def is_changed(self) -> bool:
        """Whether it is another value now; an empty dict or list is the same as none."""
        before, value = (None if one in ({}, []) else one for one in (self.before, self.value))
        return repr(before) != repr(value)


class Copy:
    """A document and the changes that wait to be saved."""

    __slots__ = ("_locals", "document")

    def __init__(self, document: Document) -> None:
        self.document = document
        self._locals: dict[str, Local] = {}

    @property
    def fields(self) -> set[str]:
        """The fields that the document has, and those that were set here."""
        changed = {name for name, local in self._locals.items() if local.is_changed}
        return self.document.keys() | changed

    def look(self, name: str, missing: Any) -> Any:
        """A field's value: the working copy of one that may be edited, a plain copy of others."""
        if name in self._locals:
            value = self._locals[name].value
            return deepcopy(missing) if value is None else value
        stored = self.document.get(name)
        value = own(missing if stored is None else stored)
        if name in EDITABLE and isinstance(value, (dict, list)):
            self._locals[name] = Local(stored, value)
        return value

    def change(self, name: str, value: Any) -> None:
        """Sets a field; None takes it away.

        Raises:
            UsageError: the field cannot hold the value.
        """
        held = None if value is None else _held(name, value)
        before = self._locals[name].before if name in self._locals else self.document.get(name)
        self._locals[name] = Local(before, held)

    def edits(self) -> list[Edit]:
        """What makes the stored document like this one.

        Raises:
            UsageError: a field cannot hold its value.
        """
        return [edit for name in self._locals for edit in self._edits(name)]

    def _edits(self, name: str) -> Iterator[Edit]:
        local = self._locals[name]
        if not local.is_changed:
            return
        if name == "source" and isinstance(local.value, Mapping):
            yield from _keys(local.before or {}, local.value)
            return
        value = None if local.value is None else checked(name, of_field(name, local.value))
        if name in LEAVES and isinstance(value, dict):
            yield from _between((name,), local.before or {}, value)
        else:
            yield Edit((name,), value)

    def take(self, document: Document) -> None:
        """Takes a newer document; what was changed here and is not saved stays so."""
        self._locals = {
            name: local
            for name, local in self._locals.items()
            if local.is_changed or repr(local.before) == repr(document.get(name))
        }
        self.document = document

    def drop(self) -> None:
        """Forgets what was changed here."""
        self._locals = {}

    def clash(self, edits: Sequence[Edit], now: Document) -> str:
        """What others have changed of what these edits change, in words; empty where nothing."""
        for edit in edits:
            before = _at({edit.field: self._locals[edit.field].before}, edit.path)
            there = _at(now, edit.path)
            if repr(there) != repr(before) and not _is_same(there, edit.value):
                was = f"was {_told(before)} when you changed it"
                return f"{'.'.join(edit.path)} is {_told(there)} by now, and {was}"
        return ""


def _held(name: str, value: Any) -> Any:
    """A field's value as it is kept here until it is saved; a source holds what was given."""
    if name == "source" and isinstance(value, Mapping):
        return dict(value)
    return checked(name, of_field(name, value))


def _keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Edit]:
    """The edits of a source that make one the other; a key that is gone, or None, is taken away."""
    for key in dict.fromkeys((*old, *new)):
        if repr(old.get(key)) != repr(new.get(key)):
            yield Edit(("source", key), new.get(key))


def _between(path: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Edit]:
    """The edits that make one dict the other, key by key; whole where a key is gone."""
    if not old.keys() <= new.keys():
        return [Edit(path, dict(new))]
    found: list[Edit] = []
    for key, value in new.items():
        before = old.get(key, _MISSING)
        if isinstance(before, dict) and isinstance(value, dict) and before and value:
            found += _between((*path, key), before, value)
        elif repr(before) != repr(value):
            found.append(Edit((*path, key), value))
    return found


def _at(node: Any, path: Sequence[str]) -> Any:
    """What stands at a path, or _MISSING."""
    for key in path:
        node = node.get(key, _MISSING) if isinstance(node, Mapping) else _MISSING
    return _MISSING if node is None else node


def _told(value: Any) -> str:
    return "gone" if value is _MISSING else shortened(text_of(value), 30)


def _is_same(there: Any, wanted: Any) -> bool:
    """Whether others have set it to the same word; the same number may be another's count."""
    if wanted is None:
        return there is _MISSING
    return isinstance(wanted, (str, bool)) and repr(there) == repr(wanted)


def with_edits(task: Document, edits: Sequence[Edit]) -> Document:
    """A document that is not stored yet, with these edits.

    Raises:
        UsageError: a field cannot hold its value.
    """
    both = {**task, **applied(task, edits)}
    if both["args"] is not task["args"]:
        both["args_signature"] = signature(flat(both["args"]), loose=is_loose(both))
    return {field: value for field, value in both.items() if value is not None}


def edit_of(path: str, value: Any) -> Edit:
    """The edit that sets the value at a dotted path.

    Raises:
        UsageError: no edit may.
    """
    keys = key_path(text("a field's path", path), path)
    check_field(keys[0])
    if keys[0] == "source":
        return Edit(keys, value)
    held = None if value is None else of_field(path, value)
    return Edit(keys, normalised(held, path) if len(keys) > 1 else held)
