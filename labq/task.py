"""The task document: its fields, its statuses, and who may move it from which to which."""

from __future__ import annotations

import os
from enum import Enum
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]


class Kind(Enum):
    """What a field of the document holds."""

    TEXT = "text"
    INT = "int"  # 64 bits, signed
    NUMBER = "number"  # int or float
    DATE = "date"  # aware UTC datetime, to the millisecond
    JSON = "json"  # a dict or a list of JSON values; dates may stand inside


# Every field a task document may have. A field without a value is absent, never null.
FIELDS: dict[str, Kind] = {
    "_id": Kind.TEXT,
    "queue": Kind.TEXT,
    "number": Kind.INT,
    "name": Kind.TEXT,
    "type": Kind.TEXT,
    "project": Kind.TEXT,
    "tags": Kind.JSON,
    "comment": Kind.TEXT,
    "metadata": Kind.JSON,
    "args": Kind.JSON,
    "args_signature": Kind.TEXT,
    "cmd": Kind.JSON,
    "env": Kind.JSON,
    "cwd": Kind.TEXT,
    "resources": Kind.JSON,
    "status": Kind.TEXT,
    "reason": Kind.TEXT,
    "outcome": Kind.TEXT,
    "priority": Kind.INT,
    "max_retries": Kind.INT,
    "retries": Kind.INT,
    "crashes": Kind.INT,
    "timeout": Kind.NUMBER,
    "after": Kind.JSON,
    "attempt": Kind.INT,
    "attempts": Kind.JSON,
    "lease": Kind.JSON,
    "stop_requested": Kind.TEXT,
    "progress": Kind.NUMBER,
    "summary": Kind.JSON,
    "errors": Kind.JSON,
    "source": Kind.JSON,
    "parent": Kind.TEXT,
    "group": Kind.TEXT,
    "index": Kind.INT,
    "inputs": Kind.JSON,
    "results": Kind.JSON,
    "artifacts": Kind.JSON,
    "retention": Kind.JSON,
    "rev": Kind.INT,
    "created_at": Kind.DATE,
    "queued_at": Kind.DATE,
    "available_at": Kind.DATE,
    "started_at": Kind.DATE,
    "ended_at": Kind.DATE,
    "modified_at": Kind.DATE,
    "published_at": Kind.DATE,
}


def new_id() -> str:
    """A random uuid4 (RFC 9562) as 32 hex digits."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return raw.hex()
