-- Where the worker worked, such as 'department Sales', where limits hold per unit of the house; else NULL.
ALTER TABLE guard_uses ADD COLUMN unit TEXT;

-- Who has left, in the order in which their accounts are read again.
CREATE INDEX workers_left ON workers (connection_id, id) WHERE stage = 'left';
