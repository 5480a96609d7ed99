-- One column per field of the task document (labq/model/task.py). Times are milliseconds since the epoch,
-- UTC; a field that is a dict or a list is JSON text; an absent field is NULL. Numbers that may be
-- integer or float have no type, so that 5 stays an integer and 5.0 a float. A record is JSON text.
-- A blob is named by the SHA-256 of its data.
-- What changes here changes in schema.py too, which brings older files up to this.

CREATE TABLE queues (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "record" TEXT NOT NULL DEFAULT '{}',
  "next_number" INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

CREATE TABLE workers (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "record" TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;

CREATE TABLE blobs (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "size" INTEGER NOT NULL,
  "data" BLOB NOT NULL,
  "kept_at" INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX blobs_kept ON blobs ("kept_at");

CREATE TABLE tasks (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "queue" TEXT NOT NULL,
  "number" INTEGER NOT NULL,
  "name" TEXT,
  "short" TEXT,
  "type" TEXT,
  "project" TEXT,
  "tags" TEXT,
  "comment" TEXT,
  "metadata" TEXT,
  "args" TEXT,
  "args_signature" TEXT,
  "cmd" TEXT,
  "words" TEXT,
  "raw_args" TEXT,
  "env" TEXT,
  "cwd" TEXT,
  "resources" TEXT,
  "require" TEXT,
  "status" TEXT NOT NULL,
  "reason" TEXT,
  "outcome" TEXT,
  "priority" INTEGER,
  "max_retries" INTEGER,
  "retries" INTEGER,
  "crashes" INTEGER,
  "retry_delay",
  "timeout",
  "after" TEXT,
  "after_any" TEXT,
  "waiting_for" TEXT,
  "dependants" INTEGER,
  "attempt" INTEGER,
  "attempts" TEXT,
  "lease" TEXT,
  "stop_requested" TEXT,
  "progress",
  "summary" TEXT,
  "errors" TEXT,
  "source" TEXT,
  "parent" TEXT,
  "group" TEXT,
  "index" INTEGER,
  "count" INTEGER,
  "inputs" TEXT,
  "results" TEXT,
  "artifacts" TEXT,
  "retention" TEXT,
  "publish_on_success" TEXT,
  "rev" INTEGER,
  "created_at" INTEGER,
  "queued_at" INTEGER,
  "available_at" INTEGER,
  "started_at" INTEGER,
  "ended_at" INTEGER,
  "modified_at" INTEGER,
  "published_at" INTEGER
);

CREATE UNIQUE INDEX tasks_number ON tasks ("queue", "number");
CREATE UNIQUE INDEX tasks_short ON tasks ("queue", "short") WHERE "short" IS NOT NULL;
CREATE INDEX tasks_claim ON tasks ("queue", "status", "priority" DESC, "number");
CREATE INDEX tasks_fit ON tasks ("queue", "args_signature", "priority" DESC, "number")
  WHERE "status" = 'pending';
CREATE INDEX tasks_due ON tasks ("queue", "available_at")
  WHERE "status" = 'waiting' AND "waiting_for" IS NULL;
CREATE INDEX tasks_blocked ON tasks ("queue", "status", "waiting_for", "_id")
  WHERE "status" = 'waiting' AND "waiting_for" IS NOT NULL;
CREATE INDEX tasks_expiring ON tasks ("queue", "status", "ended_at") WHERE "retention" IS NOT NULL;
CREATE INDEX tasks_group ON tasks ("queue", "group", "index") WHERE "group" IS NOT NULL;
