-- Which deliveries missed a worker, as JSON; NULL unless `suspected_since` is set.
ALTER TABLE workers ADD COLUMN suspicion TEXT;
-- Whoever was suspected before is suspected anew at the next delivery: nobody knows which deliveries proved it.
UPDATE workers SET suspected_since = NULL WHERE suspected_since IS NOT NULL;
