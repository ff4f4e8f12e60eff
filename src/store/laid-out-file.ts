// The file in which new workers are laid out: its table, and how rows get into it. See laid-out.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { Delivery, Stage } from '../lifecycle/standing.ts';
import type { Accounts } from './accounts.ts';
import { type Appender, entryText } from './audit.ts';
import { fingerprintBytes } from './fingerprints.ts';
import { foldName } from './fold-name.ts';
import type { Names } from './names.ts';
import { laneRank } from './outbox.ts';
import type { Sql } from './sql.ts';
import type { Tallies } from './tallies.ts';
import type { WithheldNames } from './withheld-names.ts';
import type { WrittenOperation, WrittenWorker } from './written.ts';

/** Pages are written to the file beyond this: what is copied first has long left the memory. */
const CACHE_KIB = 2 * 1024;
/** Several workers stand on a page: half of a small one would stay empty beside a row of 3 kB. */
const PAGE_BYTES = 16 * 1024;

/** First and last number of the rows of one slice in one table; the last is below the first where there are none. */
export type Range = readonly [number, number];

export interface Slice {
  readonly at: Instant;
  readonly rows: Range;
  readonly workers: Range;
  readonly employments: Range;
  readonly entries: Range;
  readonly targets: ReadonlySet<number>;
  /** Workers by stage and delivery, operations by target and lane. */
  readonly standings: ReadonlyMap<string, readonly [stage: Stage, delivery: Delivery, count: number]>;
  readonly queued: ReadonlyMap<string, readonly [target: number, lane: number, count: number]>;
}

export interface RoomsNeeded {
  readonly accounts: Accounts;
  readonly appender: Appender;
  readonly tallies: Tallies;
  readonly targets: Names;
  readonly withheld: WithheldNames;
}

/**
 * One row holds the first of everything that one worker brings, the next row the second, so that nearly everybody is one statement:
 * with a table for each kind they cost twice as much. Members of what there is no more of are NULL; `stage` stands in a worker's
 * first row alone. `worker`, `employment` and `entry` are numbers without gaps.
 */
const COLUMNS = [
  ...['n INTEGER PRIMARY KEY', 'worker', 'key', 'stage', 'delivery', 'facts', 'due_at'],
  ...['employment', 'employment_id', 'body'],
  ...[
    'target',
    'etag',
    'user_name',
    'external_id',
    'active',
    'origin',
    'known',
    'manager_known',
    'manager_owed',
    'groups',
  ],
  ...['folded', 'entry', 'text', 'salt', 'personal'],
  ...['operation_target', 'kind', 'lane', 'transition', 'payload', 'turn', 'not_before', 'decided'],
  ...['fingerprint_of', 'digests', 'marks'],
] as const;

/** Attaches an empty one to this connection as `laid`; it is gone from its folder when this returns. */
export function openFile(sql: Sql): void {
  const folder = mkdtempSync(join(dirname(sql.name), '.plan-'));
  try {
    sql.prepare('ATTACH ? AS laid').run(join(folder, 'laid-out.db'));
    try {
      // Nothing in it survives the process: no flush, and nobody else to lock out.
      sql.pragma(`laid.page_size = ${PAGE_BYTES}`);
      sql.pragma('laid.journal_mode = MEMORY');
      sql.pragma('laid.synchronous = OFF');
      sql.pragma('laid.locking_mode = EXCLUSIVE');
      sql.pragma(`laid.cache_size = -${CACHE_KIB}`);
      sql.exec(`CREATE TABLE laid.rows (${COLUMNS.join(', ')})`);
    } catch (error) {
      sql.exec('DETACH laid');
      throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Numbers go on from slice to slice. */
class Numbers {
  last = 0;
  #from = 1;

  next(): number {
    this.last += 1;
    return this.last;
  }

  /** Of what was numbered since the last call. */
  range(): Range {
    const range: Range = [this.#from, this.last];
    this.#from = this.last + 1;
    return range;
  }
}

/** Returns what writes new workers into the file, all of them or none. */
export function writingInto(
  sql: Sql,
  { appender, targets }: RoomsNeeded,
): (at: Instant, workers: readonly WrittenWorker[]) => Slice {
  const insert = sql.prepare<unknown[]>(`INSERT INTO laid.rows VALUES (${COLUMNS.map(() => '?').join(', ')})`);
  const numbers = { rows: new Numbers(), workers: new Numbers(), employments: new Numbers(), entries: new Numbers() };
  const targetId = (name: string): number => {
    const id = targets.id(name);
    assert(id !== null, `target ${name} is on file`);
    return id;
  };

  const writeOne = (at: Instant, one: WrittenWorker): void => {
    const worker = numbers.workers.next();
    const firstEmployment = numbers.employments.last + 1;
    const firstEntry = numbers.entries.last + 1;
    const decision = one.entries.findIndex(({ kind }) => kind === 'decision');
    const decided = one.entries.length === 0 ? null : firstEntry + Math.max(decision, 0);
    const { employments, accounts, operations, entries, fingerprints = [] } = one;
    const rows = Math.max(
      1,
      employments.length,
      accounts.length,
      operations.length,
      entries.length,
      fingerprints.length,
    );
    for (let k = 0; k < rows; k += 1) {
      const employment = employments[k];
      const account = accounts[k];
      const entry = entries[k];
      const salted = entry === undefined || entry.personal === null ? null : appender.salted(entry.personal);
      const operation = operations[k];
      const fingerprint = fingerprints[k];
      const bytes = fingerprint === undefined ? null : fingerprintBytes(fingerprint);
      insert.run(
        numbers.rows.next(),
        worker,
        one.key,
        k === 0 ? one.stage : null,
        one.delivery,
        k === 0 ? one.facts : null,
        one.dueAt,
        employment === undefined ? null : numbers.employments.next(),
        employment?.id,
        employment?.body,
        account === undefined ? null : targetId(account.target),
        account?.etag,
        account?.userName,
        account?.externalId,
        account === undefined || account.active === null ? null : Number(account.active),
        account?.origin,
        account?.known,
        account?.managerKnown,
        account?.managerOwed,
        account?.groups,
        account === undefined ? null : foldName(account.userName),
        entry === undefined ? null : numbers.entries.next(),
        entry === undefined ? null : entryText(entry, at, salted?.hash ?? null),
        salted?.salt,
        entry?.personal,
        operation === undefined ? null : targetId(operation.target),
        operation?.kind,
        operation === undefined ? null : laneRank(operation.lane),
        operation?.transition,
        operation?.payload,
        operation === undefined ? null : turnOf(operations, k, at),
        operation?.notBefore,
        operation === undefined ? null : decided,
        fingerprint === undefined
          ? null
          : firstEmployment + employments.findIndex(({ id }) => id === fingerprint.employmentId),
        bytes?.digests,
        bytes?.marks,
      );
    }
  };
  const writeAll = sql.transaction((at: Instant, workers: readonly WrittenWorker[]) => {
    for (const one of workers) writeOne(at, one);
  });

  return (at, workers) => {
    writeAll.deferred(at, workers);
    const standings = new Map<string, readonly [Stage, Delivery, number]>();
    const queued = new Map<string, readonly [number, number, number]>();
    for (const { stage, delivery, operations } of workers) {
      const standing = `${stage} ${delivery}`;
      standings.set(standing, [stage, delivery, (standings.get(standing)?.[2] ?? 0) + 1]);
      for (const { target, lane } of operations) {
        const where = `${target} ${lane}`;
        queued.set(where, [targetId(target), laneRank(lane), (queued.get(where)?.[2] ?? 0) + 1]);
      }
    }
    return {
      at,
      rows: numbers.rows.range(),
      workers: numbers.workers.range(),
      employments: numbers.employments.range(),
      entries: numbers.entries.range(),
      targets: new Set(workers.flatMap(({ accounts }) => accounts.map(({ target }) => targetId(target)))),
      standings,
      queued,
    };
  };
}

/** The first of a worker's operations at a target goes ahead of the others there. */
function turnOf(operations: readonly WrittenOperation[], index: number, at: Instant): 'behind' | 'later' | 'now' {
  const operation = operations[index];
  assert(operation !== undefined, 'an operation has its turn');
  if (operations.findIndex(({ target }) => target === operation.target) < index) return 'behind';
  return operation.notBefore <= at ? 'now' : 'later';
}
