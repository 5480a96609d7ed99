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
    CASE WHEN json_valid(coalesce(NEW."lease", OLD."lease"))
      THEN json_extract(coalesce(NEW."lease", OLD."lease"), '$.worker') END,
    NEW."reason"
  );
END;

CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks BEGIN
  INSERT INTO events ("task", "number", "queue", "from", "to", "attempt")
  VALUES (OLD."_id", OLD."number", OLD."queue", OLD."status", 'deleted', OLD."attempt");
END;

CREATE TRIGGER events_trimmed AFTER INSERT ON events WHEN NEW."seq" % 1000 = 0 BEGIN
  DELETE FROM events WHERE "seq" <= NEW."seq" - 100000;
END;
