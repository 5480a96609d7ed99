-- The schema of the first labq, as its files have it.

CREATE TABLE queues (
  name TEXT PRIMARY KEY,
  next_number INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tasks (
  "_id" TEXT NOT NULL PRIMARY KEY,
  "queue" TEXT NOT NULL,
  "number" INTEGER NOT NULL,
  "name" TEXT,
  "type" TEXT,
  "project" TEXT,
  "tags" TEXT,
  "comment" TEXT,
  "metadata" TEXT,
  "args" TEXT,
  "args_signature" TEXT,
  "cmd" TEXT,
  "env" TEXT,
  "cwd" TEXT,
  "resources" TEXT,
  "status" TEXT NOT NULL,
  "reason" TEXT,
  "outcome" TEXT,
  "priority" INTEGER,
  "max_retries" INTEGER,
  "retries" INTEGER,
  "crashes" INTEGER,
  "timeout",
  "after" TEXT,
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
  "inputs" TEXT,
  "results" TEXT,
  "artifacts" TEXT,
  "retention" TEXT,
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
CREATE INDEX tasks_claim ON tasks ("queue", "status", "priority" DESC, "number");
CREATE INDEX tasks_fit ON tasks ("queue", "args_signature", "priority" DESC, "number")
  WHERE "status" = 'pending';
