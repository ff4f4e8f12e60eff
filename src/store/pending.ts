// Facts that wait to be judged again, since the delta they stood in is not read a second time.
import type { PendingFacts } from '../planning/changeset.ts';
import type { Employment } from '../worker/worker.ts';
import type { Sql } from './sql.ts';

export interface Pending {
  readonly save: (connection: number, facts: PendingFacts) => void;
  readonly keys: (connection: number) => readonly string[];
  readonly find: (connection: number, key: string) => readonly Employment[];
}

export function pendingOf(sql: Sql): Pending {
  const save = sql.prepare<[number, string, string]>(
    `INSERT INTO pending_facts (connection_id, worker_key, body) VALUES (?, ?, ?)
     ON CONFLICT (connection_id, worker_key) DO UPDATE SET body = excluded.body`,
  );
  const drop = sql.prepare<[number, string]>('DELETE FROM pending_facts WHERE connection_id = ? AND worker_key = ?');
  const keys = sql
    .prepare<[number], string>('SELECT worker_key FROM pending_facts WHERE connection_id = ? ORDER BY worker_key')
    .pluck();
  const find = sql
    .prepare<[number, string], string>('SELECT body FROM pending_facts WHERE connection_id = ? AND worker_key = ?')
    .pluck();
  return {
    save: (connection, { key, employments }) => {
      if (employments.length === 0) drop.run(connection, key);
      else save.run(connection, key, JSON.stringify(employments));
    },
    keys: (connection) => keys.all(connection),
    find: (connection, key) => {
      const body = find.get(connection, key);
      return body === undefined ? [] : (JSON.parse(body) as readonly Employment[]);
    },
  };
}
