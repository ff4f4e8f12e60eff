// What operators ask for: rows that a command writes and the daemon takes.
import type { Instant } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Act, NewAct } from './door.ts';
import type { Sql } from './sql.ts';

interface ActRow {
  readonly id: number;
  readonly kind: string;
  readonly args: string;
  readonly reason: string;
  readonly by: string;
  readonly os_user: string;
  readonly channel: string;
  readonly created_at: Instant;
  readonly taken_at: Instant | null;
  readonly finished_at: Instant | null;
  readonly result: string | null;
}

export interface Acts {
  readonly add: (act: NewAct, at: Instant) => number;
  readonly anyWaiting: () => boolean;
  /** Not done yet, whether somebody is at it or not; since when the oldest waits, null where none does. */
  readonly open: () => { readonly count: number; readonly since: Instant | null };
  readonly take: (limit: number, at: Instant) => readonly Act[];
  readonly finish: (id: number, result: JsonObject, at: Instant) => void;
  readonly find: (id: number) => Act | null;
  readonly recover: () => number;
}

export function actsOf(sql: Sql): Acts {
  const add = sql.prepare<[string, string, string, string, string, string, Instant]>(
    'INSERT INTO acts (kind, args, reason, by, os_user, channel, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const waiting = sql.prepare<[number], { id: number }>(
    'SELECT id FROM acts WHERE finished_at IS NULL AND taken_at IS NULL ORDER BY id LIMIT ?',
  );
  const open = sql.prepare<[], { count: number; since: Instant | null }>(
    'SELECT count(*) AS count, min(created_at) AS since FROM acts WHERE finished_at IS NULL',
  );
  const take = sql.prepare<[Instant, number], ActRow>('UPDATE acts SET taken_at = ? WHERE id = ? RETURNING *');
  const finish = sql.prepare<[Instant, string, number]>(
    'UPDATE acts SET finished_at = ?, result = ? WHERE id = ? AND finished_at IS NULL',
  );
  const find = sql.prepare<[number], ActRow>('SELECT * FROM acts WHERE id = ?');
  const recover = sql.prepare('UPDATE acts SET taken_at = NULL WHERE finished_at IS NULL AND taken_at IS NOT NULL');
  return {
    add: (act, at) =>
      Number(
        add.run(act.kind, JSON.stringify(act.args), act.reason, act.by, act.osUser, act.channel, at).lastInsertRowid,
      ),
    anyWaiting: () => waiting.get(1) !== undefined,
    open: () => open.get() ?? { count: 0, since: null },
    take: (limit, at) =>
      waiting.all(limit).flatMap(({ id }) => {
        const row = take.get(at, id);
        return row === undefined ? [] : [actOf(row)];
      }),
    finish: (id, result, at) => {
      finish.run(at, JSON.stringify(result), id);
    },
    find: (id) => {
      const row = find.get(id);
      return row === undefined ? null : actOf(row);
    },
    recover: () => recover.run().changes,
  };
}

const actOf = (row: ActRow): Act => ({
  id: row.id,
  kind: row.kind,
  args: JSON.parse(row.args) as JsonObject,
  reason: row.reason,
  by: row.by,
  osUser: row.os_user,
  channel: row.channel,
  createdAt: row.created_at,
  takenAt: row.taken_at,
  finishedAt: row.finished_at,
  result: row.result === null ? null : (JSON.parse(row.result) as JsonObject),
});
