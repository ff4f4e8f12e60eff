-- What a person should look at although no operation failed: raised once for each cause, said again daily while it stands, cleared
-- when it is over. Cleared rows stay for a while, so that the history of a cause can be read.
CREATE TABLE alarms (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  code TEXT NOT NULL,
  -- What it is about: a source, a target, a worker. One open alarm for each code and subject.
  subject TEXT NOT NULL,
  message TEXT NOT NULL,
  hint TEXT,
  -- Set where it is about one worker, who may not be on file.
  worker_key TEXT,
  raised_at TEXT NOT NULL,
  -- When it was said last.
  said_at TEXT NOT NULL,
  cleared_at TEXT
) STRICT;
CREATE UNIQUE INDEX alarms_open ON alarms (connection_id, code, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarms_cleared ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;
