-- Accounts that a person took away from a worker. They are nobody's, and get no write, until somebody is paired with them.
CREATE TABLE unpaired (
  target_id INTEGER NOT NULL REFERENCES targets (id),
  remote_id TEXT NOT NULL,
  -- From whom.
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  at TEXT NOT NULL,
  PRIMARY KEY (target_id, remote_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX unpaired_from ON unpaired (worker_id);

-- Names that are given to nobody else although no account bears them here: of purged and erased workers, and of unpaired accounts.
CREATE TABLE withheld_names (
  target_id INTEGER NOT NULL REFERENCES targets (id),
  -- HMAC-SHA256 of the folded name under the setting 'names.key'.
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  -- Who may have it again; NULL for nobody.
  worker_id INTEGER REFERENCES workers (id),
  PRIMARY KEY (target_id, digest)
) STRICT, WITHOUT ROWID;

-- Workers whose personal values were erased: what stays of them is the key, and that it is not made anew without a person's word.
CREATE TABLE erased (
  worker_id INTEGER PRIMARY KEY REFERENCES workers (id),
  at TEXT NOT NULL
) STRICT;

-- Keys that HR gave up when it re-keyed somebody. `now` is what stands for the key since; NULL once the key is somebody's again.
-- Entries of the audit keep the key of their time: a row here says whose it was.
CREATE TABLE former_keys (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  key TEXT NOT NULL,
  -- A number that may stand for nobody any more: whoever was joined with another worker.
  worker INTEGER NOT NULL,
  now TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (connection_id, key, worker)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX former_keys_now ON former_keys (connection_id, key) WHERE now IS NOT NULL;

-- Entries that went into a signed segment beside the database. Each row is where the chain goes on: `last_hash` is what the entry
-- behind `last_seq` follows.
CREATE TABLE segments (
  first_seq INTEGER PRIMARY KEY,
  last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
  first_prev TEXT NOT NULL CHECK (length(first_prev) = 64),
  last_hash TEXT NOT NULL CHECK (length(last_hash) = 64),
  -- What was signed, as canonical JSON, and the signature: see docs/audit-format.md.
  manifest TEXT NOT NULL CHECK (json_valid(manifest)),
  sig TEXT NOT NULL,
  -- The entry that says so.
  entry_seq INTEGER NOT NULL
) STRICT;

CREATE TRIGGER segments_in_order BEFORE INSERT ON segments
WHEN NEW.first_seq <> coalesce((SELECT max(last_seq) FROM segments), 0) + 1
  OR NEW.first_prev IS NOT (SELECT prev_hash FROM entries WHERE seq = NEW.first_seq)
  OR NEW.last_hash IS NOT (SELECT hash FROM entries WHERE seq = NEW.last_seq)
  OR NEW.entry_seq <> (SELECT max(seq) FROM entries) + 1
BEGIN
  SELECT RAISE(ABORT, 'segments of the audit follow one another, and hold what the log holds');
END;
CREATE TRIGGER segments_never_change BEFORE UPDATE ON segments
BEGIN
  SELECT RAISE(ABORT, 'segments of the audit never change');
END;
CREATE TRIGGER segments_never_go BEFORE DELETE ON segments
BEGIN
  SELECT RAISE(ABORT, 'segments of the audit are never forgotten');
END;

-- Sealing sets `audit.sealing` and removes it again in its own transaction; only what stands in a segment may go, and never the end.
DROP TRIGGER entries_never_go;
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
WHEN NOT EXISTS (SELECT 1 FROM settings WHERE key = 'audit.sealing')
  OR NOT EXISTS (SELECT 1 FROM segments WHERE OLD.seq BETWEEN first_seq AND last_seq)
BEGIN
  SELECT RAISE(ABORT, 'audit entries are never deleted');
END;
DROP TRIGGER personal_only_erased;
CREATE TRIGGER personal_only_erased BEFORE DELETE ON personal
WHEN NOT EXISTS (SELECT 1 FROM settings WHERE key = 'audit.erasing')
  AND (NOT EXISTS (SELECT 1 FROM settings WHERE key = 'audit.sealing')
    OR NOT EXISTS (SELECT 1 FROM segments WHERE OLD.seq BETWEEN first_seq AND last_seq))
BEGIN
  SELECT RAISE(ABORT, 'personal values only go when a worker is erased');
END;
