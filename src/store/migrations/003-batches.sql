-- Memberships of one group are found together, and operations on accounts without walking past them.
CREATE INDEX operations_on_accounts ON operations (target_id, lane)
  WHERE turn = 'now' AND kind NOT IN ('addMember', 'removeMember', 'revokeSessions');
CREATE INDEX operations_of_group ON operations (target_id, lane, kind, json_extract(payload, '$.group'))
  WHERE turn = 'now' AND kind IN ('addMember', 'removeMember');
