// The file in which new workers are laid out: its tables, and how rows get into it. See laid-out.ts.
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
import type { WrittenWorker } from './written.ts';

/** Pages are written to the file beyond this: what is copied first has long left the memory. */
const CACHE_KIB = 2 * 1024;

/** First and last number of the rows of one slice in one table; the last is below the first where there are none. */
export type Range = readonly [number, number];

export interface Slice {
  readonly at: Instant;
  readonly workers: Range;
  readonly employments: Range;
  readonly accounts: Range;
  readonly operations: Range;
  readonly entries: Range;
  readonly fingerprints: Range;
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

const SCHEMA = `
  CREATE TABLE laid.workers (n INTEGER PRIMARY KEY, key, stage, delivery, facts, due_at);
  CREATE TABLE laid.employments (n INTEGER PRIMARY KEY, worker, employment_id, body);
  CREATE TABLE laid.accounts (n INTEGER PRIMARY KEY, worker, target, etag, user_name, external_id, active, origin, known,
    manager_known, manager_owed, groups, folded);
  CREATE TABLE laid.entries (n INTEGER PRIMARY KEY, worker, text, salt, personal);
  CREATE TABLE laid.operations (n INTEGER PRIMARY KEY, worker, target, kind, lane, transition, payload, turn, not_before, entry);
  CREATE TABLE laid.fingerprints (n INTEGER PRIMARY KEY, employment, digests, marks);`;

/** Attaches an empty one to this connection as `laid`; it is gone from its folder when this returns. */
export function openFile(sql: Sql): void {
  const folder = mkdtempSync(join(dirname(sql.name), '.plan-'));
  try {
    sql.prepare('ATTACH ? AS laid').run(join(folder, 'laid-out.db'));
    try {
      // Nothing in it survives the process: no flush, and nobody else to lock out.
      sql.pragma('laid.journal_mode = MEMORY');
      sql.pragma('laid.synchronous = OFF');
      sql.pragma('laid.locking_mode = EXCLUSIVE');
      sql.pragma(`laid.cache_size = -${CACHE_KIB}`);
      sql.exec(SCHEMA);
    } catch (error) {
      sql.exec('DETACH laid');
      throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Only what is in this table; numbers of rows go on from slice to slice. */
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
  const insert = (table: string, columns: number) =>
    sql.prepare<unknown[]>(`INSERT INTO laid.${table} VALUES (${Array(columns).fill('?').join(', ')})`);
  const worker = insert('workers', 6);
  const employment = insert('employments', 4);
  const account = insert('accounts', 13);
  const entry = insert('entries', 5);
  const operation = insert('operations', 10);
  const fingerprint = insert('fingerprints', 4);
  const numbers = {
    workers: new Numbers(),
    employments: new Numbers(),
    accounts: new Numbers(),
    entries: new Numbers(),
    operations: new Numbers(),
    fingerprints: new Numbers(),
  };
  const targetId = (name: string): number => {
    const id = targets.id(name);
    assert(id !== null, `target ${name} is on file`);
    return id;
  };

  const writeOne = (at: Instant, one: WrittenWorker): void => {
    const w = numbers.workers.next();
    worker.run(w, one.key, one.stage, one.delivery, one.facts, one.dueAt);
    const employmentNumbers = new Map<string, number>();
    for (const { id, body } of one.employments) {
      const n = numbers.employments.next();
      employmentNumbers.set(id, n);
      employment.run(n, w, id, body);
    }
    for (const a of one.accounts) {
      const active = a.active === null ? null : Number(a.active);
      account.run(
        numbers.accounts.next(),
        w,
        targetId(a.target),
        a.etag,
        a.userName,
        a.externalId,
        active,
        a.origin,
        a.known,
        a.managerKnown,
        a.managerOwed,
        a.groups,
        foldName(a.userName),
      );
    }
    let decided: number | null = null;
    let first: number | null = null;
    for (const e of one.entries) {
      const n = numbers.entries.next();
      const personal = e.personal === null ? null : appender.salted(e.personal);
      entry.run(n, w, entryText(e, at, personal?.hash ?? null), personal?.salt ?? null, e.personal);
      first ??= n;
      if (e.kind === 'decision') decided ??= n;
    }
    const headed = new Set<string>();
    for (const o of one.operations) {
      const turn = headed.has(o.target) ? 'behind' : o.notBefore <= at ? 'now' : 'later';
      headed.add(o.target);
      operation.run(
        numbers.operations.next(),
        w,
        targetId(o.target),
        o.kind,
        laneRank(o.lane),
        o.transition,
        o.payload,
        turn,
        o.notBefore,
        decided ?? first,
      );
    }
    for (const change of one.fingerprints ?? []) {
      const { digests, marks } = fingerprintBytes(change);
      fingerprint.run(numbers.fingerprints.next(), employmentNumbers.get(change.employmentId), digests, marks);
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
      workers: numbers.workers.range(),
      employments: numbers.employments.range(),
      accounts: numbers.accounts.range(),
      operations: numbers.operations.range(),
      entries: numbers.entries.range(),
      fingerprints: numbers.fingerprints.range(),
      targets: new Set(workers.flatMap(({ accounts }) => accounts.map(({ target }) => targetId(target)))),
      standings,
      queued,
    };
  };
}
