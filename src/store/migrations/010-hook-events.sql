-- What webhooks brought: durable before the sender hears 202, and remembered after it is done, so that the same event sent again
-- is known.
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
CREATE UNIQUE INDEX hook_events_identity ON hook_events (connection_id, hook, identity) WHERE identity IS NOT NULL;
CREATE INDEX hook_events_waiting ON hook_events (connection_id, kind, not_before, id) WHERE state = 'waiting';
CREATE INDEX hook_events_ended ON hook_events (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX hook_events_last ON hook_events (connection_id, hook, id);
CREATE INDEX hook_events_rejected ON hook_events (connection_id, hook, id) WHERE state = 'rejected';
