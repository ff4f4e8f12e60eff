-- schema 15

CREATE TRIGGER audit_head_moves_on BEFORE UPDATE ON audit_head
WHEN NEW.seq <= OLD.seq
BEGIN
  SELECT RAISE(ABORT, 'the head of the audit moves on');
END;

CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN
  SELECT RAISE(ABORT, 'the head of the audit stays');
END;

CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)
BEGIN
  SELECT RAISE(ABORT, 'audit entries follow one another');
END;

CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN
  SELECT RAISE(ABORT, 'audit entries never change');
END;

CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
WHEN NOT EXISTS (SELECT 1 FROM settings WHERE key = 'audit.sealing')
  OR NOT EXISTS (SELECT 1 FROM segments WHERE OLD.seq BETWEEN first_seq AND last_seq)
BEGIN
  SELECT RAISE(ABORT, 'audit entries are never deleted');
END;

CREATE TRIGGER personal_never_changes BEFORE UPDATE ON personal
BEGIN
  SELECT RAISE(ABORT, 'personal values never change');
END;

CREATE TRIGGER personal_once BEFORE INSERT ON personal
WHEN EXISTS (SELECT 1 FROM personal WHERE seq = NEW.seq)
BEGIN
  SELECT RAISE(ABORT, 'personal values are written once');
END;

CREATE TRIGGER personal_only_erased BEFORE DELETE ON personal
WHEN NOT EXISTS (SELECT 1 FROM settings WHERE key = 'audit.erasing')
  AND (NOT EXISTS (SELECT 1 FROM settings WHERE key = 'audit.sealing')
    OR NOT EXISTS (SELECT 1 FROM segments WHERE OLD.seq BETWEEN first_seq AND last_seq))
BEGIN
  SELECT RAISE(ABORT, 'personal values only go when a worker is erased');
END;

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

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  target_id INTEGER NOT NULL REFERENCES targets (id),
  remote_id TEXT,
  etag TEXT,
  user_name TEXT NOT NULL,
  external_id TEXT NOT NULL,
  active INTEGER CHECK (active IN (0, 1)),
  origin TEXT NOT NULL CHECK (origin IN ('created', 'adopted')),
  known TEXT NOT NULL,
  manager_known TEXT NOT NULL,
  manager_owed TEXT NOT NULL,
  groups TEXT NOT NULL,
  -- 1 when both this account and that of the manager it owes a reference to exist at the target
  debt_payable INTEGER NOT NULL CHECK (debt_payable IN (0, 1)),
  UNIQUE (worker_id, target_id)
) STRICT;

CREATE TABLE acts (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  args TEXT NOT NULL CHECK (json_valid(args)),
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  os_user TEXT NOT NULL,
  channel TEXT NOT NULL,
  created_at TEXT NOT NULL,
  taken_at TEXT,
  finished_at TEXT,
  result TEXT CHECK (result IS NULL OR json_valid(result))
) STRICT;

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

CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE TABLE checkpoints (
  connection_id INTEGER PRIMARY KEY REFERENCES connections (id),
  body TEXT NOT NULL CHECK (json_valid(body))
) STRICT;

CREATE TABLE connection_targets (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  target_id INTEGER NOT NULL REFERENCES targets (id),
  PRIMARY KEY (connection_id, target_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE connections (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE cycles (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'held', 'refused', 'failed')),
  summary TEXT NOT NULL CHECK (json_valid(summary))
) STRICT;

CREATE TABLE employments (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  employment_id TEXT NOT NULL,
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  body TEXT NOT NULL,
  UNIQUE (connection_id, employment_id)
) STRICT;

CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  prev_hash TEXT NOT NULL CHECK (length(prev_hash) = 64),
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  worker INTEGER,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE erased (
  worker_id INTEGER PRIMARY KEY REFERENCES workers (id),
  at TEXT NOT NULL
) STRICT;

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

CREATE TABLE fingerprint_generations (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  context TEXT NOT NULL,
  current INTEGER NOT NULL CHECK (current IN (0, 1))
) STRICT;

CREATE TABLE fingerprints (
  generation INTEGER NOT NULL REFERENCES fingerprint_generations (id),
  employment INTEGER NOT NULL REFERENCES employments (id),
  -- 16 bytes for each row that the employment was made from, sorted
  digests BLOB NOT NULL CHECK (length(digests) > 0 AND length(digests) % 16 = 0), marks BLOB NOT NULL DEFAULT x'',
  PRIMARY KEY (generation, employment)
) STRICT, WITHOUT ROWID;

CREATE TABLE former_keys (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  key TEXT NOT NULL,
  -- A number that may stand for nobody any more: whoever was joined with another worker.
  worker INTEGER NOT NULL,
  now TEXT,
  at TEXT NOT NULL,
  PRIMARY KEY (connection_id, key, worker)
) STRICT, WITHOUT ROWID;

CREATE TABLE further_sources (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  source TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (connection_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
  target_id INTEGER NOT NULL REFERENCES targets (id),
  name TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  created INTEGER NOT NULL CHECK (created IN (0, 1)),
  PRIMARY KEY (target_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE guard_uses (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  worker_key TEXT NOT NULL,
  attribute TEXT,
  approved INTEGER NOT NULL CHECK (approved IN (0, 1))
, unit TEXT) STRICT;

CREATE TABLE hold_items (
  version INTEGER NOT NULL REFERENCES hold_versions (id),
  digest TEXT NOT NULL,
  harm TEXT NOT NULL CHECK (json_valid(harm)), used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1)),
  PRIMARY KEY (version, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE hold_versions (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  items INTEGER NOT NULL CHECK (items > 0)
) STRICT;

CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  amended_at TEXT NOT NULL,
  closed_at TEXT,
  -- NULL once closed
  version INTEGER REFERENCES hold_versions (id),
  CHECK ((closed_at IS NULL) = (version IS NOT NULL))
) STRICT;

CREATE TABLE hook_events (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  -- The path it was posted to.
  hook TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('hint', 'record', 'emergency')),
  -- SHA-256 of what the event is known by. Null once an event has ended that nothing but its content tells from another.
  identity BLOB CHECK (identity IS NULL OR length(identity) = 32),
  keyed INTEGER NOT NULL CHECK (keyed IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'rejected')),
  -- As it was received; nobody needs it any more once the event has ended.
  body BLOB,
  form TEXT NOT NULL CHECK (form IN ('json', 'form')),
  received_at TEXT NOT NULL,
  not_before TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  -- Why it still waits, or what became of it; names no personal value.
  reason TEXT NOT NULL DEFAULT '',
  ended_at TEXT,
  CHECK ((state = 'waiting') = (body IS NOT NULL)),
  CHECK ((state = 'waiting') = (ended_at IS NULL))
) STRICT;

CREATE TABLE inventory_accounts (
  id INTEGER PRIMARY KEY,
  version INTEGER NOT NULL REFERENCES inventory_versions (id),
  remote_id TEXT NOT NULL,
  folded_name TEXT,
  body TEXT NOT NULL,
  UNIQUE (version, remote_id)
) STRICT;

CREATE TABLE inventory_values (
  version INTEGER NOT NULL,
  path TEXT NOT NULL,
  value TEXT NOT NULL,
  account INTEGER NOT NULL REFERENCES inventory_accounts (id),
  PRIMARY KEY (version, path, value, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE inventory_versions (
  id INTEGER PRIMARY KEY,
  target_id INTEGER NOT NULL REFERENCES targets (id)
) STRICT;

CREATE TABLE mappings (
  digest TEXT PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  accepted_at TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE "operations" (
  -- Decision order. Rows are never deleted, so ids are never given twice.
  id INTEGER PRIMARY KEY,
  -- An operation that planning itself refused has no account: two accounts match, or every name is taken.
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  target_id INTEGER NOT NULL REFERENCES targets (id),
  kind TEXT NOT NULL CHECK (
    kind = 'create' OR kind = 'update' OR kind = 'enable' OR kind = 'disable' OR kind = 'delete'
    OR kind = 'addMember' OR kind = 'removeMember' OR kind = 'revokeSessions'
  ),
  -- 0 emergency, 1 leaver, 2 joiner, 3 mover, 4 replay, 5 backfill
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 5),
  transition TEXT,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  -- Whose turn it is among the operations of one worker at one target. Queued: behind (another one goes first, or the account
  -- must exist first), later (first in line, but not before `not_before`) or now. Sent: out. Failed: stuck. Ended: NULL.
  turn TEXT,
  not_before TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  ambiguous INTEGER NOT NULL DEFAULT 0 CHECK (ambiguous IN (0, 1)),
  created_at TEXT NOT NULL,
  first_sent_at TEXT,
  last_outcome TEXT,
  -- The entry of the decision that ordered it.
  entry_seq INTEGER,
  CHECK (
    CASE state
      WHEN 'queued' THEN turn = 'behind' OR turn = 'later' OR turn = 'now'
      WHEN 'sending' THEN turn = 'out'
      WHEN 'accepted' THEN turn = 'out'
      WHEN 'failed' THEN turn = 'stuck'
      WHEN 'done' THEN turn IS NULL
      WHEN 'superseded' THEN turn IS NULL
      WHEN 'skipped' THEN turn IS NULL
      ELSE 0
    END
  )
) STRICT;

CREATE TABLE pending_facts (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  worker_key TEXT NOT NULL,
  -- Employments in the order in which they were read.
  body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (connection_id, worker_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE personal (
  seq INTEGER PRIMARY KEY REFERENCES entries (seq),
  salt TEXT NOT NULL CHECK (length(salt) = 32),
  body TEXT NOT NULL
) STRICT;

CREATE TABLE rejections (
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  ordinal INTEGER NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (connection_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  kind TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('approved', 'discarded')),
  version INTEGER REFERENCES hold_versions (id),
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  at TEXT NOT NULL,
  until TEXT NOT NULL
) STRICT;

CREATE TABLE reserved_names (
  target_id INTEGER NOT NULL REFERENCES targets (id),
  folded TEXT NOT NULL,
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  PRIMARY KEY (target_id, folded)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

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

CREATE TABLE tallies (
  -- 'worker': scope is a connection, a the stage, b the delivery. 'operation': scope is a target, a the lane, b the state.
  what TEXT NOT NULL CHECK (what IN ('worker', 'operation')),
  scope INTEGER NOT NULL,
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  count INTEGER NOT NULL CHECK (count >= 0),
  PRIMARY KEY (what, scope, a, b)
) STRICT, WITHOUT ROWID;

CREATE TABLE targets (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  base_url TEXT,
  listed_at TEXT,
  -- the listing that readers see
  inventory_version INTEGER,
  CHECK ((base_url IS NULL) = (listed_at IS NULL))
) STRICT;

CREATE TABLE unpaired (
  target_id INTEGER NOT NULL REFERENCES targets (id),
  remote_id TEXT NOT NULL,
  -- From whom.
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  at TEXT NOT NULL,
  PRIMARY KEY (target_id, remote_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE withheld_names (
  target_id INTEGER NOT NULL REFERENCES targets (id),
  -- HMAC-SHA256 of the folded name under the setting 'names.key'.
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  -- Who may have it again; NULL for nobody.
  worker_id INTEGER REFERENCES workers (id),
  PRIMARY KEY (target_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id INTEGER PRIMARY KEY,
  connection_id INTEGER NOT NULL REFERENCES connections (id),
  key TEXT NOT NULL,
  revision INTEGER NOT NULL CHECK (revision > 0),
  machine_version INTEGER NOT NULL,
  stage TEXT NOT NULL,
  delivery TEXT NOT NULL,
  facts TEXT NOT NULL,
  due_at TEXT,
  suspected_since TEXT, suspicion TEXT,
  UNIQUE (connection_id, key)
) STRICT;

CREATE INDEX accounts_owing ON accounts (target_id, manager_owed) WHERE manager_owed <> '';

CREATE INDEX accounts_payable ON accounts (target_id) WHERE debt_payable = 1;

CREATE INDEX accounts_remote ON accounts (target_id, remote_id) WHERE remote_id IS NOT NULL;

CREATE INDEX acts_open ON acts (id) WHERE finished_at IS NULL;

CREATE INDEX alarms_cleared ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

CREATE UNIQUE INDEX alarms_open ON alarms (connection_id, code, subject) WHERE cleared_at IS NULL;

CREATE INDEX cycles_of_connection ON cycles (connection_id);

CREATE INDEX employments_of_worker ON employments (worker_id);

CREATE INDEX entries_of_worker ON entries (worker) WHERE worker IS NOT NULL;

CREATE INDEX facts_due ON facts (connection_id, source, key) WHERE due = 1;

CREATE UNIQUE INDEX fingerprint_generations_current ON fingerprint_generations (connection_id) WHERE current = 1;

CREATE UNIQUE INDEX former_keys_now ON former_keys (connection_id, key) WHERE now IS NOT NULL;

CREATE INDEX guard_uses_window ON guard_uses (connection_id, at) WHERE approved = 0;

CREATE UNIQUE INDEX holds_open ON holds (connection_id, kind) WHERE closed_at IS NULL;

CREATE INDEX hook_events_ended ON hook_events (ended_at) WHERE ended_at IS NOT NULL;

CREATE UNIQUE INDEX hook_events_identity ON hook_events (connection_id, hook, identity) WHERE identity IS NOT NULL;

CREATE INDEX hook_events_last ON hook_events (connection_id, hook, id);

CREATE INDEX hook_events_rejected ON hook_events (connection_id, hook, id) WHERE state = 'rejected';

CREATE INDEX hook_events_waiting ON hook_events (connection_id, kind, not_before, id) WHERE state = 'waiting';

CREATE INDEX inventory_accounts_name ON inventory_accounts (version, folded_name) WHERE folded_name IS NOT NULL;

CREATE INDEX inventory_values_of_account ON inventory_values (account);

CREATE INDEX operations_disabling ON operations (id) WHERE turn IS NOT NULL AND kind = 'disable';

CREATE INDEX operations_in_turn ON operations (turn, target_id, lane) WHERE turn IS NOT NULL;

CREATE INDEX operations_later ON operations (target_id, lane, not_before) WHERE turn = 'later';

CREATE INDEX operations_of_group ON operations (target_id, lane, kind, json_extract(payload, '$.group'))
  WHERE turn = 'now' AND kind IN ('addMember', 'removeMember');

CREATE INDEX operations_of_worker ON operations (worker_id, target_id) WHERE turn IS NOT NULL;

CREATE INDEX operations_on_accounts ON operations (target_id, lane)
  WHERE turn = 'now' AND kind <> 'addMember' AND kind <> 'removeMember' AND kind <> 'revokeSessions';

CREATE UNIQUE INDEX operations_one_out ON operations (worker_id, target_id) WHERE turn = 'out';

CREATE INDEX operations_revoking ON operations (turn, target_id, lane) WHERE turn IS NOT NULL AND kind = 'revokeSessions';

CREATE INDEX releases_standing ON releases (connection_id, until) WHERE version IS NOT NULL;

CREATE INDEX unpaired_from ON unpaired (worker_id);

CREATE INDEX workers_due ON workers (connection_id, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX workers_left ON workers (connection_id, id) WHERE stage IN ('left', 'purged');

CREATE INDEX workers_suspected ON workers (connection_id, suspected_since) WHERE suspected_since IS NOT NULL;
