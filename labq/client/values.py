"""What Python programs hold, as labq stores it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from labq.model.task import EDITABLE, FIELDS, Kind
from labq.values.coerce import span, text
from labq.values.plain import plain

LENGTHS = ("timeout", "retry_delay")
TEXTS = frozenset(field for field in EDITABLE if FIELDS[field] is Kind.TEXT)


def of_field(name: str, value: Any) -> Any:
    """A field's value as labq stores it: a length in seconds, whichever way it was given.

    Raises:
        UsageError: it is no text, where the field is one.
    """
    if name in LENGTHS or name == "retention.ttl":
        return span(name, value)
    if name == "retention" and isinstance(value, Mapping) and "ttl" in value:
        value = {**value, "ttl": span("ttl", value["ttl"])}
    if name in TEXTS and isinstance(value, bytes):
        return text(name, value)
    found = plain(value, name)
    return text(name, found) if name in TEXTS else found


def own(value: Any) -> Any:
    """A copy of what a store gave, to be handed out: all times in it have `timezone.utc`."""
    if isinstance(value, dict):
        return {key: own(item) for key, item in value.items()}
    if isinstance(value, list):
        return [own(item) for item in value]
    return value.astimezone(timezone.utc) if isinstance(value, datetime) else value
