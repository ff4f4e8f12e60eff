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
