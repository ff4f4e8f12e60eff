-- What deltas said of workers who wait: a guard holds it, or a target did not answer. Deltas are read once. Without a reference to
-- workers: whoever is new and waits is not stored yet.
CREATE TABLE pending_facts (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  worker_key TEXT NOT NULL,
  -- Employments in the order in which they were read.
  body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (connection_id, worker_key)
) STRICT, WITHOUT ROWID;
