// Workers and their employments: standing, facts, due times.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import {
  type Delivery,
  type Facts,
  MACHINE_VERSION,
  NO_FACTS,
  type Stage,
  type Standing,
} from '../lifecycle/standing.ts';
import type { Employment } from '../worker/worker.ts';
import type { Page, WorkerFilter } from './door.ts';
import type { Sql } from './sql.ts';
import type { Tallies } from './tallies.ts';
import { NO_FACTS_TEXT, type WrittenWorker } from './written.ts';

/** The last number of a worker that was ever given: the audit of whoever was joined with another worker still names theirs. */
export const LAST_WORKER = `max((SELECT coalesce(max(id), 0) FROM main.workers),
  coalesce((SELECT CAST(value AS INTEGER) FROM main.settings WHERE key = 'workers.lastJoined'), 0))`;

export interface WorkerRow {
  readonly id: number;
  readonly connection_id: number;
  readonly revision: number;
  readonly stage: Stage;
  readonly delivery: Delivery;
  readonly facts: string;
  readonly suspected_since: Instant | null;
  readonly suspicion: string | null;
  readonly due_at: Instant | null;
}

export interface Workers {
  readonly find: (connection: number, key: string) => WorkerRow | undefined;
  /** Cheaper than `find`: an index has all of it. */
  readonly numberOf: (connection: number, key: string) => number | null;
  readonly keyOf: (id: number) => string;
  readonly identityOf: (id: number) => { readonly connection_id: number; readonly key: string };
  readonly employmentsOf: (id: number) => readonly Employment[];
  readonly ownerOf: (connection: number, employmentId: string) => string | null;
  /** Returns the worker's number. `before` is what `find` gave; the caller has compared revisions. */
  readonly save: (connection: number, change: WrittenWorker, before: WorkerRow | undefined) => number;
  /** Further employments of somebody on file. */
  readonly addEmployments: (worker: number, employments: readonly Employment[]) => void;
  readonly due: (connection: number, now: Instant, limit: number) => readonly string[];
  readonly nextDue: (connection: number | null) => Instant | null;
  readonly suspected: (
    connection: number,
    limit: number,
  ) => readonly { readonly key: string; readonly since: Instant }[];
  readonly suspectedCount: (connection: number) => number;
  /** Employment ids in their own order, from the one after `after` on. */
  readonly employmentIdsAfter: (connection: number, after: string, limit: number) => readonly string[];
  readonly employmentIdOf: (id: number) => string;
  readonly employmentNumber: (connection: number, employmentId: string) => number | null;
  /** Those who have left, in order of their numbers, and how many follow after this page. */
  readonly left: (connection: number, after: number, limit: number) => LeftPage;
  /** Workers in order of their numbers from the one after `after` on; those who work here, and how far the page came. */
  readonly working: (connection: number, after: number, limit: number) => WorkingPage;
  /** Workers in order of their numbers, from the one after `after` on. */
  readonly list: (
    after: number,
    limit: number,
    filter: Pick<WorkerFilter, 'stage' | 'delivery'> & { readonly connection: number | null },
  ) => Page<ListedRow>;
}

export interface LeftPage {
  readonly workers: readonly { readonly id: number; readonly key: string }[];
  readonly more: number;
}

/** A worker in a list, as the table holds them. */
export interface ListedRow {
  readonly id: number;
  readonly connection_id: number;
  readonly key: string;
  readonly stage: Stage;
  readonly delivery: Delivery;
  readonly suspected_since: Instant | null;
  readonly due_at: Instant | null;
}

/** Rows of one look: about 5 ms, so that others go on. */
const LOOKED_AT_MAX = 5_000;

/** A page of a walk over everybody. */
export interface WorkingPage {
  readonly workers: readonly { readonly standing: Standing; readonly employments: readonly Employment[] }[];
  /** The last number that was looked at; null when nobody follows. */
  readonly last: number | null;
}

export const standingOf = (row: Pick<WorkerRow, 'stage' | 'delivery' | 'facts'>): Standing => ({
  stage: row.stage,
  delivery: row.delivery,
  facts: row.facts === NO_FACTS_TEXT ? NO_FACTS : (JSON.parse(row.facts) as Facts),
});

export function workersOf(sql: Sql, tallies: Tallies): Workers {
  const find = sql.prepare<[number, string], WorkerRow>(
    'SELECT id, connection_id, revision, stage, delivery, facts, suspected_since, suspicion, due_at FROM workers WHERE connection_id = ? AND key = ?',
  );
  const number = sql.prepare<[number, string], { id: number }>(
    'SELECT id FROM workers WHERE connection_id = ? AND key = ?',
  );
  const identity = sql.prepare<[number], { connection_id: number; key: string }>(
    'SELECT connection_id, key FROM workers WHERE id = ?',
  );
  const identityOf: Workers['identityOf'] = (id) => {
    const row = identity.get(id);
    assert(row !== undefined, `there is a worker ${id}`);
    return row;
  };
  const employments = sql.prepare<[number], { id: number; body: string }>(
    'SELECT id, body FROM employments WHERE worker_id = ?',
  );
  const owner = sql.prepare<[number, string], { key: string }>(
    // No join: SQLite would make a new plan for it at every row of a feed.
    `SELECT (SELECT key FROM workers WHERE id = worker_id) AS key FROM employments
     WHERE connection_id = ? AND employment_id = ?`,
  );
  const insert = sql.prepare<
    [number, string, number, string, string, string, string | null, string | null, string | null]
  >(
    `INSERT INTO workers (id, connection_id, key, revision, machine_version, stage, delivery, facts, due_at, suspected_since, suspicion)
     VALUES (${LAST_WORKER} + 1, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = sql.prepare<[number, string, string, string, string | null, string | null, string | null, number]>(
    `UPDATE workers SET revision = revision + 1, machine_version = ?, stage = ?, delivery = ?, facts = ?, due_at = ?,
       suspected_since = ?, suspicion = ? WHERE id = ?`,
  );
  const saveEmployment = sql.prepare<[number, string, number, string]>(
    `INSERT INTO employments (connection_id, employment_id, worker_id, body) VALUES (?, ?, ?, ?)
     ON CONFLICT (connection_id, employment_id) DO UPDATE SET worker_id = excluded.worker_id, body = excluded.body`,
  );
  const due = sql.prepare<[number, string, number], { key: string }>(
    'SELECT key FROM workers WHERE connection_id = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?',
  );
  const nextDue = sql.prepare<[number], { at: Instant | null }>(
    'SELECT min(due_at) AS at FROM workers WHERE connection_id = ? AND due_at IS NOT NULL',
  );
  const connections = sql.prepare<[], { id: number }>('SELECT id FROM connections');
  const suspected = sql.prepare<[number, number], { key: string; since: Instant }>(
    `SELECT key, suspected_since AS since FROM workers
     WHERE connection_id = ? AND suspected_since IS NOT NULL ORDER BY suspected_since, id LIMIT ?`,
  );
  const suspectedCount = sql.prepare<[number], { count: number }>(
    'SELECT count(*) AS count FROM workers WHERE connection_id = ? AND suspected_since IS NOT NULL',
  );
  const employmentIdsAfter = sql
    .prepare<[number, string, number], string>(
      'SELECT employment_id FROM employments WHERE connection_id = ? AND employment_id > ? ORDER BY employment_id LIMIT ?',
    )
    .pluck();
  const employmentIdOf = sql.prepare<[number], { employment_id: string }>(
    'SELECT employment_id FROM employments WHERE id = ?',
  );
  const employmentNumber = sql.prepare<[number, string], { id: number }>(
    'SELECT id FROM employments WHERE connection_id = ? AND employment_id = ?',
  );

  const leftPage = sql.prepare<[number, number, number], { id: number; key: string }>(
    `SELECT id, key FROM workers WHERE connection_id = ? AND stage IN ('left', 'purged') AND id > ? ORDER BY id LIMIT ?`,
  );
  const leftCount = sql.prepare<[number, number], { count: number }>(
    `SELECT count(*) AS count FROM workers WHERE connection_id = ? AND stage IN ('left', 'purged') AND id > ?`,
  );
  const left: Workers['left'] = (connection, after, limit) => {
    const workers = leftPage.all(connection, after, limit);
    const last = workers.at(-1);
    return { workers, more: last === undefined ? 0 : (leftCount.get(connection, last.id)?.count ?? 0) };
  };
  const page = sql.prepare<[number, number, number], Pick<WorkerRow, 'id' | 'stage' | 'delivery' | 'facts'>>(
    'SELECT id, stage, delivery, facts FROM workers WHERE id > ? AND connection_id = ? ORDER BY id LIMIT ?',
  );
  const employmentsOf: Workers['employmentsOf'] = (id) =>
    employments
      .all(id)
      .sort((a, b) => a.id - b.id)
      .map((row) => JSON.parse(row.body) as Employment);
  const working: Workers['working'] = (connection, after, limit) => {
    const rows = page.all(after, connection, limit);
    return {
      workers: rows
        .filter(({ stage }) => stage === 'active' || stage === 'onLeave')
        .map((row) => ({ standing: standingOf(row), employments: employmentsOf(row.id) })),
      last: rows.length < limit ? null : (rows.at(-1)?.id ?? null),
    };
  };

  const listed = sql.prepare<[number, number], ListedRow>(
    'SELECT id, connection_id, key, stage, delivery, suspected_since, due_at FROM workers WHERE id > ? ORDER BY id LIMIT ?',
  );
  const list: Workers['list'] = (after, limit, { connection, stage, delivery }) => {
    const items: ListedRow[] = [];
    let last = after;
    let looked = 0;
    for (const row of listed.iterate(after, LOOKED_AT_MAX)) {
      looked += 1;
      last = row.id;
      const fits =
        (connection === null || row.connection_id === connection) &&
        (stage === undefined || row.stage === stage) &&
        (delivery === undefined || row.delivery === delivery);
      if (fits) items.push(row);
      if (items.length === limit) break;
    }
    return { items, next: items.length === limit || looked === LOOKED_AT_MAX ? last : null };
  };

  const save: Workers['save'] = (connection, change, before) => {
    const { stage, delivery, facts } = change;
    const { suspicion } = change;
    const since = suspicion === undefined ? (before?.suspected_since ?? null) : (suspicion?.since ?? null);
    const seen =
      suspicion === undefined ? (before?.suspicion ?? null) : suspicion === null ? null : JSON.stringify(suspicion);
    let id: number;
    if (before === undefined) {
      const result = insert.run(
        connection,
        change.key,
        MACHINE_VERSION,
        stage,
        delivery,
        facts,
        change.dueAt,
        since,
        seen,
      );
      id = Number(result.lastInsertRowid);
      tallies.add('worker', connection, stage, delivery, 1);
    } else {
      id = before.id;
      update.run(MACHINE_VERSION, stage, delivery, facts, change.dueAt, since, seen, id);
      if (stage !== before.stage || delivery !== before.delivery) {
        tallies.add('worker', connection, before.stage, before.delivery, -1);
        tallies.add('worker', connection, stage, delivery, 1);
      }
    }
    for (const employment of change.employments) {
      saveEmployment.run(connection, employment.id, id, employment.body);
    }
    return id;
  };

  return {
    save,
    find: (connection, key) => find.get(connection, key),
    addEmployments: (worker, more) => {
      const { connection_id } = identityOf(worker);
      for (const one of more) saveEmployment.run(connection_id, one.id, worker, canonicalJson(one));
    },
    numberOf: (connection, key) => number.get(connection, key)?.id ?? null,
    identityOf,
    keyOf: (id) => identityOf(id).key,
    employmentsOf,
    left,
    list,
    working,
    ownerOf: (connection, employmentId) => owner.get(connection, employmentId)?.key ?? null,
    due: (connection, now, limit) => due.all(connection, now, limit).map((row) => row.key),
    nextDue: (connection) => {
      const ids = connection === null ? connections.all().map((row) => row.id) : [connection];
      let next: Instant | null = null;
      for (const id of ids) {
        const at = nextDue.get(id)?.at ?? null;
        if (at !== null && (next === null || at < next)) next = at;
      }
      return next;
    },
    suspected: (connection, limit) => suspected.all(connection, limit),
    suspectedCount: (connection) => suspectedCount.get(connection)?.count ?? 0,
    employmentIdsAfter: (connection, after, limit) => employmentIdsAfter.all(connection, after, limit),
    employmentIdOf: (id) => {
      const row = employmentIdOf.get(id);
      assert(row !== undefined, `there is an employment ${id}`);
      return row.employment_id;
    },
    employmentNumber: (connection, employmentId) => employmentNumber.get(connection, employmentId)?.id ?? null,
  };
}
