-- What further sources say, by the key of their own records, whoever it joins: a worker may come later than their record.
CREATE TABLE facts (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  -- 16 bytes: of the row it was read from.
  digest BLOB NOT NULL CHECK (length(digest) = 16),
  -- Attributes and their values; blank ones are absent.
  body TEXT NOT NULL CHECK (json_valid(body)),
  -- 1 until the workers whom it joins have been judged with it.
  due INTEGER NOT NULL CHECK (due IN (0, 1)),
  PRIMARY KEY (connection_id, source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_due ON facts (connection_id, source, key) WHERE due = 1;
-- The last delivery of each further source.
CREATE TABLE further_sources (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  source TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (connection_id, source)
) STRICT, WITHOUT ROWID;
