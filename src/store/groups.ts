// What we know of a target as a whole: when it was listed under which address, and the groups met there.
import type { Instant } from '../base/instant.ts';
import type { Contact, Group } from './door.ts';
import type { Sql } from './sql.ts';

export interface Groups {
  readonly find: (target: number, name: string) => Group | null;
  readonly save: (target: number, group: Group) => void;
  readonly contact: (target: number) => Contact | null;
  readonly saveContact: (target: number, contact: Contact) => void;
}

export function groupsOf(sql: Sql): Groups {
  const find = sql.prepare<[number, string], { remote_id: string; created: number }>(
    'SELECT remote_id, created FROM groups WHERE target_id = ? AND name = ?',
  );
  // A group that we created stays ours when it is found again later.
  const save = sql.prepare<[number, string, string, number]>(
    `INSERT INTO groups (target_id, name, remote_id, created) VALUES (?, ?, ?, ?)
     ON CONFLICT (target_id, name) DO UPDATE SET created =
         CASE WHEN remote_id = excluded.remote_id THEN max(created, excluded.created) ELSE excluded.created END,
       remote_id = excluded.remote_id`,
  );
  const contact = sql.prepare<[number], { base_url: string | null; listed_at: Instant | null }>(
    'SELECT base_url, listed_at FROM targets WHERE id = ?',
  );
  const saveContact = sql.prepare<[string, Instant, number]>(
    'UPDATE targets SET base_url = ?, listed_at = ? WHERE id = ?',
  );
  return {
    find: (target, name) => {
      const row = find.get(target, name);
      return row === undefined ? null : { name, remoteId: row.remote_id, created: row.created === 1 };
    },
    save: (target, group) => {
      save.run(target, group.name, group.remoteId, Number(group.created));
    },
    contact: (target) => {
      const row = contact.get(target);
      if (row === undefined || row.base_url === null || row.listed_at === null) return null;
      return { baseUrl: row.base_url, listedAt: row.listed_at };
    },
    saveContact: (target, { baseUrl, listedAt }) => {
      saveContact.run(baseUrl, listedAt, target);
    },
  };
}
