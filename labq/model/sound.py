"""Documents as they leave a store: what is wrong is left out, and told of under MALFORMED.

Other programs write into the same collection or table. Nothing that reads a document needs a second
look: a field is as the table of fields has it, or it is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from labq.clock import from_ms
from labq.model.fields import EVENT, INSTEAD, PLAIN, TASK
from labq.model.shapes import FIRST_YEAR, LAST_YEAR, MOST, TEXT, Shape
from labq.model.task import Document
from labq.values.text import shortened

MALFORMED = "malformed"  # of a document that was read: field -> what is wrong with it, in words
TOLD = 5  # faults of a document that one line names
_EPOCH = from_ms(0)
_NOTHING: Mapping[str, str] = MappingProxyType({})


class OddId(str):  # noqa: SLOT000 - a text has no room for slots of its own
    """An `_id` that is no text, as a text; whoever hands it back to its store means the `raw`."""

    raw: Any

    def __new__(cls, raw: Any) -> OddId:  # noqa: PYI034 - Python 3.10 has no Self
        """Of MongoDB's own ids the hex digits, of any other what Python says."""
        odd = super().__new__(cls, shortened(raw if isinstance(raw, str) else str(raw)))
        odd.raw = raw
        return odd


@lru_cache(maxsize=256)
def _wanted(asked: tuple[str, ...]) -> frozenset[str]:
    return frozenset(INSTEAD).intersection(asked) if asked else frozenset(INSTEAD)


def sound_task(
    found: Document, asked: Sequence[str] = (), unread: Mapping[str, str] = _NOTHING
) -> Document:
    """A task as it was read, or the `asked` fields of one; what is wrong with it is left out.

    `unread` are fields that could not be read at all, and why.
    """
    wrong = set()
    for name, value in found.items():
        kind = type(value)
        if kind is PLAIN.get(name):  # most are: the quick way, for what every claim and list reads
            if kind is str:
                if value.isascii():
                    continue
            elif kind is int:
                if 0 <= value < MOST:
                    continue
            elif FIRST_YEAR <= value.year < LAST_YEAR:
                continue
        shape = TASK.get(name)
        if shape is None or not shape.fits(value):
            wrong.add(name)
    missing = _wanted(tuple(asked)) - found.keys()
    return _mended(found, wrong, missing, unread) if wrong or missing or unread else found


def _mended(
    found: Document, wrong: set[str], missing: frozenset[str], unread: Mapping[str, str]
) -> Document:
    faults = dict(unread)
    good: Document = {}
    for name, value in found.items():
        if name not in wrong:
            good[name] = value
        elif name in TASK and type(value) is float and TASK[name].fits(int_of(value)):
            good[name] = int(value)  # what a JavaScript shell writes for 3
        elif name in TASK:
            faults[name] = TASK[name].flaw(name, value)
    faults.update({name: f"{name} is missing" for name in missing if name not in faults})
    for name in faults.keys() & INSTEAD.keys():
        good[name] = copy(INSTEAD[name])
    if "_id" in faults:
        good["_id"] = OddId(found.get("_id"))
    return {**good, MALFORMED: faults} if faults else good


def int_of(value: float) -> int | float:
    """The whole number that it is, or itself."""
    return int(value) if value.is_integer() else value


def sound_record(found: Document, shapes: Mapping[str, Shape]) -> Document:
    """A record of a queue or of a worker likewise."""
    whole = {
        name: int(found[name])
        for name, shape in shapes.items()
        if type(found.get(name)) is float
        and shape.fits(int_of(found[name]))
        and not shape.fits(found[name])
    }
    found = {**found, **whole} if whole else found
    wrong = {
        name: shape.flaw(name, found[name])
        for name, shape in (("_id", TEXT), *shapes.items())
        if name in found and not shape.fits(found[name])
    }
    if not wrong:
        return found
    good = {name: value for name, value in found.items() if name not in wrong}
    if "_id" in wrong:
        good["_id"] = OddId(found["_id"])
    return {**good, MALFORMED: {**found.get(MALFORMED, {}), **wrong}}


def sound_event(found: Mapping[str, Any]) -> Document:
    """An event without what is wrong or null in it; it has a task, a number and a time."""
    least = {"task": str(found.get("task")), "number": 0, "to": "?", "at": _EPOCH}
    good = {
        name: found[name]
        for name, shape in EVENT.items()
        if found.get(name) is not None and shape.fits(found[name])
    }
    return {name: good.get(name, least.get(name)) for name in EVENT if name in {**least, **good}}


def faults_of(found: Mapping[str, Any]) -> str:
    """What is wrong with a document that was read, in a line; empty where nothing is."""
    faults = list(found.get(MALFORMED, {}).values())
    more = f", and {len(faults) - TOLD} more" if len(faults) > TOLD else ""
    return ", ".join(faults[:TOLD]) + more
