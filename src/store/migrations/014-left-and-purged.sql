-- Whose account may still be somewhere: it is deleted only where the target's settings say so, and is read again where it stays.
DROP INDEX workers_left;
CREATE INDEX workers_left ON workers (connection_id, id) WHERE stage IN ('left', 'purged');
