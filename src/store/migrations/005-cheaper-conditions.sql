-- The same table with conditions that cost less: for an IN of three or more SQLite fills a table of its own at every INSERT,
-- which was a third of the work of storing an operation. SQLite cannot change a CHECK: the table is written anew, ids and all.
CREATE TABLE operations_5 (
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
INSERT INTO operations_5 (id, worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, attempts,
  ambiguous, created_at, first_sent_at, last_outcome, entry_seq)
SELECT id, worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, attempts, ambiguous, created_at,
  first_sent_at, last_outcome, entry_seq FROM operations;
DROP TABLE operations;
ALTER TABLE operations_5 RENAME TO operations;

CREATE INDEX operations_of_worker ON operations (worker_id, target_id) WHERE turn IS NOT NULL;
CREATE INDEX operations_in_turn ON operations (turn, target_id, lane) WHERE turn IS NOT NULL;
CREATE INDEX operations_later ON operations (target_id, lane, not_before) WHERE turn = 'later';
CREATE INDEX operations_disabling ON operations (id) WHERE turn IS NOT NULL AND kind = 'disable';
CREATE INDEX operations_revoking ON operations (turn, target_id, lane) WHERE turn IS NOT NULL AND kind = 'revokeSessions';
CREATE UNIQUE INDEX operations_one_out ON operations (worker_id, target_id) WHERE turn = 'out';
-- Memberships of one group are found together, and operations on accounts without walking past them.
CREATE INDEX operations_on_accounts ON operations (target_id, lane)
  WHERE turn = 'now' AND kind <> 'addMember' AND kind <> 'removeMember' AND kind <> 'revokeSessions';
CREATE INDEX operations_of_group ON operations (target_id, lane, kind, json_extract(payload, '$.group'))
  WHERE turn = 'now' AND kind IN ('addMember', 'removeMember');
