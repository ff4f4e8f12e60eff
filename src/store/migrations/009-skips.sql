-- A failed operation that a person has set aside: it stays failed, but asks for nobody until then, or until what it was decided on
-- is not what it was.
CREATE TABLE skips (
  operation INTEGER PRIMARY KEY REFERENCES operations (id),
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  by TEXT NOT NULL,
  reason TEXT NOT NULL,
  at TEXT NOT NULL,
  until TEXT NOT NULL,
  -- Digest of the worker's employments as they were.
  facts TEXT NOT NULL,
  -- The mapping that was accepted, with its code version; '' before any was.
  mapping TEXT NOT NULL
) STRICT;
