"""What Python programs hold, as labq stores it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from labq.model.task import EDITABLE, FIELDS, Kind
from labq.values.coerce import span, text

LENGTHS = ("timeout", "retry_delay")
TEXTS = frozenset(field for field in EDITABLE if FIELDS[field] is Kind.TEXT)


def plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's and PyTorch's scalars and arrays, tuples, mappings, paths.

    What is none of these stays as it is, to be refused by name.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def of_field(name: str, value: Any) -> Any:
    """A field's value as labq stores it: a length in seconds, whichever way it was given.

    Raises:
        UsageError: it is no text, where the field is one.
    """
    if name in LENGTHS:
        return span(name, value)
    return text(name, plain(value)) if name in TEXTS else plain(value)


def own(value: Any) -> Any:
    """A copy of what a store gave, to be handed out: all times in it have `timezone.utc`."""
    if isinstance(value, dict):
        return {key: own(item) for key, item in value.items()}
    if isinstance(value, list):
        return [own(item) for item in value]
    return value.astimezone(timezone.utc) if isinstance(value, datetime) else value
