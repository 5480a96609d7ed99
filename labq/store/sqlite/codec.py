"""Task documents <-> rows of the `tasks` table, and what a Change does to a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from labq import clock
from labq.errors import ConflictError
from labq.model.size import MAX_BYTES, require_room
from labq.model.sound import MALFORMED, OddId, sound_task
from labq.model.task import FIELDS, Document, Kind
from labq.store.base import EXPIRES, STEADY, Change, Now

ALL = tuple(FIELDS)
MOST_ITEMS = 1_500_000  # how far MongoDB lets a list grow at once
_BIG = MAX_BYTES // 16  # JSON text shorter than this cannot be a document too large for BSON
_JSON = frozenset(name for name, kind in FIELDS.items() if kind is Kind.JSON)
_DATE = frozenset(name for name, kind in FIELDS.items() if kind is Kind.DATE)


def _dated(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$date": clock.to_ms(value)}
    raise TypeError(type(value).__name__)


def _undated(value: dict[str, Any]) -> Any:
    return clock.from_ms(value["$date"]) if "$date" in value else value


def _refused(name: str) -> Any:
    """No JSON value is NaN or infinite, whatever Python's reader takes."""
    raise ValueError(name)


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_dated, allow_nan=False
)
_DECODER = json.JSONDecoder(object_hook=_undated, parse_constant=_refused)
_PLAIN = json.JSONDecoder(parse_constant=_refused)
# What decoding raises of a value that another program wrote.
UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)


def to_text(value: Any) -> str:
    """A JSON value, dates within, as text."""
    return _ENCODER.encode(value)


def from_text(text: str) -> Any:
    """What `to_text` wrote."""
    return (_DECODER if '"$date"' in text else _PLAIN).decode(text)


def record_of(text: Any) -> tuple[Document, str]:
    """The record of a small table, and what is wrong where it is none."""
    try:
        found = from_text(text)
    except UNREADABLE:
        return {}, "the record is not JSON"
    return (found, "") if isinstance(found, dict) else ({}, "the record is no dict")


# How the value of a field that is no plain one is written and read.
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_JSON, to_text),
    **dict.fromkeys(_DATE, clock.to_ms),
}
_READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_JSON, from_text),
    **dict.fromkeys(_DATE, clock.from_ms),
}


def encode(field: str, value: Any) -> Any:
    """A field's value as its column holds it."""
    write = _WRITTEN.get(field)
    return value if write is None else write(value)


def decode(field: str, stored: Any) -> Any:
    """A column's value as the document holds it."""
    read = _READ.get(field)
    return stored if read is None else read(stored)


def document(fields: Sequence[str], row: Sequence[Any]) -> Document:
    """The document of a row, as `sound_task` has it; NULL columns are absent."""
    found, unread = stored(fields, row)
    return sound_task(found, fields, unread)


def stored(fields: Sequence[str], row: Sequence[Any]) -> tuple[Document, dict[str, str]]:
    """What a row holds, whoever wrote it; and why, of the fields that cannot be read."""
    columns = zip(fields, row, strict=False)
    try:
        return {field: decode(field, value) for field, value in columns if value is not None}, {}
    except UNREADABLE:
        return _one_by_one(fields, row)


def _one_by_one(fields: Sequence[str], row: Sequence[Any]) -> tuple[Document, dict[str, str]]:
    found: Document = {}
    unread: dict[str, str] = {}
    for field, value in zip(fields, row, strict=False):
        try:
            if value is not None:
                found[field] = decode(field, value)
        except UNREADABLE:  # noqa: PERF203 - to try the next one
            if field in _JSON:
                unread[field] = f"{field} is not JSON"
            else:
                found[field] = value
    return found, unread


def timed(value: Any, now: datetime) -> Any:
    """`value` with every Now in it, at any depth of its dicts, replaced by a datetime."""
    if isinstance(value, Now):
        return clock.later(now, value.plus) if value.plus else now
    if not isinstance(value, dict):
        return value
    new = {
        key: timed(item, now) if isinstance(item, (Now, dict)) else item
        for key, item in value.items()
    }
    if isinstance(ends := value.get(EXPIRES), Now):
        new[STEADY] = clock.deadline(ends.plus)
    return new


def counted(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values by dotted path, and beside each time that ends a lease what counts it."""
    ends = {
        f"{path.removesuffix(EXPIRES)}{STEADY}": clock.deadline(value.plus)
        for path, value in values.items()
        if isinstance(value, Now) and path.rpartition(".")[2] == EXPIRES
    }
    return {**values, **ends} if ends else values


def encoded(task: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """The columns of a new document.

    Raises:
        UsageError: it is larger than MongoDB would take.
    """
    row = {
        field: now_ms if isinstance(value, Now) else encode(field, value)
        for field, value in task.items()
    }
    check_size(row)
    return row


def check_size(row: Mapping[str, Any]) -> None:
    """Refuses what a BSON document cannot hold, so that both stores have one limit."""
    if sum(len(text) for text in row.values() if isinstance(text, str)) < _BIG:
        return
    require_room({field: decode(field, stored) for field, stored in row.items()})


@lru_cache(maxsize=256)
def needed(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that these dotted paths live in, each once."""
    return tuple(dict.fromkeys(path.partition(".")[0] for path in paths))


def read_first(change: Change) -> tuple[str, ...]:
    """The columns whose old value the change builds on."""
    dotted = (path for path in change.set if "." in path)
    return needed((*dotted, *change.inc, *change.push))


def changed(old: Document, change: Change, now: datetime) -> tuple[Document, dict[str, Any]]:
    """The fields that `change` sets, and the columns that it writes.

    `old` has the `read_first` fields of the task.

    Raises:
        ConflictError: a dotted path leads through something that is no dict.
    """
    new: Document = {}
    wrong = old.get(MALFORMED, ())
    for path, value in counted(change.set).items():
        field, _, rest = path.partition(".")
        if not rest:
            new[field] = timed(value, now)
        elif field in wrong:
            raise ConflictError(f"cannot write {path}: {wrong[field]}")
        else:
            before = new.get(field, old.get(field, {}))
            new[field] = placed(before, rest.split("."), timed(value, now), path)
    for field, amount in change.inc.items():
        if field not in wrong:
            new[field] = old.get(field, 0) + amount
    for field, item in change.push.items():
        new[field] = [*old.get(field, []), timed(item, now)][-change.keep :]
    row = {field: encode(field, value) for field, value in new.items()}
    check_size(row)
    row.update(dict.fromkeys(change.unset))
    return new, row


def after(old: Document, new: Document, row: Mapping[str, Any], fields: Sequence[str]) -> Document:
    """The document once `changed` is written; all fields unless some are named."""
    doc = {**old, **new}
    faults = {field: why for field, why in doc.pop(MALFORMED, {}).items() if field not in row}
    for field, stored in row.items():
        if stored is None:
            doc.pop(field, None)
    if fields:
        doc = {field: doc[field] for field in ("_id", *fields) if field in doc}
    return {**doc, MALFORMED: faults} if faults else doc


def placed(node: Any, keys: Sequence[str], value: Any, path: str) -> Any:
    """`node` with `value` at the end of `keys`; the given node is left as it is.

    As in MongoDB, a number is the index of a list, which grows with nulls up to it.
    """
    if isinstance(node, list) and keys[0].isdecimal() and int(keys[0]) <= MOST_ITEMS:
        at = int(keys[0])
        longer = [*node, *[None] * (at + 1 - len(node))]
        longer[at] = value if len(keys) == 1 else placed(longer[at] or {}, keys[1:], value, path)
        return longer
    if not isinstance(node, dict):
        raise ConflictError(f"cannot write {path}: something on the way to it is not a dict")
    child = value if len(keys) == 1 else placed(node.get(keys[0], {}), keys[1:], value, path)
    return {**node, keys[0]: child}


@lru_cache(maxsize=256)
def update_of(fields: tuple[str, ...], *, odd: bool = False) -> str:
    """The UPDATE of one task's fields; the id of an `odd` one is no text."""
    columns = ", ".join(f'"{field}" = ?' for field in fields)
    return f"UPDATE tasks SET {columns} WHERE {named(odd=odd)}"


def named(*, odd: bool) -> str:
    """The condition for one task by its id: no index serves what is no text."""
    return 'CAST("_id" AS BLOB) = ?' if odd else '"_id" = ?'


def raw(identity: str) -> Any:
    """An id as its column holds it."""
    return identity.raw if isinstance(identity, OddId) else identity


def quoted(fields: Iterable[str]) -> str:
    """Column names for an SQL text."""
    return ", ".join(f'"{field}"' for field in fields)
