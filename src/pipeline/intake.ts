// One cycle of a connection: look, recognise, read, map, plan, guard, commit, checkpoint. A delivery that is not proven
// whole, is older than what was accepted, or lacks a mapped column has no effect at all.
import type { Instant } from '../base/instant.ts';
import { canonicalJson, type JsonValue } from '../base/json.ts';
import { type Fault, Problem } from '../base/problem.ts';
import { MAPPING_CODE_VERSION } from '../mapping/bound-mapping.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import type { Verdict } from '../planning/guard.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import { nowOf } from '../runtime/clock.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Completeness, Delivery } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import { judgeBroken, releaseFeed } from './broken-seal.ts';
import { believedAsOf, clockDoubt, withholdByDate } from './clock-watch.ts';
import { type Committed, commitPlan } from './commit-plan.ts';
import { type CycleReport, EMPTY_REPORT, plannedTally, recordCycle } from './cycle-report.ts';
import { earlierMarks } from './earlier-marks.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import { feedDelivered, feedHired, feedSince } from './feed-age.ts';
import {
  judgeSeal,
  MARKS_VERSION,
  marksOnFile,
  type SealVerdict,
  saveMarks,
  sealedFeed,
  sealKey,
} from './feed-seal.ts';
import { watchFeed } from './feed-watch.ts';
import { meetTargets } from './first-contact.ts';
import { type FurtherReport, readFurther } from './further.ts';
import { count, type House, type LiveConnection } from './house.ts';
import { joinedWorkers, judgeJoined, planJoined, settleJoined } from './joined.ts';
import { grantPlan, guardPlan, type JudgeOptions } from './judge.ts';
import { LayingOut } from './laying-out.ts';
import { letGo } from './let-go.ts';
import { acceptMapping, limitsOf } from './limits-in-force.ts';
import { baselineKey, newlyRejected, rejectionName } from './newly-rejected.ts';
import { forgetPending, judgePending, keepPending, planPending } from './pending.ts';
import { openPlan, type Plan, planWorkers } from './plan.ts';
import { recordPopulation } from './population.ts';
import { REJECTIONS_KEPT_MAX, Reading } from './reading.ts';
import { lookForAbsent, type Missing, rememberSuspects } from './suspected.ts';
import { acceptDelivery, watermarkSettings } from './watermark.ts';
import { refuseOtherKeys, rememberKey } from './worker-key.ts';

export type { CycleReport } from './cycle-report.ts';

/** A worker whom others kept changing while a delivery was stored is looked at again after this long. */
const OVERTAKEN_AGAIN_MS = 5_000;

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
  readonly inspect?: (plan: Plan, verdict: Verdict, inspected: Inspected) => Promise<void> | void;
}

/** What else there is to know of a plan. */
export interface Inspected {
  /** Digest of all that rows are read by; the one of the delivery before is in its checkpoint. */
  readonly context: string;
  readonly before: Checkpoint | null;
  /** In a plan: for whom a moment has come. A cycle leaves them to the calendar. */
  readonly due: ReadonlySet<string>;
}

/** Cycles that planned nobody: whom further sources join is judged by itself then. */
const PLANNED_NOBODY: ReadonlySet<CycleReport['kind']> = new Set(['nothing', 'notYet', 'unchanged', 'refused']);

/** Further sources first: whoever is planned meets what they say now. */
export async function runCycle(house: House, live: LiveConnection, asked: CycleOptions): Promise<CycleReport> {
  const report =
    live.also.length === 0 ? await firstSource(house, live, asked, null, []) : await allSources(house, live, asked);
  if (asked.mode === 'commit') await watchFeed(house, live);
  return report;
}

async function allSources(house: House, live: LiveConnection, asked: CycleOptions): Promise<CycleReport> {
  const { reports, overlay } = await readFurther(house, live, asked);
  using _ = overlay;
  // Nobody is on file yet, so nobody waits: better one load with everything than accounts that lack it and a hold over all of them.
  const unfinished = reports.find(({ kind }) => kind === 'notYet');
  if (unfinished !== undefined && (await house.store.checkpoint(live.connection.name)) === null) {
    return {
      ...EMPTY_REPORT,
      connection: live.connection.name,
      kind: 'notYet',
      reason: `further source ${unfinished.name}: ${unfinished.reason}`,
      retryAfterMs: unfinished.retryAfterMs,
      further: reports,
    };
  }
  const report = await firstSource(house, live, asked, overlay, reports);
  const waits = reports.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
  const retryAfterMs =
    waits.length === 0 ? report.retryAfterMs : Math.min(...waits, report.retryAfterMs ?? waits[0] ?? 0);
  const told = { ...report, further: reports, retryAfterMs };
  if (asked.mode === 'plan' || isPilot(asked) || !PLANNED_NOBODY.has(report.kind)) return told;
  const startedAt = nowOf(house.clock);
  const joined = await judgeJoined(house, live, asked.actor, asked.signal).catch((error: unknown) => {
    // A target that has moved: the first source said so, or will.
    if (error instanceof Problem) return null;
    throw error;
  });
  if (joined === null) return told;
  await recordCycle(house, { ...joined, further: reports }, startedAt, asked.actor);
  const { tally, holds } = joined;
  if (report.kind === 'refused') return { ...told, tally, holds };
  return { ...told, kind: joined.kind, reason: joined.reason, tally, holds };
}

async function firstSource(
  house: House,
  live: LiveConnection,
  options: CycleOptions,
  overlay: FactsOverlay | null,
  further: readonly FurtherReport[],
): Promise<CycleReport> {
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
    if (look.kind === 'nothing' && options.mode === 'commit' && !isPilot(options)) {
      const waiting = await judgePending(house, live, options.actor, options.signal);
      if (waiting !== null) {
        await recordCycle(house, waiting, startedAt, options.actor);
        return waiting;
      }
    }
    if (look.kind !== 'delivery') {
      const retryAfterMs = look.kind === 'notYet' ? look.retryAfterMs : null;
      return { ...EMPTY_REPORT, connection: connection.name, kind: look.kind, reason: look.reason, retryAfterMs };
    }
    await using delivery = look.delivery;
    name = delivery.name;
    report = await judgeDelivery(house, live, delivery, now, options, overlay);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    report = refused(name, error.faults);
  }
  if (options.mode === 'commit') {
    await recordCycle(house, further.length === 0 ? report : { ...report, further }, startedAt, options.actor);
  }
  return report;
}

async function judgeDelivery(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  now: Instant,
  options: CycleOptions,
  overlay: FactsOverlay | null,
): Promise<CycleReport> {
  const { connection } = live;
  const { store } = house;
  const bound = connection.bind(delivery.columns);
  if ('faults' in bound) throw new Problem(bound.faults);
  const mapping = bound.mapping;
  await refuseOtherKeys(house, live);
  const before = await store.checkpoint(connection.name);
  const doubt = options.mode === 'commit' ? await clockDoubt(house, options.signal) : null;
  // While the clock is in doubt a reading may not be dated by it: what HR says next would be older.
  const asOf = doubt === null ? delivery.asOf : believedAsOf(delivery.asOf, doubt, before?.asOf ?? null);
  if (delivery.content === 'snapshot' && before !== null && delivery.asOf < before.asOf) {
    throw new Problem({
      code: 'feed.older',
      message: `${delivery.name} speaks of ${delivery.asOf}, but ${before.name} of ${before.asOf} was accepted already`,
      hint: 'an older export never undoes a newer one; remove it, or deliver a newer one',
    });
  }
  const pilot = isPilot(options);
  // Rows of a delta do not come again: they wait until every target can be planned for.
  const contacts = await meetTargets(house, live, { ...options, all: delivery.content === 'delta' });
  const context = sha256(
    canonicalJson([
      MAPPING_CODE_VERSION,
      MARKS_VERSION,
      mapping.digest,
      delivery.format,
      process.versions.tz ?? '',
      // Whoever is met later has everybody judged again.
      ...(contacts.unmet.length === 0 ? [] : [contacts.unmet]),
    ]),
  );

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
      asOf: later(before.asOf, asOf),
      readAt: now,
    };
    await store.commit({
      connection: connection.name,
      at: now,
      checkpoint,
      settings: {
        ...feedDelivered(connection, before, delivery, now),
        ...watermarkSettings(connection.name, delivery),
      },
    });
    acceptDelivery(live, delivery);
    await letGo(house, connection.name, delivery, options.signal);
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
  const presence = delivery.content === 'snapshot' ? asOf : undefined;
  using plan = openPlan(house, mapping, live, now, options.actor, options.signal, presence);
  plan.overlay = overlay;
  await using layingOut =
    before === null && options.mode === 'commit' && !pilot ? new LayingOut(store, plan.rules.now) : null;
  plan.layingOut = layingOut;
  const marks = await marksOnFile(house, connection.name);
  const sealedBefore = delivery.content === 'snapshot' ? await sealedFeed(house, connection.name) : null;
  const earlier = await earlierMarks(house, sealedBefore?.mapping, mapping, delivery.columns);
  using reading = new Reading(house, plan, mapping, known, scan, asOf, marks, { ...options, earlier });
  const again = reading.alsoKnown(await rowsAgain(house, connection.name, known, delivery, options));
  for await (const rows of delivery.read(again, options.signal)) await reading.take(rows);
  const remaining = reading.remaining(again);
  if (remaining.size > 0) {
    for await (const rows of delivery.read(remaining, options.signal)) await reading.takeRemaining(rows, remaining);
  }
  await reading.finish();
  const joined = live.also.length === 0 ? null : await joinedWorkers(house, connection, mapping.also, overlay);
  const { onlyWorker } = options;
  if (joined !== null) await planJoined(house, plan, joined, (key) => onlyWorker === undefined || key === onlyWorker);
  if (!pilot) await planPending(house, plan, { unsaid: delivery.content === 'snapshot' });

  const found = { plan, contentDigest: scan.contentDigest, context, pilot };
  const seal = delivery.content === 'snapshot' ? await judgeSeal(house, reading, found) : null;
  const read = {
    ...EMPTY_REPORT,
    connection: connection.name,
    delivery: delivery.name,
    rows: scan.rows,
    recognised: scan.rows - scan.unknownRows,
    rejections: reading.rejections,
  };
  if (seal !== null && seal.items.length > 0 && !seal.released) {
    let come: ReadonlySet<string> = new Set();
    const inspect = (leavers: Plan, verdict: Verdict) =>
      options.inspect?.(leavers, verdict, { context, before, due: come });
    const judged = await judgeBroken(
      house,
      live,
      plan,
      reading,
      seal,
      { ...options, inspect, pilot },
      async (leavers) => {
        // The calendar goes on whatever the feed looks like.
        if (options.mode === 'plan') come = await planDue(house, leavers, connection.name, now, options);
        return doubt === null ? 0 : withholdByDate(house, leavers, live.connection.policy, doubt);
      },
    );
    return { ...read, ...judged };
  }
  if (seal !== null && options.mode === 'commit' && !pilot) {
    await releaseFeed(house, connection.name, { now, actor: options.actor, released: seal.released });
  }

  const planned = options.mode === 'plan' && options.limit === undefined;
  const due = !planned ? new Set<string>() : await planDue(house, plan, connection.name, now, options);
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
    ...(seal === null ? {} : { seal: 'whole' as const }),
    pilot,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  if (options.limit !== undefined) reading.keepOnly(options.limit);
  // In a plan without `commit` the clock is never in doubt; in doubt nobody can say how far two deliveries lie apart.
  const everybody = delivery.content === 'snapshot' && !pilot && workers > 0 && doubt === null;
  const missing = everybody ? await lookForMissing(house, plan, reading, delivery, scan.completeness) : null;
  const withheld = doubt === null ? 0 : await withholdByDate(house, plan, live.connection.policy, doubt);
  const verdict = await (options.mode === 'plan' ? guardPlan : grantPlan)(house, plan, judgeOptions);
  await options.inspect?.(plan, verdict, { context, before, due });

  const base = { ...read, suspected: missing?.suspects.size ?? 0 };
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
  await saveMarks(house, connection.name, marks);
  const committed: Committed = await commitPlan(house, plan, verdict, judgeOptions);
  const strange = verdict.tripped.some(({ kind }) => kind === 'newlyRejected');
  const suspected =
    missing === null
      ? 0
      : await rememberSuspects(house, connection.name, missing, { now, actor: options.actor, strange });
  if (joined !== null && !pilot) await settleJoined(house, plan, joined, committed.postponed);
  const waiting = committed.postponed.length + plan.unanswered.size;
  // A hold that this delta leaves as it was is none of its changes, but it holds what is in it.
  const isHeld = committed.held.length > 0 || verdict.held.size > 0;
  if (!pilot) {
    // A delta is read once; a snapshot says everything anew.
    const passes = (key: string) => !plan.candidates.has(key) || verdict.passes.has(key);
    if (delivery.content === 'delta') await keepPending(house, plan, passes, committed.postponed);
    else await forgetPending(house, plan, passes, committed.postponed);
    const open = committed.held.length + waiting + suspected + plan.blocked.size;
    const checkpoint: Checkpoint = {
      deliveryId: delivery.id,
      name: delivery.name,
      contentDigest: scan.contentDigest,
      contextDigest: context,
      asOf,
      readAt: now,
      rows: scan.rows,
      // What others stored meanwhile may have asked for a row that this delivery has said already.
      complete: open === 0 && !plan.berth.overtaken(),
      columns: delivery.columns,
    };
    // A trip that had nothing harmful to hold has passed nothing: what it saw becomes usual only when a person released some of it.
    const released = verdict.uses.some(({ approved }) => approved);
    const suspicious =
      committed.held.some(({ kind }) => kind === 'newlyRejected') ||
      (!released && verdict.tripped.some(({ kind }) => kind === 'newlyRejected'));
    // The next delivery is compared under the mapping by which this one was read.
    if (sealedBefore?.mapping !== mapping.digest)
      await store.saveMapping(mapping.digest, connection.name, connection.text);
    await store.commit({
      connection: connection.name,
      at: now,
      checkpoint,
      rejections: reading.rejections,
      settings: {
        ...feedSince(connection.name, before, checkpoint),
        ...feedDelivered(connection, before, delivery, now),
        ...feedHired(connection.name, committed.tally, now),
        ...watermarkSettings(connection.name, delivery),
        ...(suspicious ? {} : baseline(connection.name, reading, seal)),
      },
    });
    acceptDelivery(live, delivery);
    await recordPopulation(house, connection.name, now);
    await rememberKey(house, live);
    if (!isHeld || firstLoad) await acceptMapping(house, live);
    // What is held or waits of a snapshot stands in its rows alone; what is of a delta is kept as facts.
    if (delivery.content === 'delta' || (!isHeld && waiting === 0))
      await letGo(house, connection.name, delivery, options.signal);
  }
  const unanswered = plan.unanswered.size - withheld;
  if (unanswered > 0) count(committed.tally, 'workers waiting for a target to answer', unanswered);
  if (withheld > 0) count(committed.tally, 'workers waiting until the clock is believed', withheld);
  if (contacts.met.length > 0) count(committed.tally, 'targets met for the first time', contacts.met.length);
  if (contacts.unmet.length > 0) count(committed.tally, 'targets that could not be listed yet', contacts.unmet.length);
  return {
    ...base,
    suspected,
    kind: isHeld ? 'held' : 'done',
    reason: scan.completeness.proof,
    tally: committed.tally,
    holds: shown,
    // Their rows say what nobody has decided yet: the next slot may be a day away.
    ...(committed.postponed.length > 0 && !pilot ? { retryAfterMs: OVERTAKEN_AGAIN_MS } : {}),
  };
}

async function lookForMissing(
  house: House,
  plan: Plan,
  reading: Reading,
  delivery: Delivery,
  completeness: Completeness,
): Promise<Missing> {
  // A row that names nobody may be anybody's: then the delivery does not prove that anybody is missing.
  const strong = completeness.strength === 'strong' && reading.nameless === 0;
  const { now } = plan.rules;
  const sighting = { delivery: delivery.id, asOf: delivery.asOf, at: now, strong };
  return lookForAbsent(house, plan, await reading.absent(), sighting);
}

/** What the next delivery is compared with. */
const baseline = (connection: string, reading: Reading, seal: SealVerdict | null): Record<string, JsonValue> => ({
  [baselineKey(connection)]: reading.rejections.map(rejectionName),
  ...(seal === null ? {} : { [sealKey(connection)]: seal.sealed as unknown as JsonValue }),
});

/** Whom the calendar judges beside a cycle: rows that are recognised say nothing of a moment that has come, or has by `asIf`. */
async function planDue(
  house: House,
  plan: Plan,
  connection: string,
  now: Instant,
  { onlyWorker }: CycleOptions,
): Promise<ReadonlySet<string>> {
  const due = await house.store.due(connection, now, Number.MAX_SAFE_INTEGER);
  const keys = due.filter((key) => !plan.has(key) && (onlyWorker === undefined || key === onlyWorker));
  await planWorkers(
    house,
    plan,
    keys.map((key) => ({ key, employments: [], fingerprints: [] })),
  );
  return new Set(due);
}

const isPilot = ({ onlyWorker, limit }: CycleOptions): boolean => onlyWorker !== undefined || limit !== undefined;

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
  if ((await house.store.pendingKeys(live.connection.name)).length > 0) return false;
  if ((await delivery.contentDigest(options.signal)) !== before.contentDigest) return false;
  // What was told beside the feed while the file was read wants to meet it.
  return (await house.store.checkpoint(live.connection.name))?.complete === true;
}

/**
 * Known rows of workers of whom something is held: they are read again, so that what changed since falls out of the hold. So are
 * those of the one worker whom a person asks for: what was told beside the feed then meets what the feed says.
 */
async function rowsAgain(
  house: House,
  connection: string,
  known: KnownFingerprints,
  { content }: Pick<Delivery, 'content'>,
  { onlyWorker }: Pick<CycleOptions, 'onlyWorker'>,
): Promise<ReadonlySet<number>> {
  const indexes = new Set<number>();
  const holds = await house.store.holds(connection, Number.MAX_SAFE_INTEGER);
  if (onlyWorker !== undefined) {
    const situation = (await house.store.situations(connection, [onlyWorker])).get(onlyWorker);
    for (const { id } of situation?.employments ?? []) for (const index of known.indexesOf(id)) indexes.add(index);
  }
  // What was told of somebody beside a snapshot is newer than a row that stood in it before; a row of a delta is told now.
  const told = new Set(content === 'snapshot' ? await house.store.pendingKeys(connection) : []);
  for (const key of heldWorkers(holds)) {
    if (!told.has(key)) for (const index of known.indexesOf(key)) indexes.add(index);
  }
  return indexes;
}
