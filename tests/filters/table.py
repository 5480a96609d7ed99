"""A SQLite table of tasks as `labq.store.sqlite.query` describes it."""

from __future__ import annotations

import json
import sqlite3
import weakref
from datetime import datetime

from labq.clock import to_ms
from labq.filters import matcher
from labq.model.task import FIELDS, Kind
from labq.store.sqlite.query import compile_where

COLUMN_TYPES = {
    Kind.TEXT: "TEXT",
    Kind.INT: "INTEGER",
    Kind.NUMBER: "",
    Kind.DATE: "INTEGER",
    Kind.JSON: "TEXT",
}
NAMES = list(FIELDS)


def encoded(kind: Kind, value: object) -> object:
    if value is None:
        return None
    if kind is Kind.DATE:
        return to_ms(value)
    if kind is Kind.JSON:
        dumped = json.JSONEncoder(
            ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_date
        )
        return dumped.encode(value)
    return value


def _date(value: datetime) -> dict:
    return {"$date": to_ms(value)}


class Table:
    """Documents in SQLite, and what a query finds among them."""

    def __init__(self, documents: list[dict]) -> None:
        columns = ", ".join(f'"{name}" {COLUMN_TYPES[kind]}' for name, kind in FIELDS.items())
        self.documents = {document["_id"]: document for document in documents}
        self.connection = sqlite3.connect(":memory:")
        self.close = weakref.finalize(self, self.connection.close)
        self.connection.execute(f"CREATE TABLE tasks ({columns})")
        rows = [
            [encoded(FIELDS[name], document.get(name)) for name in NAMES] for document in documents
        ]
        marks = ", ".join("?" * len(NAMES))
        self.connection.executemany(f"INSERT INTO tasks VALUES ({marks})", rows)

    def find(self, query: dict) -> set[str]:
        """The ids of what matches: by SQL where it is certain, else by the matcher."""
        where = compile_where(query)
        sure = where.certain or "1"
        sql = f'SELECT "_id", {sure} FROM tasks WHERE {where.sql}'
        rows = self.connection.execute(sql, [*where.certain_params, *where.params]).fetchall()
        matches = matcher(query)
        return {key for key, certain in rows if certain or matches(self.documents[key])}

    def order(self, order_by: str) -> list[str]:
        rows = self.connection.execute(f'SELECT "_id" FROM tasks ORDER BY {order_by}, "_id"')
        return [key for (key,) in rows]
