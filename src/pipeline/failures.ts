// What has failed and waits for a person: transitions whose operation was refused or ran out of tries, and leavers whose target
// refuses to end their access or their sessions (those are tried again by themselves for ever, and shown all the same).
import { type Instant, msOf } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import type { Situation, Skip } from '../planning/changeset.ts';
import { causeOf, type FailureCause } from '../planning/failure-cause.ts';
import { sha256 } from '../runtime/hash.ts';
import type { ShownOperation, Store } from '../store/store.ts';
import { acceptedMapping } from './limits-in-force.ts';
import { isLeaver } from './verdict.ts';

export interface Failure {
  readonly operation: ShownOperation;
  readonly cause: FailureCause;
  /** Somebody who left, or is to leave, keeps what they had until this is done. */
  readonly leaver: boolean;
  /** When it failed last. */
  readonly at: Instant;
  /** Set while a person has set it aside. */
  readonly skip: Skip | null;
}

export interface FailureFilter {
  readonly connection?: string;
  readonly target?: string;
  readonly transition?: string;
  /** A beginning of at least four digits. */
  readonly cause?: string;
  readonly worker?: string;
  readonly operations?: readonly number[];
  /** Failed at least so long ago. */
  readonly olderThanMs?: number;
}

/** More failures than this are listed in part; replaying them makes room for the rest. */
export const FAILURES_MAX = 50_000;
/** Classes of answers that the next try will not change by itself. */
export const REFUSED: ReadonlySet<string> = new Set(['permanent', 'gone', 'conflict']);
const SITUATIONS_TOGETHER = 500;

/** Oldest first; of more than `max` of one sort the oldest. */
export async function readFailures(
  store: Store,
  filter: FailureFilter,
  now: Instant,
  max = FAILURES_MAX,
): Promise<readonly Failure[]> {
  const only = filter.connection === undefined ? {} : { connection: filter.connection };
  const [failed, disables, sessions, skips] = await Promise.all([
    store.operations({ ...only, states: ['failed'], limit: max }),
    store.unconfirmedLeavers(max),
    store.openSessions(max),
    store.skips(),
  ]);
  const refused = [...disables, ...sessions].filter(
    ({ state, lastOutcome }) => state !== 'failed' && lastOutcome !== null && REFUSED.has(lastOutcome.class),
  );
  const standing = await skipsThatStand(store, [...failed, ...refused], skips, now);
  const all = [...failed, ...refused].map((operation): Failure => {
    const { id, target, lastOutcome, state, createdAt, notBefore } = operation;
    return {
      operation,
      cause: causeOf(target, lastOutcome, sha256),
      leaver: isLeaver(operation),
      // A failed operation keeps the moment at which it failed; what is tried again says when it comes next.
      at: state === 'failed' ? notBefore : createdAt,
      skip: standing.get(id) ?? null,
    };
  });
  return all.filter((failure) => fits(failure, filter, now)).sort((a, b) => a.operation.id - b.operation.id);
}

function fits({ operation, cause, at }: Failure, filter: FailureFilter, now: Instant): boolean {
  return (
    (filter.connection === undefined || operation.connection === filter.connection) &&
    (filter.target === undefined || operation.target === filter.target) &&
    (filter.transition === undefined || operation.transition === filter.transition) &&
    (filter.worker === undefined || operation.workerKey === filter.worker) &&
    (filter.operations === undefined || filter.operations.includes(operation.id)) &&
    (filter.cause === undefined || cause.id.startsWith(filter.cause)) &&
    (filter.olderThanMs === undefined || msOf(now) - msOf(at) >= filter.olderThanMs)
  );
}

// ── set aside ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Longer than this nobody remembers why; somebody who left and keeps access is looked at sooner. */
export const SKIP_HOURS_MAX = 90 * 24;
export const SKIP_LEAVER_HOURS_MAX = 7 * 24;
export const SKIP_HOURS = 7 * 24;

/** What HR says of a worker, apart from when it was read. */
export const factsDigest = ({ employments }: Pick<Situation, 'employments'>): string =>
  sha256(canonicalJson(employments.map((one) => ({ ...one, asOf: '' }))));

/** Those of them that nobody has set aside, or not any more. */
export async function withoutSkipped(
  store: Store,
  failed: readonly ShownOperation[],
  now: Instant,
): Promise<readonly ShownOperation[]> {
  const skips = failed.length === 0 ? [] : await store.skips();
  if (skips.length === 0) return failed;
  const standing = await skipsThatStand(store, failed, skips, now);
  return failed.filter(({ id }) => !standing.has(id));
}

/** A skip counts until its end, and only while the record and the mapping are those it was decided on. */
async function skipsThatStand(
  store: Store,
  operations: readonly ShownOperation[],
  skips: readonly Skip[],
  now: Instant,
): Promise<ReadonlyMap<number, Skip>> {
  const standing = new Map<number, Skip>();
  const unexpired = new Map(skips.filter(({ until }) => until > now).map((skip) => [skip.operation, skip]));
  const skipped = operations.filter(({ id }) => unexpired.has(id));
  for (const [connection, ours] of Map.groupBy(skipped, (one) => one.connection)) {
    const mapping = await acceptedMapping(store, connection);
    for (let from = 0; from < ours.length; from += SITUATIONS_TOGETHER) {
      const slice = ours.slice(from, from + SITUATIONS_TOGETHER);
      const situations = await store.situations(
        connection,
        slice.map(({ workerKey }) => workerKey),
      );
      for (const { id, workerKey } of slice) {
        const skip = unexpired.get(id);
        const situation = situations.get(workerKey);
        if (skip === undefined || situation === undefined) continue;
        if (skip.facts === factsDigest(situation) && skip.mapping === mapping) standing.set(id, skip);
      }
    }
  }
  return standing;
}

// ── causes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface FailureGroup {
  readonly cause: FailureCause;
  readonly connection: string;
  readonly leaver: boolean;
  readonly skipped: boolean;
  readonly failures: readonly Failure[];
  readonly workers: number;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Transitions and kinds with their counts, most frequent first. */
  readonly what: readonly (readonly [name: string, times: number])[];
  /** The oldest. */
  readonly sample: Failure;
}

/** Leavers first, then by number; what was set aside last. */
export function groupFailures(failures: readonly Failure[]): readonly FailureGroup[] {
  const keyOf = ({ operation, cause, leaver, skip }: Failure): string =>
    [operation.connection, cause.id, leaver, skip !== null].join(' ');
  const groups: FailureGroup[] = [];
  for (const same of Map.groupBy(failures, keyOf).values()) {
    const [sample] = same;
    if (sample === undefined) continue;
    const times = same.map(({ at }) => at).sort();
    const names = new Map<string, number>();
    for (const { operation } of same) {
      const name = `${operation.transition ?? 'correction'} ${operation.kind}`;
      names.set(name, (names.get(name) ?? 0) + 1);
    }
    groups.push({
      cause: sample.cause,
      connection: sample.operation.connection,
      leaver: sample.leaver,
      skipped: sample.skip !== null,
      failures: same,
      workers: new Set(same.map(({ operation }) => operation.workerKey)).size,
      firstAt: times[0] ?? sample.at,
      lastAt: times.at(-1) ?? sample.at,
      what: [...names].sort((a, b) => b[1] - a[1]),
      sample,
    });
  }
  const rank = (group: FailureGroup): number => (group.skipped ? 2 : group.leaver ? 0 : 1);
  return groups.sort((a, b) => rank(a) - rank(b) || b.failures.length - a.failures.length);
}
