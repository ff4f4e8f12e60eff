-- `revokeSessions` joins the kinds of operations. SQLite cannot change a CHECK: the table is written anew, ids and all.
CREATE TABLE operations_2 (
  -- Decision order. Rows are never deleted, so ids are never given twice.
  id INTEGER PRIMARY KEY,
  -- An operation that planning itself refused has no account: two accounts match, or every name is taken.
  worker_id INTEGER NOT NULL REFERENCES workers (id),
  target_id INTEGER NOT NULL REFERENCES targets (id),
  kind TEXT NOT NULL CHECK (
    kind IN ('create', 'update', 'enable', 'disable', 'delete', 'addMember', 'removeMember', 'revokeSessions')
  ),
  -- 0 emergency, 1 leaver, 2 joiner, 3 mover, 4 replay, 5 backfill
  lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 5),
  transition TEXT,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'done', 'failed', 'superseded', 'skipped')),
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
      WHEN 'queued' THEN turn IN ('behind', 'later', 'now')
      WHEN 'sending' THEN turn = 'out'
      WHEN 'accepted' THEN turn = 'out'
      WHEN 'failed' THEN turn = 'stuck'
      ELSE turn IS NULL
    END
  )
) STRICT;
INSERT INTO operations_2 (id, worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, attempts,
  ambiguous, created_at, first_sent_at, last_outcome, entry_seq)
SELECT id, worker_id, target_id, kind, lane, transition, payload, state, turn, not_before, attempts, ambiguous, created_at,
  first_sent_at, last_outcome, entry_seq FROM operations;
DROP TABLE operations;
ALTER TABLE operations_2 RENAME TO operations;

CREATE INDEX operations_of_worker ON operations (worker_id, target_id) WHERE turn IS NOT NULL;
CREATE INDEX operations_in_turn ON operations (turn, target_id, lane) WHERE turn IS NOT NULL;
CREATE INDEX operations_later ON operations (target_id, lane, not_before) WHERE turn = 'later';
CREATE INDEX operations_disabling ON operations (id) WHERE turn IS NOT NULL AND kind = 'disable';
CREATE INDEX operations_revoking ON operations (turn, target_id, lane) WHERE turn IS NOT NULL AND kind = 'revokeSessions';
CREATE UNIQUE INDEX operations_one_out ON operations (worker_id, target_id) WHERE turn = 'out';
