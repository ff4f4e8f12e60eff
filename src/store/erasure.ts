// The personal values of one worker, table by table: where they are, and how they go. What stays is the key, where the worker stands,
// the ids of accounts, and an audit whose chain is whole: it covers only salted hashes of what goes here.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { NO_FACTS } from '../lifecycle/standing.ts';
import type { FurtherRead } from '../planning/changeset.ts';
import type { Accounts } from './accounts.ts';
import type { JoinedFacts } from './door.ts';
import type { Sql } from './sql.ts';
import type { WithheldNames } from './withheld-names.ts';
import { standingOf, type Workers } from './workers.ts';

export interface Erasable {
  readonly connection: number;
  readonly connectionName: string;
  readonly worker: number;
  readonly key: string;
  readonly facts: readonly JoinedFacts[];
}

/** Rows by table in which something is blanked or deleted. */
export type ErasureCounts = Readonly<Record<string, number>>;

export interface Erasure {
  readonly counts: (erasable: Erasable) => ErasureCounts;
  /** Whether an event that still waits speaks of the worker: it is worked off first. */
  readonly eventWaits: (erasable: Erasable) => boolean;
  /** Only inside a transaction. */
  readonly erase: (erasable: Erasable, at: Instant) => ErasureCounts;
  readonly isErased: (worker: number) => boolean;
  /** Of these keys, those of erased workers. */
  readonly among: (connection: number, keys: readonly string[]) => ReadonlySet<string>;
  /** HR's record of the worker is on file again. */
  readonly takeUp: (worker: number) => void;
}

interface Parameters {
  readonly worker: number;
  readonly connection: number;
  readonly name: string;
  readonly key: string;
}

/** What was asked under a key from before a re-keying stays under it; a former key that somebody else bears by now leads to nobody. */
const KEYS = `(SELECT @key UNION SELECT key FROM former_keys WHERE connection_id = @connection AND worker = @worker AND now = @key)`;

/**
 * Whoever was joined with the worker had a number of their own, and may have been joined with others before. They are told by the
 * key, which the worker got with the joining and may have given up since, and by its moment, for the key may have become
 * somebody else's; a number that somebody bears today is theirs.
 */
const NUMBERS = `(WITH RECURSIVE own (number) AS (
  SELECT @worker UNION
  SELECT joined.worker FROM own
    JOIN former_keys f ON f.connection_id = @connection AND f.worker = own.number
    JOIN former_keys joined ON joined.connection_id = @connection AND joined.now IS NULL AND joined.at = f.at
      AND (joined.key IN (SELECT k.key FROM former_keys k WHERE k.connection_id = @connection AND k.worker = own.number)
        OR (own.number = @worker AND joined.key = @key))
  WHERE NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = joined.worker)
) SELECT number FROM own)`;

/** In the order in which they go: what refers to a row before the row. */
const STEPS: readonly (readonly [table: string, rows: string, statements: readonly string[]])[] = [
  [
    'personal',
    `personal WHERE seq IN (SELECT seq FROM entries WHERE worker IN ${NUMBERS} UNION
       SELECT p.seq FROM personal p JOIN entries e ON e.seq = p.seq
       WHERE e.worker IS NULL AND e.body ->> 'worker' IN ${KEYS} AND e.body ->> 'connection' = @name)`,
    ['DELETE FROM {rows}'],
  ],
  [
    'rejections',
    `rejections WHERE connection_id = @connection AND (body ->> 'key' IN ${KEYS} OR body ->> 'key' IN
       (SELECT employment_id FROM employments WHERE worker_id = @worker))`,
    ['DELETE FROM {rows}'],
  ],
  [
    'fingerprints',
    'fingerprints WHERE employment IN (SELECT id FROM employments WHERE worker_id = @worker)',
    ['DELETE FROM {rows}'],
  ],
  ['employments', 'employments WHERE worker_id = @worker', ['DELETE FROM {rows}']],
  ['pending_facts', 'pending_facts WHERE connection_id = @connection AND worker_key = @key', ['DELETE FROM {rows}']],
  [
    'inventory_accounts',
    `inventory_accounts WHERE id IN (SELECT i.id FROM inventory_accounts i JOIN inventory_versions v ON v.id = i.version
       WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.worker_id = @worker AND a.target_id = v.target_id AND a.remote_id = i.remote_id)
          OR EXISTS (SELECT 1 FROM reserved_names r WHERE r.worker_id = @worker AND r.target_id = v.target_id
               AND r.folded = i.folded_name))`,
    [`DELETE FROM inventory_values WHERE account IN (SELECT id FROM {rows})`, 'DELETE FROM {rows}'],
  ],
  ['skips', 'skips WHERE operation IN (SELECT id FROM operations WHERE worker_id = @worker)', ['DELETE FROM {rows}']],
  [
    'operations',
    'operations WHERE worker_id = @worker',
    [`UPDATE operations SET payload = '{}', last_outcome = NULL WHERE worker_id = @worker`],
  ],
  [
    'hold_items',
    `hold_items WHERE harm ->> 'workerKey' IN ${KEYS} AND version IN (
       SELECT version FROM holds WHERE connection_id = @connection UNION SELECT version FROM releases WHERE connection_id = @connection)`,
    [
      `UPDATE hold_items SET harm = json_set(harm, '$.before', '', '$.after', '') WHERE harm ->> 'workerKey' IN ${KEYS} AND version IN (
         SELECT version FROM holds WHERE connection_id = @connection UNION SELECT version FROM releases WHERE connection_id = @connection)`,
    ],
  ],
  [
    'guard_uses',
    'guard_uses WHERE connection_id = @connection AND worker_key = @key AND unit IS NOT NULL',
    ['UPDATE guard_uses SET unit = NULL WHERE connection_id = @connection AND worker_key = @key'],
  ],
  [
    'acts',
    `acts WHERE finished_at IS NOT NULL AND args ->> 'worker' IN ${KEYS} AND coalesce(args ->> 'connection', '') IN ('', @name)`,
    [
      `UPDATE acts SET args = json_object('worker', args ->> 'worker'), result = json_object('ok', json('true')) WHERE id IN (SELECT id FROM {rows})`,
    ],
  ],
  [
    'accounts',
    'accounts WHERE worker_id = @worker',
    [
      'DELETE FROM accounts WHERE worker_id = @worker AND remote_id IS NULL',
      `UPDATE accounts SET user_name = '', external_id = CASE external_id WHEN @key THEN external_id ELSE '' END, known = '{}',
         manager_known = '', manager_owed = '', debt_payable = 0, groups = '[]' WHERE worker_id = @worker`,
    ],
  ],
];

const withRows = (statement: string, rows: string): string => statement.replaceAll('{rows}', () => rows);

export function erasureOf(
  sql: Sql,
  { accounts, workers, withheld }: { accounts: Accounts; workers: Workers; withheld: WithheldNames },
): Erasure {
  const steps = STEPS.map(([table, rows, statements]) => ({
    table,
    count: sql.prepare<[Parameters], { count: number }>(`SELECT count(*) AS count FROM ${rows}`),
    statements: statements.map((one) => sql.prepare<[Parameters]>(withRows(one, rows))),
  }));
  const gate = sql.prepare(`INSERT INTO settings (key, value) VALUES ('audit.erasing', 'true')`);
  const closeGate = sql.prepare(`DELETE FROM settings WHERE key = 'audit.erasing'`);
  const names = sql.prepare<[number], { target_id: number; folded: string }>(
    'SELECT target_id, folded FROM reserved_names WHERE worker_id = ?',
  );
  const nameCount = sql.prepare<[number], { count: number }>(
    'SELECT count(*) AS count FROM reserved_names WHERE worker_id = ?',
  );
  // The digest stays: the very same row of a further source is not read again.
  const blankFact = sql.prepare<[number, string, string]>(
    `UPDATE facts SET body = '{}', due = 0 WHERE connection_id = ? AND source = ? AND key = ?`,
  );
  const factCount = sql.prepare<[number, string, string], { count: number }>(
    'SELECT count(*) AS count FROM facts WHERE connection_id = ? AND source = ? AND key = ?',
  );
  const reads = sql.prepare<[number, string], { body: string }>(
    'SELECT body FROM further_sources WHERE connection_id = ? AND source = ?',
  );
  const saveRead = sql.prepare<[string, number, string]>(
    'UPDATE further_sources SET body = ? WHERE connection_id = ? AND source = ?',
  );
  const waits = sql.prepare<[number, Buffer], unknown>(
    `SELECT 1 FROM hook_events WHERE connection_id = ? AND state = 'waiting' AND instr(body, ?) > 0 LIMIT 1`,
  );
  const blankWorker = sql.prepare<[string, number]>(
    `UPDATE workers SET facts = ?, due_at = NULL, suspected_since = NULL, suspicion = NULL, revision = revision + 1 WHERE id = ?`,
  );
  const mark = sql.prepare<[number, Instant]>('INSERT OR REPLACE INTO erased (worker_id, at) VALUES (?, ?)');
  const marked = sql.prepare<[number], unknown>('SELECT 1 FROM erased WHERE worker_id = ?');
  const anyMarked = sql.prepare<[], unknown>('SELECT 1 FROM erased LIMIT 1');
  const takeUp = sql.prepare<[number]>('DELETE FROM erased WHERE worker_id = ?');

  const parametersOf = ({ worker, connection, connectionName: name, key }: Erasable): Parameters => ({
    worker,
    connection,
    name,
    key,
  });
  const counts: Erasure['counts'] = (erasable) => {
    const parameters = parametersOf(erasable);
    const found = steps.map(({ table, count }) => [table, count.get(parameters)?.count ?? 0] as const);
    const facts = erasable.facts.reduce(
      (sum, { source, key }) => sum + (factCount.get(erasable.connection, source, key)?.count ?? 0),
      0,
    );
    const reserved = nameCount.get(erasable.worker)?.count ?? 0;
    return Object.fromEntries([...found, ['facts', facts] as const, ['reserved_names', reserved] as const]);
  };

  const eraseFacts = ({ connection, facts }: Erasable): void => {
    for (const { source, key } of facts) {
      blankFact.run(connection, source, key);
      const row = reads.get(connection, source);
      if (row === undefined) continue;
      const read = JSON.parse(row.body) as FurtherRead;
      const rejections = read.rejections.filter((one) => one.key !== key);
      if (rejections.length < read.rejections.length)
        saveRead.run(JSON.stringify({ ...read, rejections }), connection, source);
    }
  };

  return {
    counts,
    eventWaits: ({ connection, key }) => waits.get(connection, Buffer.from(key)) !== undefined,
    isErased: (worker) => marked.get(worker) !== undefined,
    among: (connection, keys) => {
      if (anyMarked.get() === undefined) return new Set();
      return new Set(
        keys.filter((key) => {
          const worker = workers.numberOf(connection, key);
          return worker !== null && marked.get(worker) !== undefined;
        }),
      );
    },
    takeUp: (worker) => {
      takeUp.run(worker);
    },
    erase: (erasable, at) => {
      const before = counts(erasable);
      const { worker, connection, key } = erasable;
      const row = workers.find(connection, key);
      assert(row?.id === worker, 'whoever is erased is on file');
      const { leaveSeenAt, leaveKind, leaveBy, sticky } = standingOf(row).facts;
      gate.run();
      const parameters = parametersOf(erasable);
      for (const { statements } of steps) for (const statement of statements) statement.run(parameters);
      closeGate.run();
      for (const { target_id: target, folded } of names.all(worker)) {
        accounts.release(target, folded);
        withheld.withhold(target, folded, worker);
      }
      eraseFacts(erasable);
      // That a leave was ordered, and when it was seen, still decides what may give access back.
      blankWorker.run(JSON.stringify({ ...NO_FACTS, leaveSeenAt, leaveKind, leaveBy, sticky }), worker);
      mark.run(worker, at);
      return before;
    },
  };
}
