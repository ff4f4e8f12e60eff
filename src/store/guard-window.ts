// What the guard let pass lately: cycles, webhooks and calendar ticks share these windows.
import type { Instant } from '../base/instant.ts';
import type { GuardUse } from '../planning/changeset.ts';
import type { HarmKind } from '../planning/harm.ts';
import type { UsedWindow } from '../planning/tally.ts';
import type { Usage } from './door.ts';
import { GuardSlots, type GuardUseRow } from './guard-slots.ts';
import type { Sql } from './sql.ts';

export interface GuardWindow {
  readonly add: (connection: number, at: Instant, uses: readonly GuardUse[]) => void;
  /** With `units` also what each unit of the house used. */
  readonly since: (connection: number, since: Instant, units: boolean) => readonly Usage[];
  /** The same for a window that moves on with time: counted from the last look on. */
  readonly within: (connection: number, slot: UsedWindow, since: Instant, units: boolean) => readonly Usage[];
  /** Deletes at most `limit` uses from before `before`; false when none are left. */
  readonly sweep: (limit: number, before: Instant) => boolean;
}

export function guardWindowOf(sql: Sql): GuardWindow {
  const add = sql.prepare<[number, Instant, HarmKind, string, string | null, string | null, number]>(
    'INSERT INTO guard_uses (connection_id, at, kind, worker_key, attribute, unit, approved) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const since = sql.prepare<[number, Instant], Usage>(
    `SELECT kind, attribute, count(DISTINCT worker_key) AS workers FROM guard_uses
     WHERE connection_id = ? AND approved = 0 AND at >= ? GROUP BY kind, attribute ORDER BY kind, attribute`,
  );
  const sinceByUnit = sql.prepare<[number, Instant], Usage>(
    `SELECT kind, attribute, unit, count(DISTINCT worker_key) AS workers FROM guard_uses
     WHERE connection_id = ? AND approved = 0 AND at >= ? AND unit IS NOT NULL
     GROUP BY kind, attribute, unit ORDER BY kind, attribute, unit`,
  );
  const newest = sql.prepare<[], number>('SELECT coalesce(max(id), 0) FROM guard_uses').pluck();
  const newer = sql.prepare<[number, number], GuardUseRow>(
    `SELECT id, at, kind, attribute, unit, worker_key FROM guard_uses
     WHERE id > ? AND +connection_id = ? AND +approved = 0 ORDER BY id`,
  );
  const slots = new Map<number, GuardSlots>();
  const slotsOf = (connection: number): GuardSlots => {
    const known = slots.get(connection);
    if (known !== undefined) return known;
    const made = new GuardSlots(
      (after) => newer.iterate(after, connection),
      () => newest.get() ?? 0,
    );
    slots.set(connection, made);
    return made;
  };
  // Uses are stored in the order of time, or nearly so: the oldest ids are the ones to look at.
  const sweep = sql.prepare<[number, Instant]>(
    'DELETE FROM guard_uses WHERE id IN (SELECT id FROM guard_uses ORDER BY id LIMIT ?) AND at < ?',
  );
  return {
    add: (connection, at, uses) => {
      for (const { kind, workerKey, attribute, unit, approved } of uses) {
        add.run(connection, at, kind, workerKey, attribute, unit ?? null, Number(approved));
      }
    },
    since: (connection, from, units) => [
      ...since.all(connection, from),
      ...(units ? sinceByUnit.all(connection, from) : []),
    ],
    within: (connection, slot, from, units) => slotsOf(connection).used(slot, from, units),
    sweep: (limit, before) => sweep.run(limit, before).changes > 0,
  };
}
