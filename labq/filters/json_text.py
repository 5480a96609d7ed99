"""A query document as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any


def to_json(query: Mapping[str, Any]) -> str:
    """Relaxed extended JSON (EJSON v2): dates are `{"$date": "2026-01-31T12:00:00.000Z"}`.

    `-f` reads it back as it stands; so does mongosh as `db.tasks.find(EJSON.parse('...'))`, and
    bare where the query holds no date.
    """
    return json.dumps(query, ensure_ascii=False, default=_extended)


def _extended(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        text = aware.astimezone(timezone.utc).isoformat(timespec="milliseconds")
        return {"$date": text.replace("+00:00", "Z")}
    raise TypeError(f"{type(value).__name__} has no place in a query")
