"""What is a queue's, in SQLite: its numbers, limit, defaults, short names and groups.

All of it within the transaction of whoever calls.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from labq import clock
from labq.errors import ConflictError, NotFoundError
from labq.model.fields import QUEUE
from labq.model.shapes import MOST
from labq.model.sound import sound_record
from labq.model.task import Status
from labq.store.base import KEYED_AS, Run
from labq.store.refusals import quota_exceeded, short_taken
from labq.store.sqlite.codec import encode, record_of
from labq.store.sqlite.connection import File

FAR = 253_402_300_799_000  # ms: the end of the year 9999, where Python's calendar ends
Row = dict[str, Any]  # the columns of a new task, as they are stored

# What another program wrote there counts for nothing where it is no number.
# A run of indexes without a gap is where index and rank differ by the same: "gaps and islands".
RUNS = """
SELECT "status", min("index"), max("index"), count(*), total("progress"), total(cpus),
  min("created_at"), min("started_at"), max("ended_at")
FROM (
  SELECT "status", "index", "progress", "created_at", "started_at", "ended_at", cpus,
    "index" - dense_rank() OVER (PARTITION BY "status" ORDER BY "index") AS island
  FROM (
    SELECT "status",
      iif(typeof("index") = 'integer', "index", NULL) AS "index",
      iif(typeof("progress") IN ('integer', 'real'), "progress", 0) AS "progress",
      iif("created_at" BETWEEN 0 AND :far, "created_at", NULL) AS "created_at",
      iif("started_at" BETWEEN 0 AND :far, "started_at", NULL) AS "started_at",
      iif("ended_at" BETWEEN 0 AND :far, "ended_at", NULL) AS "ended_at",
      coalesce(iif(json_valid("resources"), json_extract("resources", '$.cpus'), 1), 1) AS cpus
    FROM tasks WHERE "queue" = :queue AND "group" = :group
  )
) GROUP BY "status", island ORDER BY "status", min("index")
"""


def take_numbers(db: sqlite3.Connection, queue: str, count: int) -> tuple[int, str]:
    """Reserves `count` numbers; the first of them, and the text of the queue's record.

    A queue whose record was removed goes on behind the tasks that it has still.
    """
    db.execute('INSERT OR IGNORE INTO queues ("_id") VALUES (?)', (queue,))
    whole = f'typeof("number") = \'integer\' AND "number" < {MOST} ORDER BY "number" DESC LIMIT 1'
    last = f'SELECT "number" + 1 FROM tasks WHERE "queue" = queues."_id" AND {whole}'
    look = f'SELECT "next_number", coalesce(({last}), 1), "record" FROM queues WHERE "_id" = ?'
    following, behind, record = db.execute(look, (queue,)).fetchone()
    sound = isinstance(following, int) and following < MOST
    first = max(following, behind) if sound else behind
    take = 'UPDATE queues SET "next_number" = ? WHERE "_id" = ?'
    db.execute(take, (first + count, queue))
    return first, record


def admitted(
    db: sqlite3.Connection, queue: str, record: str, first: int, new: Sequence[Row]
) -> Sequence[Row]:
    """The new tasks with the queue's defaults.

    Raises:
        QuotaExceeded: the queue has no room for them.
    """
    if record == "{}":
        return new
    rules = sound_record(record_of(record)[0], QUEUE)
    most = rules.get("max_tasks")
    if most is not None and first - 1 + len(new) > most:  # so many were never there
        (held,) = db.execute('SELECT count(*) FROM tasks WHERE "queue" = ?', (queue,)).fetchone()
        look = 'SELECT 1 FROM tasks WHERE "_id" = ?'
        fresh = sum(db.execute(look, (row["_id"],)).fetchone() is None for row in new)
        if fresh and held + fresh > most:
            raise quota_exceeded(queue, most, held, fresh)
    defaults = rules.get("defaults")
    if not defaults:
        return new
    shared = {field: encode(field, value) for field, value in defaults.items()}
    return [{**shared, **row} for row in new]


def require_free(db: sqlite3.Connection, queue: str, wanted: Mapping[str, str]) -> None:
    """Refuses short names, each with the id of the task that is to have it, that others have.

    Raises:
        ConflictError: naming the first that has.
    """
    look = 'SELECT "_id", "number" FROM tasks WHERE "queue" = ? AND "short" = ?'
    for short, identity in wanted.items():
        holder, number = db.execute(look, (queue, short)).fetchone() or (identity, 0)
        if holder != identity:
            raise short_taken(queue, short, number)


def rename(db: sqlite3.Connection, queue: str, new: str) -> int:
    """`Store.rename`, whole or not at all."""
    there = {name for (name,) in db.execute('SELECT "_id" FROM queues')}
    if queue not in there:
        raise NotFoundError(f"no queue {queue!r} (labq queue ls shows what is there)")
    if new in there:
        raise ConflictError(f"cannot rename queue {queue}: {new} is there already")
    count = 'SELECT count(*) FROM tasks WHERE "queue" = ? AND "status" = ?'
    (running,) = db.execute(count, (queue, Status.RUNNING.value)).fetchone()
    if running:
        raise ConflictError(f"cannot rename queue {queue}: {running:,} of its tasks run")
    named = 'SELECT "short", "_id" FROM tasks WHERE "queue" = ? AND "short" IS NOT NULL'
    require_free(db, new, dict(db.execute(named, (queue,)).fetchall()))
    path = f"$.{KEYED_AS}"
    record = """iif(json_valid("record"), "record", '{}')"""
    record = f'json_set({record}, ?, coalesce(json_extract({record}, ?), "_id"))'
    change = f'UPDATE queues SET "record" = {record}, "_id" = ? WHERE "_id" = ?'
    db.execute(change, (path, path, new, queue))
    return db.execute('UPDATE tasks SET "queue" = ? WHERE "queue" = ?', (new, queue)).rowcount


def runs(file: File, queue: str, group: str) -> list[Run]:
    """`Store.runs`."""
    return [
        Run(*row[:6], *(None if ms is None else clock.from_ms(ms) for ms in row[6:]))
        for row in file.rows(RUNS, {"queue": queue, "group": group, "far": FAR})
    ]
