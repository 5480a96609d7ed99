"""The tables of a SQLite file: made as `schema.sql` says, or brought up to it from before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from labq.store.refusals import require_known

if TYPE_CHECKING:
    from labq.store.sqlite.connection import File

VERSION = 7

# From a version to the next. A file keeps its tasks, its numbers and its counters.
STEPS = {
    1: """
ALTER TABLE tasks ADD COLUMN "require" TEXT;
ALTER TABLE tasks ADD COLUMN "retry_delay";
ALTER TABLE tasks ADD COLUMN "after_any" TEXT;
ALTER TABLE tasks ADD COLUMN "waiting_for" TEXT;
ALTER TABLE tasks ADD COLUMN "dependants" INTEGER;
ALTER TABLE queues RENAME TO old_queues;
CREATE TABLE queues (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "record" TEXT NOT NULL DEFAULT '{}',
  "next_number" INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
INSERT INTO queues ("_id", "next_number") SELECT "name", "next_number" FROM old_queues;
DROP TABLE old_queues;
CREATE TABLE workers (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "record" TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE INDEX tasks_due ON tasks ("queue", "available_at")
  WHERE "status" = 'waiting' AND "waiting_for" IS NULL;
CREATE INDEX tasks_blocked ON tasks ("queue", "status", "waiting_for", "_id")
  WHERE "status" = 'waiting' AND "waiting_for" IS NOT NULL;
CREATE INDEX tasks_expiring ON tasks ("queue", "status", "ended_at") WHERE "retention" IS NOT NULL;
""",
    2: """
ALTER TABLE tasks ADD COLUMN "count" INTEGER;
ALTER TABLE tasks ADD COLUMN "publish_on_success" TEXT;
CREATE INDEX tasks_group ON tasks ("queue", "group", "index") WHERE "group" IS NOT NULL;
CREATE TABLE blobs (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "size" INTEGER NOT NULL,
  "data" BLOB NOT NULL
);
""",
    3: """
ALTER TABLE tasks ADD COLUMN "raw_args" TEXT;
""",
    4: """
ALTER TABLE tasks ADD COLUMN "short" TEXT;
CREATE UNIQUE INDEX tasks_short ON tasks ("queue", "short") WHERE "short" IS NOT NULL;
""",
    5: """
ALTER TABLE blobs ADD COLUMN "kept_at" INTEGER NOT NULL DEFAULT 0;
CREATE INDEX blobs_kept ON blobs ("kept_at");
DROP TRIGGER tasks_moved;
CREATE TRIGGER tasks_moved AFTER UPDATE OF "status" ON tasks
WHEN OLD."status" <> NEW."status" BEGIN
  INSERT INTO events ("task", "number", "queue", "from", "to", "attempt", "worker", "reason")
  VALUES (
    NEW."_id", NEW."number", NEW."queue", OLD."status", NEW."status", NEW."attempt",
    CASE WHEN json_valid(coalesce(NEW."lease", OLD."lease"))
      THEN json_extract(coalesce(NEW."lease", OLD."lease"), '$.worker') END,
    NEW."reason"
  );
END;
""",
    6: """
ALTER TABLE tasks ADD COLUMN "words" TEXT;
""",
}


def prepare(file: File) -> None:
    """Makes the tables, or brings them up to VERSION, in one transaction.

    Raises:
        NewerStoreError: a newer labq made the file.
    """
    if _version(file) == VERSION:
        return
    with file.faults():
        file.db.execute("PRAGMA journal_mode = WAL")
    with file.writing() as db:
        version = _version(file)  # another process may have been faster
        while version < VERSION:
            for statement in _statements(version):
                db.execute(statement)
            version = version + 1 if version else VERSION
        db.execute(f"PRAGMA user_version = {VERSION}")


def make(db: sqlite3.Connection) -> None:
    """Makes the tables in an empty database."""
    for statement in _statements(0):
        db.execute(statement)


def _version(file: File) -> int:
    with file.faults():
        return require_known_of(file.path, file.db)


def require_known_of(path: Path, db: sqlite3.Connection) -> int:
    """The version of the file's schema.

    Raises:
        NewerStoreError: a newer labq made it.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    require_known(str(path), version, VERSION)
    return version


def _statements(version: int) -> Iterator[str]:
    """What leads on from a version; from 0, an empty file, to the newest."""
    script = STEPS.get(version) or _script("schema.sql")
    if version in (0, 2):
        script += _script("events.sql")
    statement = ""
    for line in script.splitlines(keepends=True):
        if not line.startswith("--"):
            statement += line
            if sqlite3.complete_statement(statement):  # a trigger has semicolons within
                yield statement.strip()
                statement = ""


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")
