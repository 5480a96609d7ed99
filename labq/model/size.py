"""How large a document is, and may be: MongoDB's limit, on both stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labq.errors import UsageError

MAX_BYTES = 16 * 1024 * 1024  # of one document, as BSON


def require_room(document: Mapping[str, Any]) -> None:
    """Refuses what a BSON document cannot hold."""
    refuse_size(sum(bson_size(value) for value in document.values()))


def refuse_size(size: int) -> None:
    """Refuses a document of more than MAX_BYTES bytes.

    Raises:
        UsageError: `size` is more.
    """
    if size > MAX_BYTES:
        raise UsageError(f"the task is too large: {size:,} bytes of at most {MAX_BYTES:,}")


def bson_size(value: Any) -> int:
    """The bytes of a value in BSON (bsonspec.org, version 1.1)."""
    if isinstance(value, dict):
        return 5 + sum(2 + len(key.encode()) + bson_size(item) for key, item in value.items())
    if isinstance(value, list):
        return 5 + sum(2 + len(str(at)) + bson_size(item) for at, item in enumerate(value))
    if isinstance(value, str):
        return 5 + len(value.encode())
    if value is None or isinstance(value, bool):
        return int(value is not None)
    return 4 if isinstance(value, int) and -(2**31) <= value < 2**31 else 8
