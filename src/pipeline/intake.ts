// One cycle of a connection: look, recognise, read, map, plan, guard, commit, checkpoint. A delivery that is not proven
// whole, is older than what was accepted, or lacks a mapped column has no effect at all.
import type { Instant } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import { type Fault, Problem } from '../base/problem.ts';
import { MAPPING_CODE_VERSION } from '../mapping/bound-mapping.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Delivery } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import { type CycleReport, EMPTY_REPORT, plannedTally, recordCycle } from './cycle-report.ts';
import { meetTargets } from './first-contact.ts';
import { count, type House, type LiveConnection } from './house.ts';
import { type Committed, commitPlan, guardPlan, type JudgeOptions, openPlan, type Plan } from './judge.ts';
import { acceptMapping, limitsOf } from './limits-in-force.ts';
import { baselineKey, newlyRejected, rejectionName } from './newly-rejected.ts';
import { recordPopulation } from './population.ts';
import { REJECTIONS_KEPT_MAX, Reading } from './reading.ts';
import { suspect } from './suspected.ts';
import { refuseOtherKeys, rememberKey } from './worker-key.ts';

export type { CycleReport } from './cycle-report.ts';

export interface CycleOptions {
  readonly actor: string;
  /** `plan`: everything up to the guard, nothing stored. */
  readonly mode: 'commit' | 'plan';
  /** Judges as if it were this moment (plan --as-of). */
  readonly asIf?: Instant;
  /** Pilot: only this worker, or at most so many workers whose standing or account would change. */
  readonly onlyWorker?: string;
  readonly limit?: number;
  readonly onProgress?: (phase: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
  /** Sees the whole plan before it is disposed: `plan` prints from it. */
  readonly inspect?: (plan: Plan, verdict: Verdict) => Promise<void> | void;
}

export async function runCycle(house: House, live: LiveConnection, options: CycleOptions): Promise<CycleReport> {
  const { connection } = live;
  const startedAt = nowOf(house.clock);
  const now = options.asIf ?? startedAt;
  const refused = (delivery: string | null, faults: readonly Fault[]): CycleReport => ({
    ...EMPTY_REPORT,
    connection: connection.name,
    kind: 'refused',
    delivery,
    reason: faults.map(({ message }) => message).join('; '),
    faults,
  });
  let name: string | null = null;
  let report: CycleReport;
  try {
    const look = await live.source.look(startedAt, options.signal);
    if (look.kind !== 'delivery') {
      const retryAfterMs = look.kind === 'notYet' ? look.retryAfterMs : null;
      return { ...EMPTY_REPORT, connection: connection.name, kind: look.kind, reason: look.reason, retryAfterMs };
    }
    await using delivery = look.delivery;
    name = delivery.name;
    report = await judgeDelivery(house, live, delivery, now, options);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    report = refused(name, error.faults);
  }
  if (options.mode === 'commit') await recordCycle(house, report, startedAt, options.actor);
  return report;
}

async function judgeDelivery(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  now: Instant,
  options: CycleOptions,
): Promise<CycleReport> {
  const { connection } = live;
  const { store } = house;
  const bound = connection.bind(delivery.columns);
  if ('faults' in bound) throw new Problem(bound.faults);
  const mapping = bound.mapping;
  await refuseOtherKeys(house, live);
  const before = await store.checkpoint(connection.name);
  if (delivery.content === 'snapshot' && before !== null && delivery.asOf < before.asOf) {
    throw new Problem({
      code: 'feed.older',
      message: `${delivery.name} speaks of ${delivery.asOf}, but ${before.name} of ${before.asOf} was accepted already`,
      hint: 'an older export never undoes a newer one; remove it, or deliver a newer one',
    });
  }
  const context = sha256(
    canonicalJson([MAPPING_CODE_VERSION, mapping.digest, delivery.format, process.versions.tz ?? '']),
  );
  const pilot = options.onlyWorker !== undefined || options.limit !== undefined;
  const contacts = await meetTargets(house, live, options);

  if (
    !pilot &&
    options.mode === 'commit' &&
    before !== null &&
    (await isRecognised(house, live, delivery, before, context, options))
  ) {
    const checkpoint: Checkpoint = {
      ...before,
      deliveryId: delivery.id,
      name: delivery.name,
      asOf: later(before.asOf, delivery.asOf),
      readAt: now,
    };
    await store.commit({ connection: connection.name, at: now, checkpoint });
    live.accepted.name = delivery.name;
    return {
      ...EMPTY_REPORT,
      connection: connection.name,
      kind: 'unchanged',
      delivery: delivery.name,
      reason: 'the very same file',
      rows: before.rows,
      recognised: before.rows,
      rejections: await store.rejections(connection.name, REJECTIONS_KEPT_MAX),
    };
  }

  const known = await store.knownRows(connection.name, context);
  const scan = await delivery.scan(known, options.signal);
  using plan = openPlan(house, mapping, live, now, options.actor, options.signal);
  const reading = new Reading(house, plan, mapping, known, scan, delivery.asOf, options);
  for await (const rows of delivery.read(await heldRows(house, connection.name, known), options.signal)) {
    await reading.take(rows);
  }
  await reading.finish();

  const { workers } = await store.population(connection.name);
  const firstLoad = before === null;
  const judgeOptions: JudgeOptions = {
    now,
    actor: options.actor,
    limits: await limitsOf(house, live, before === null),
    fingerprintContext: context,
    covers: delivery.content === 'snapshot' && !pilot ? 'everyone' : 'judged',
    rows: {
      total: scan.rows,
      rejected: reading.rejections.length,
      newlyRejected: await newlyRejected(house, connection.name, reading),
    },
    firstLoad,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  if (options.limit !== undefined) reading.keepOnly(options.limit);
  const verdict = await guardPlan(house, plan, judgeOptions);
  await options.inspect?.(plan, verdict);

  const absent = delivery.content === 'snapshot' && !pilot && workers > 0 ? await reading.absent() : [];
  const base = {
    ...EMPTY_REPORT,
    connection: connection.name,
    delivery: delivery.name,
    rows: scan.rows,
    recognised: scan.rows - scan.unknownRows,
    rejections: reading.rejections,
    suspected: absent.length,
  };
  const holds = verdict.holds.filter(({ items }) => items.length > 0);
  const shown = holds.map(({ kind, reason, items }) => ({ kind, reason, items: items.length }));
  if (options.mode === 'plan') {
    return {
      ...base,
      kind: holds.length > 0 ? 'held' : 'done',
      reason: scan.completeness.proof,
      tally: plannedTally(plan, verdict),
      holds: shown,
    };
  }
  const committed: Committed = await commitPlan(house, plan, verdict, judgeOptions);
  await suspect(house, mapping.connection, live.connection.policy, absent, now, options.actor);
  // A delta is read once: while something of it is held it stays the one to be read, or those facts would be lost.
  const waiting = committed.postponed.length + plan.unanswered.size;
  const unfinished = delivery.content === 'delta' && (committed.held.length > 0 || waiting > 0);
  if (!pilot && !unfinished) {
    const open = committed.held.length + waiting + absent.length + plan.blocked.size;
    const checkpoint: Checkpoint = {
      deliveryId: delivery.id,
      name: delivery.name,
      contentDigest: scan.contentDigest,
      contextDigest: context,
      asOf: delivery.asOf,
      readAt: now,
      rows: scan.rows,
      complete: open === 0,
      columns: delivery.columns,
    };
    // A trip that had nothing harmful to hold has passed nothing: what it saw becomes usual only when a person released some of it.
    const released = verdict.uses.some(({ approved }) => approved);
    const suspicious =
      committed.held.some(({ kind }) => kind === 'newlyRejected') ||
      (!released && verdict.tripped.some(({ kind }) => kind === 'newlyRejected'));
    await store.commit({
      connection: connection.name,
      at: now,
      checkpoint,
      rejections: reading.rejections,
      ...(suspicious ? {} : { settings: { [baselineKey(connection.name)]: reading.rejections.map(rejectionName) } }),
    });
    live.accepted.name = delivery.name;
    await recordPopulation(house, connection.name, now);
    await rememberKey(house, live);
    if (committed.held.length === 0 || firstLoad) await acceptMapping(house, live);
  }
  if (plan.unanswered.size > 0) count(committed.tally, 'workers waiting for a target to answer', plan.unanswered.size);
  if (contacts.met.length > 0) count(committed.tally, 'targets met for the first time', contacts.met.length);
  return {
    ...base,
    kind: committed.held.length > 0 ? 'held' : 'done',
    reason: scan.completeness.proof,
    tally: committed.tally,
    holds: shown,
  };
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** The very same bytes under the same mapping, everybody settled, nothing held and no release waiting: no second look is needed. */
async function isRecognised(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  before: Checkpoint,
  context: string,
  options: CycleOptions,
): Promise<boolean> {
  if (!before.complete || before.contextDigest !== context || before.rows === 0) return false;
  if ((await house.store.unsettled(live.connection.name)) > 0) return false;
  if ((await house.store.holds(live.connection.name, 0)).length > 0) return false;
  return (await delivery.contentDigest(options.signal)) === before.contentDigest;
}

/** Known rows of workers of whom something is held: they are read again, so that what changed since falls out of the hold. */
async function heldRows(house: House, connection: string, known: KnownFingerprints): Promise<ReadonlySet<number>> {
  const indexes = new Set<number>();
  const holds = await house.store.holds(connection, Number.MAX_SAFE_INTEGER);
  for (const { items } of holds) {
    for (const { harm } of items) for (const index of known.indexesOf(harm.workerKey)) indexes.add(index);
  }
  return indexes;
}
