"""Task documents as programs exchange them: JSON values, times as ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from labq import clock
from labq.errors import UsageError
from labq.model.sound import MALFORMED
from labq.model.task import FIELDS, Document, Kind
from labq.queue.selection import ID
from labq.values.coerce import told

WITHIN = {"lease": ("expires_at",)}  # times inside of fields
IN_ITEMS = {"attempts": ("started", "ended")}  # and inside of the items of lists


def from_json(document: Mapping[str, Any], queue: str) -> Document:
    """A document as a store gives it, of one whose times are texts or datetimes.

    Raises:
        UsageError: a field that there is not, no id, a time that is none, another queue's task.
    """
    found: Document = deepcopy(dict(document))
    found.pop(MALFORMED, None)
    if not isinstance(found["_id"], str) or not ID.fullmatch(found["_id"]):
        raise UsageError(f"_id must be 32 hex digits, not {told(found['_id'])}")
    for field, value in found.items():
        if field not in FIELDS:
            raise UsageError(f"no field {field!r} in a task")
        if FIELDS[field] is Kind.DATE:
            found[field] = moment(value, field)
        for key in WITHIN.get(field, ()):
            _date(value, key, field)
        for item in value if field in IN_ITEMS else ():
            for key in IN_ITEMS[field]:
                _date(item, key, field)
    if found.setdefault("queue", queue) != queue:
        raise UsageError(f"the task is of queue {found['queue']!r}, the client's is {queue!r}")
    found.setdefault("status", "draft")
    return {field: value for field, value in found.items() if value is not None}


def to_json(value: Any) -> Any:
    """A copy as JSON values: times as ISO 8601, of what no JSON holds what Python says of it."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, datetime):
        return clock.iso(value)
    if hasattr(value, "tolist"):  # NumPy's
        return to_json(value.tolist())
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _date(node: Any, key: str, where: str) -> None:
    if isinstance(node, dict) and key in node:
        node[key] = moment(node[key], f"{where}.{key}")


def moment(value: Any, where: str) -> datetime | None:
    """The aware datetime of an ISO 8601 text.

    Raises:
        UsageError: it is none, or has no zone.
    """
    if value is None:
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(_offset(value))
    except (TypeError, ValueError):
        raise UsageError(f"{where}: {value!r} is no time") from None
    if found.tzinfo is None:
        raise UsageError(f"{where}: {value!r} has no zone (write ...Z)")
    return found


def _offset(text: str) -> str:
    """Python 3.10 reads no Z."""
    return text[:-1] + "+00:00" if text.endswith("Z") else text
