-- A release lets each of its items pass once.
ALTER TABLE hold_items ADD COLUMN used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1));
