// One writer, one queue. Jobs asked for in one turn of the event loop share a transaction: one flush to disk for all of them.
// A job is synchronous and may be run twice: when one of a group fails, the transaction is undone and each runs on its own.
import { assert } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import { type Sql, sqliteCode } from './sql.ts';

/** A commit whose fate nobody knows (disk full, I/O error): the house stops, and the next start resolves it from disk. */
export class StoreUnknown extends Error {
  constructor(cause: unknown) {
    super(`the store cannot say whether its last commit took place (${sqliteCode(cause) || String(cause)})`, { cause });
    this.name = 'StoreUnknown';
  }
}

/**
 * About 80 ms of work for the store's thread, one unit being a new worker with everything it brings: nobody waits longer for their
 * turn. The more workers share a transaction, the fewer times a page of an index is written that many of them touch.
 */
const GROUP_WEIGHT_MAX = 1_300;

/** Far above what delivery (one for each request in flight) and one reading pipeline can ask for at once. */
const JOBS_WAITING_MAX = 100_000;

/** What keeps values in memory during a transaction. */
export interface Participant {
  readonly beforeCommit: () => void;
  readonly afterRollback: () => void;
}

type Attempt =
  | { readonly kind: 'durable'; readonly results: readonly unknown[] }
  /** A job threw: nothing was stored, the others may be tried without it. */
  | { readonly kind: 'undone'; readonly error: unknown }
  /** None of them can be tried again. */
  | { readonly kind: 'refused'; readonly error: unknown };

interface Job {
  readonly weight: number;
  readonly run: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface Writer {
  /** Runs `job` inside a transaction; resolves with its result once that is durable. What a job throws undoes it alone. */
  readonly write: <T>(weight: number, job: () => T) => Promise<T>;
  /** Resolves when everything asked for until now is durable or refused. */
  readonly idle: () => Promise<void>;
  readonly throwIfUnknown: () => void;
  readonly isUnknown: () => boolean;
  /** Called once, when the store comes to be unknown. */
  readonly onUnknown: (listener: (error: StoreUnknown) => void) => void;
}

export function writerOf(sql: Sql, participants: readonly Participant[]): Writer {
  let queue: Job[] = [];
  let scheduled = false;
  let unknown: StoreUnknown | null = null;
  let tell: (error: StoreUnknown) => void = () => {};

  const attempt = (jobs: readonly Job[]): Attempt => {
    let begun = false;
    let ran = false;
    const transaction = sql.transaction(() => {
      begun = true;
      const results = jobs.map((job) => job.run());
      for (const participant of participants) participant.beforeCommit();
      ran = true;
      return results;
    });
    try {
      return { kind: 'durable', results: transaction.immediate() };
    } catch (error) {
      for (const participant of participants) participant.afterRollback();
      if (ran || isDiskFault(error)) {
        unknown = new StoreUnknown(error);
        tell(unknown);
      }
      if (unknown !== null) return { kind: 'refused', error: unknown };
      return begun ? { kind: 'undone', error } : { kind: 'refused', error: busy(error) };
    }
  };

  const runGroup = (jobs: readonly Job[]): void => {
    const attempted = attempt(jobs);
    if (attempted.kind === 'durable') {
      jobs.forEach((job, index) => {
        job.resolve(attempted.results[index] as never);
      });
    } else if (attempted.kind === 'undone' && jobs.length > 1) {
      for (const job of jobs) {
        if (unknown === null) runGroup([job]);
        else job.reject(unknown);
      }
    } else {
      for (const job of jobs) job.reject(attempted.error);
    }
  };

  const flush = (): void => {
    scheduled = false;
    if (unknown !== null) {
      for (const job of queue.splice(0)) job.reject(unknown);
      return;
    }
    let weight = 0;
    let count = 0;
    for (const job of queue) {
      if (count > 0 && weight + job.weight > GROUP_WEIGHT_MAX) break;
      weight += job.weight;
      count += 1;
    }
    const group = queue.slice(0, count);
    queue = queue.slice(count);
    if (queue.length > 0) schedule();
    if (group.length > 0) runGroup(group);
  };

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  const write = <T>(weight: number, run: () => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (unknown !== null) return reject(unknown);
      assert(queue.length < JOBS_WAITING_MAX, 'writers wait for their commits before they ask for more');
      queue.push({ weight, run, resolve, reject });
      schedule();
    });

  return {
    write,
    idle: () =>
      write(0, () => undefined).catch((error: unknown) => {
        if (!(error instanceof StoreUnknown)) throw error;
      }),
    isUnknown: () => unknown !== null,
    onUnknown: (listener) => {
      tell = listener;
    },
    throwIfUnknown: () => {
      if (unknown !== null) throw unknown;
    },
  };
}

/** Faults after which SQLite itself no longer knows what stands on disk. */
function isDiskFault(error: unknown): boolean {
  return /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|NOMEM)/.test(sqliteCode(error));
}

function busy(error: unknown): unknown {
  if (!sqliteCode(error).startsWith('SQLITE_BUSY')) return error;
  return new Problem({
    code: 'state.busy',
    message: 'another process has been writing to the database for more than five seconds; nothing was stored',
    hint: 'look for a stopped or hanging rollcall command on this state folder',
  });
}
