// What the last delivery and the last cycles left behind.
import type { Instant } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Rejection } from '../mapping/bound-mapping.ts';
import type { Checkpoint, CycleRecord } from '../planning/changeset.ts';
import type { Names } from './names.ts';
import type { Sql } from './sql.ts';

interface CycleRow {
  readonly id: number;
  readonly connection_id: number;
  readonly started_at: Instant;
  readonly finished_at: Instant | null;
  readonly state: CycleRecord['state'];
  readonly summary: string;
}

export interface Checkpoints {
  readonly find: (connection: number) => Checkpoint | null;
  readonly save: (connection: number, checkpoint: Checkpoint) => void;
  /** The very same delivery has to be looked at again. */
  readonly lookAgain: (connection: number) => void;
  readonly rejections: (connection: number, limit: number, after?: number) => readonly Rejection[];
  readonly rejectionCount: (connection: number) => number;
  readonly replaceRejections: (connection: number, rejections: readonly Rejection[]) => void;
  /** Newest first, those before the cycle `before`. */
  readonly cycles: (connection: number | null, limit: number, before?: number) => readonly CycleRecord[];
  readonly saveCycle: (connection: number, cycle: CycleRecord) => void;
  readonly newCycleId: () => number;
}

export function checkpointsOf(sql: Sql, connections: Names): Checkpoints {
  const find = sql.prepare<[number], { body: string }>('SELECT body FROM checkpoints WHERE connection_id = ?');
  const save = sql.prepare<[number, string]>(
    'INSERT INTO checkpoints (connection_id, body) VALUES (?, ?) ON CONFLICT (connection_id) DO UPDATE SET body = excluded.body',
  );
  const lookAgain = sql.prepare<[number]>(
    `UPDATE checkpoints SET body = json_set(body, '$.complete', json('false'))
     WHERE connection_id = ? AND json_extract(body, '$.complete') = 1`,
  );
  const rejections = sql.prepare<[number, number, number], { body: string }>(
    'SELECT body FROM rejections WHERE connection_id = ? AND ordinal >= ? ORDER BY ordinal LIMIT ?',
  );
  const rejectionCount = sql.prepare<[number], { count: number }>(
    'SELECT count(*) AS count FROM rejections WHERE connection_id = ?',
  );
  const dropRejections = sql.prepare<[number]>('DELETE FROM rejections WHERE connection_id = ?');
  const addRejection = sql.prepare<[number, number, string]>(
    'INSERT INTO rejections (connection_id, ordinal, body) VALUES (?, ?, ?)',
  );
  const cycles = sql.prepare<[{ connection: number | null; limit: number; before: number }], CycleRow>(
    `SELECT id, connection_id, started_at, finished_at, state, summary FROM cycles
     WHERE (@connection IS NULL OR connection_id = @connection) AND id < @before ORDER BY id DESC LIMIT @limit`,
  );
  const saveCycle = sql.prepare<[number, number, Instant, Instant | null, string, string]>(
    `INSERT INTO cycles (id, connection_id, started_at, finished_at, state, summary) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, state = excluded.state, summary = excluded.summary`,
  );
  const lastCycle = sql.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM cycles');

  // Two cycles may begin before either is stored.
  let given = 0;

  return {
    find: (connection) => {
      const row = find.get(connection);
      return row === undefined ? null : (JSON.parse(row.body) as Checkpoint);
    },
    save: (connection, checkpoint) => {
      save.run(connection, JSON.stringify(checkpoint));
    },
    lookAgain: (connection) => {
      lookAgain.run(connection);
    },
    rejections: (connection, limit, after = 0) =>
      rejections.all(connection, after, limit).map((row) => JSON.parse(row.body) as Rejection),
    rejectionCount: (connection) => rejectionCount.get(connection)?.count ?? 0,
    replaceRejections: (connection, list) => {
      dropRejections.run(connection);
      list.forEach((rejection, ordinal) => {
        addRejection.run(connection, ordinal, JSON.stringify(rejection));
      });
    },
    cycles: (connection, limit, before = Number.MAX_SAFE_INTEGER) =>
      cycles.all({ connection, limit, before }).map((row) => ({
        id: row.id,
        connection: connections.nameOf(row.connection_id),
        startedAt: row.started_at,
        finishedAt: row.finished_at,
        state: row.state,
        summary: JSON.parse(row.summary) as JsonObject,
      })),
    saveCycle: (connection, cycle) => {
      saveCycle.run(
        cycle.id,
        connection,
        cycle.startedAt,
        cycle.finishedAt,
        cycle.state,
        JSON.stringify(cycle.summary),
      );
    },
    newCycleId: () => {
      given = Math.max(given, lastCycle.get()?.id ?? 0) + 1;
      return given;
    },
  };
}
