-- The fourth schema of labq, as its files have it.

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
  "data" BLOB NOT NULL
);

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
CREATE INDEX tasks_claim ON tasks ("queue", "status", "priority" DESC, "number");
CREATE INDEX tasks_fit ON tasks ("queue", "args_signature", "priority" DESC, "number")
  WHERE "status" = 'pending';
CREATE INDEX tasks_due ON tasks ("queue", "available_at")
  WHERE "status" = 'waiting' AND "waiting_for" IS NULL;
CREATE INDEX tasks_blocked ON tasks ("queue", "status", "waiting_for", "_id")
  WHERE "status" = 'waiting' AND "waiting_for" IS NOT NULL;
CREATE INDEX tasks_expiring ON tasks ("queue", "status", "ended_at") WHERE "retention" IS NOT NULL;
CREATE INDEX tasks_group ON tasks ("queue", "group", "index") WHERE "group" IS NOT NULL;

-- The log of what becomes of tasks: triggers write it, so that no writer can forget to, and none of
-- it is there without the change itself. The newest 100,000 rows are kept, trimmed by the thousand.

CREATE TABLE events (
  "seq" INTEGER PRIMARY KEY,
  "task" TEXT NOT NULL,
  "number" INTEGER NOT NULL,
  "queue" TEXT NOT NULL,
  "from" TEXT,
  "to" TEXT NOT NULL,
  "at" INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  "attempt" INTEGER,
  "worker" TEXT,
  "reason" TEXT
);

CREATE TRIGGER tasks_inserted AFTER INSERT ON tasks BEGIN
  INSERT INTO events ("task", "number", "queue", "to", "attempt", "reason")
  VALUES (NEW."_id", NEW."number", NEW."queue", NEW."status", NEW."attempt", NEW."reason");
END;

CREATE TRIGGER tasks_moved AFTER UPDATE OF "status" ON tasks
WHEN OLD."status" <> NEW."status" BEGIN
  INSERT INTO events ("task", "number", "queue", "from", "to", "attempt", "worker", "reason")
  VALUES (
    NEW."_id", NEW."number", NEW."queue", OLD."status", NEW."status", NEW."attempt",
    json_extract(coalesce(NEW."lease", OLD."lease"), '$.worker'), NEW."reason"
  );
END;

CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks BEGIN
  INSERT INTO events ("task", "number", "queue", "from", "to", "attempt")
  VALUES (OLD."_id", OLD."number", OLD."queue", OLD."status", 'deleted', OLD."attempt");
END;

CREATE TRIGGER events_trimmed AFTER INSERT ON events WHEN NEW."seq" % 1000 = 0 BEGIN
  DELETE FROM events WHERE "seq" <= NEW."seq" - 100000;
END;
