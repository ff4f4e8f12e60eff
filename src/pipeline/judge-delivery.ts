// One delivery: examine, recognise, read, map, plan, guard, commit, checkpoint. One that is not proven whole, is older than what was
// accepted, or lacks a mapped column has no effect at all.
import { type Instant, later } from '../base/instant.ts';
import { canonicalJson, type JsonValue } from '../base/json.ts';
import { Problem } from '../base/problem.ts';
import { type BoundMapping, MAPPING_CODE_VERSION } from '../mapping/bound-mapping.ts';
import type { Checkpoint } from '../planning/changeset.ts';
import type { FeedMarks } from '../planning/feed-marks.ts';
import type { Verdict } from '../planning/guard.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Completeness, Delivery, Scan } from '../sources/source.ts';
import type { KnownFingerprints } from '../store/store.ts';
import { judgeBroken, releaseFeed } from './broken-seal.ts';
import { believedAsOf, type ClockDoubt, clockDoubt, withholdByDate } from './clock-watch.ts';
import { type Committed, commitPlan } from './commit-plan.ts';
import { type CycleOptions, isPilot } from './cycle-options.ts';
import { type CycleReport, EMPTY_REPORT, plannedTally } from './cycle-report.ts';
import { earlierMarks } from './earlier-marks.ts';
import type { FactsOverlay } from './facts-overlay.ts';
import { feedDelivered, feedHired, feedSince } from './feed-age.ts';
import {
  judgeSeal,
  MARKS_VERSION,
  marksOnFile,
  type SealedFeed,
  type SealVerdict,
  saveMarks,
  sealedFeed,
  sealKey,
} from './feed-seal.ts';
import { type Contacts, meetTargets } from './first-contact.ts';
import { count, type House, type LiveConnection } from './house.ts';
import { type Joined, joinedWorkers, planJoined, settleJoined } from './joined.ts';
import { grantPlan, guardPlan, type JudgeOptions } from './judge.ts';
import { LayingOut } from './laying-out.ts';
import { letGo } from './let-go.ts';
import { acceptMapping, limitsOf } from './limits-in-force.ts';
import { baselineKey, newlyRejected, rejectionName } from './newly-rejected.ts';
import { deltaRead } from './overlooked-deltas.ts';
import { tellOvertaken } from './overtaken-leaves.ts';
import { forgetPending, keepPending, planPending } from './pending.ts';
import { openPlan, type Plan, planWorkers } from './plan.ts';
import { recordPopulation } from './population.ts';
import { REJECTIONS_KEPT_MAX, Reading } from './reading.ts';
import { lookForAbsent, type Missing, rememberSuspects } from './suspected.ts';
import { countUnitsOnce } from './unit-population.ts';
import { acceptDelivery, watermarkSettings } from './watermark.ts';
import { refuseOtherKeys, rememberKey } from './worker-key.ts';

/** A worker whom others kept changing while a delivery was stored is looked at again after this long. */
const OVERTAKEN_AGAIN_MS = 5_000;

/** A delivery of which is known how it is to be read: nothing of its rows has been looked at yet. */
interface Examined {
  readonly house: House;
  readonly live: LiveConnection;
  readonly delivery: Delivery;
  readonly now: Instant;
  readonly options: CycleOptions;
  readonly pilot: boolean;
  readonly mapping: BoundMapping;
  /** Of the delivery that was accepted last; null before the first load. */
  readonly before: Checkpoint | null;
  readonly doubt: ClockDoubt | null;
  /** What its facts are dated by. */
  readonly asOf: Instant;
  readonly contacts: Contacts;
  /** Digest of all that rows are read by. */
  readonly context: string;
}

/** @throws Problem where the delivery lacks a mapped column, is older than what was accepted, or is keyed otherwise. */
async function examined(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  now: Instant,
  options: CycleOptions,
): Promise<Examined> {
  const { connection } = live;
  const bound = connection.bind(delivery.columns);
  if ('faults' in bound) throw new Problem(bound.faults);
  const mapping = bound.mapping;
  await refuseOtherKeys(house, live);
  const before = await house.store.checkpoint(connection.name);
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
  const pilot = isPilot(options);
  return { house, live, delivery, now, options, pilot, mapping, before, doubt, asOf, contacts, context };
}

/** @throws Problem where it is refused whole: then nothing of it has had any effect. */
export async function judgeDelivery(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  now: Instant,
  options: CycleOptions,
  overlay: FactsOverlay | null,
): Promise<CycleReport> {
  const look = await examined(house, live, delivery, now, options);
  const { pilot, mapping, before, asOf, context } = look;
  if (!pilot && options.mode === 'commit' && before !== null && (await isRecognised(look, before)))
    return acceptAgain(look, before);

  const { store } = house;
  const { name } = live.connection;
  const known = await store.knownRows(name, context);
  const scan = await delivery.scan(known, options.signal);
  const presence = delivery.content === 'snapshot' ? asOf : undefined;
  using plan = openPlan(house, mapping, live, now, options.actor, options.signal, presence);
  plan.overlay = overlay;
  await using layingOut =
    before === null && options.mode === 'commit' && !pilot ? new LayingOut(store, plan.rules.now) : null;
  plan.layingOut = layingOut;
  const marks = await marksOnFile(house, name);
  const sealedBefore = delivery.content === 'snapshot' ? await sealedFeed(house, name) : null;
  const earlier = await earlierMarks(house, sealedBefore?.mapping, mapping, delivery.columns);
  using reading = new Reading(house, plan, mapping, known, scan, asOf, marks, { ...options, earlier });
  await readRows(look, reading, known);
  const joined = live.also.length === 0 ? null : await planJoinedBeside(look, plan, overlay);
  // A pilot says of whom it judges all that is known of them, or what waits would fall out of its hold.
  const unsaid = delivery.content === 'snapshot';
  const { onlyWorker } = options;
  const judged = () => new Set([...plan.keys(), ...(onlyWorker === undefined ? [] : [onlyWorker])]);
  await planPending(house, plan, pilot ? { unsaid, among: judged() } : { unsaid });

  const found = { plan, contentDigest: scan.contentDigest, context, pilot };
  const seal = delivery.content === 'snapshot' ? await judgeSeal(house, reading, found) : null;
  const all: Read = { plan, reading, scan, marks, sealedBefore, joined, seal };
  // Awaited: the plan and what was read end with this function.
  if (seal !== null && seal.items.length > 0 && !seal.released) return await judgeUnlike(look, all, seal);
  if (seal !== null && options.mode === 'commit' && !pilot) {
    await releaseFeed(house, name, { now, actor: options.actor, released: seal.released });
  }
  return await judgeRead(look, all);
}

/** Everything that a delivery said, planned and not judged. */
interface Read {
  readonly plan: Plan;
  readonly reading: Reading;
  readonly scan: Scan;
  readonly marks: FeedMarks;
  readonly sealedBefore: SealedFeed | null;
  /** Whom further sources join; null where there are none. */
  readonly joined: Joined | null;
  /** Null for a delta: nothing says what it should look like. */
  readonly seal: SealVerdict | null;
}

/** Once for those that are not recognised, and once more for whoever has rows that are and rows that are not. */
async function readRows({ house, live, delivery, options }: Examined, reading: Reading, known: KnownFingerprints) {
  const again = reading.alsoKnown(await rowsAgain(house, live.connection.name, known, delivery, options));
  for await (const rows of delivery.read(again, options.signal)) await reading.take(rows);
  const remaining = reading.remaining(again);
  if (remaining.size > 0) {
    for await (const rows of delivery.read(remaining, options.signal)) await reading.takeRemaining(rows, remaining);
  }
  await reading.finish();
}

async function planJoinedBeside(
  { house, live, mapping, options: { onlyWorker } }: Examined,
  plan: Plan,
  overlay: FactsOverlay | null,
): Promise<Joined> {
  const joined = await joinedWorkers(house, live.connection, mapping.also, overlay);
  await planJoined(house, plan, joined, (key) => onlyWorker === undefined || key === onlyWorker);
  return joined;
}

const readReport = ({ live, delivery }: Examined, { scan, reading }: Read) => ({
  ...EMPTY_REPORT,
  connection: live.connection.name,
  delivery: delivery.name,
  rows: scan.rows,
  recognised: scan.rows - scan.unknownRows,
  rejections: reading.rejections,
});

/** A feed that does not look like the last good one: nothing of it counts but who certainly leaves, and the calendar goes on. */
async function judgeUnlike(look: Examined, all: Read, seal: SealVerdict): Promise<CycleReport> {
  const { house, live, now, options, pilot, before, doubt, context } = look;
  let come: ReadonlySet<string> = new Set();
  const inspect = (leavers: Plan, verdict: Verdict) =>
    options.inspect?.(leavers, verdict, { context, before, due: come });
  const judged = await judgeBroken(
    house,
    live,
    all.plan,
    all.reading,
    seal,
    { ...options, inspect, pilot },
    async (leavers) => {
      if (options.mode === 'plan') come = await planDue(house, leavers, live.connection.name, now, options);
      return doubt === null ? 0 : withholdByDate(house, leavers, live.connection.policy, doubt);
    },
  );
  return { ...readReport(look, all), ...judged };
}

/** The guard's word over all of it, and storing what passed. */
async function judgeRead(look: Examined, all: Read): Promise<CycleReport> {
  const { house, live, delivery, now, options, pilot, before, doubt, contacts, context } = look;
  const { plan, reading, scan, marks, joined, seal } = all;
  const { name, policy } = live.connection;
  const planned = options.mode === 'plan' && options.limit === undefined;
  const due = !planned ? new Set<string>() : await planDue(house, plan, name, now, options);
  const { workers } = await house.store.population(name);
  const judgeOptions: JudgeOptions = {
    now,
    actor: options.actor,
    limits: await limitsOf(house, live, before === null),
    fingerprintContext: context,
    covers: delivery.content === 'snapshot' && !pilot ? 'everyone' : 'judged',
    rows: {
      total: scan.rows,
      rejected: reading.rejections.length,
      newlyRejected: await newlyRejected(house, name, reading),
    },
    firstLoad: before === null,
    ...(seal === null ? {} : { seal: 'whole' as const }),
    pilot,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  if (options.limit !== undefined) reading.keepOnly(options.limit);
  // In a plan without `commit` the clock is never in doubt; in doubt nobody can say how far two deliveries lie apart.
  const everybody = delivery.content === 'snapshot' && !pilot && workers > 0 && doubt === null;
  const missing = everybody ? await lookForMissing(house, plan, reading, delivery, scan.completeness) : null;
  const withheld = doubt === null ? 0 : await withholdByDate(house, plan, policy, doubt);
  const verdict = await (options.mode === 'plan' ? guardPlan : grantPlan)(house, plan, judgeOptions);
  await options.inspect?.(plan, verdict, { context, before, due });

  const holds = verdict.holds.filter(({ items }) => items.length > 0);
  const report = {
    ...readReport(look, all),
    reason: scan.completeness.proof,
    holds: holds.map(({ kind, reason, items }) => ({ kind, reason, items: items.length })),
  };
  if (options.mode === 'plan') {
    const kind = holds.length > 0 ? ('held' as const) : ('done' as const);
    return { ...report, kind, tally: plannedTally(plan, verdict), suspected: missing?.suspects.size ?? 0 };
  }
  await saveMarks(house, name, marks);
  const committed = await commitPlan(house, plan, verdict, judgeOptions);
  await tellOvertaken(house, plan);
  const strange = verdict.tripped.some(({ kind }) => kind === 'newlyRejected');
  const sighting = { now, actor: options.actor, strange };
  const suspected = missing === null ? 0 : await rememberSuspects(house, name, missing, sighting);
  if (joined !== null && !pilot) await settleJoined(house, plan, joined, committed.postponed);
  // A hold that this delta leaves as it was is none of its changes, but it holds what is in it.
  const isHeld = committed.held.length > 0 || verdict.held.size > 0;
  if (!pilot) await accept(look, all, { verdict, committed, isHeld, suspected });

  const { tally, postponed } = committed;
  const unanswered = plan.unanswered.size - withheld;
  if (unanswered > 0) count(tally, 'workers waiting for a target to answer', unanswered);
  if (withheld > 0) count(tally, 'workers waiting until the clock is believed', withheld);
  if (contacts.met.length > 0) count(tally, 'targets met for the first time', contacts.met.length);
  if (contacts.unmet.length > 0) count(tally, 'targets that could not be listed yet', contacts.unmet.length);
  return {
    ...report,
    suspected,
    kind: isHeld ? 'held' : 'done',
    tally,
    // Their rows say what nobody has decided yet: the next slot may be a day away.
    ...(postponed.length > 0 && !pilot ? { retryAfterMs: OVERTAKEN_AGAIN_MS } : {}),
  };
}

interface Stored {
  readonly verdict: Verdict;
  readonly committed: Committed;
  readonly isHeld: boolean;
  /** How many are missing since now. */
  readonly suspected: number;
}

/** The last commit of a delivery: from here on it is the one that was accepted last, and the next is compared with it. */
async function accept(look: Examined, all: Read, { verdict, committed, isHeld, suspected }: Stored): Promise<void> {
  const { house, live, delivery, now, options, mapping, before, asOf, context } = look;
  const { plan, reading, scan, sealedBefore, seal } = all;
  const { connection } = live;
  const { name } = connection;
  // A delta is read once; a snapshot says everything anew.
  const passes = (key: string) => !plan.candidates.has(key) || verdict.passes.has(key);
  if (delivery.content === 'delta') await keepPending(house, plan, passes, committed.postponed);
  else await forgetPending(house, plan, passes, committed.postponed);
  const waiting = committed.postponed.length + plan.unanswered.size;
  const open = committed.held.length + waiting + suspected + plan.blocked.size + reading.leavesAhead;
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
  if (sealedBefore?.mapping !== mapping.digest) await house.store.saveMapping(mapping.digest, name, connection.text);
  await house.store.commit({
    connection: name,
    at: now,
    checkpoint,
    rejections: reading.rejections,
    settings: {
      ...feedSince(name, before, checkpoint),
      ...feedDelivered(connection, before, delivery, now),
      ...feedHired(name, committed.tally, now),
      ...watermarkSettings(name, delivery),
      ...(await deltaRead(house, name, delivery)),
      ...(suspicious ? {} : baseline(name, reading, seal)),
    },
  });
  acceptDelivery(live, delivery);
  await recordPopulation(house, name, now);
  await countUnitsOnce(house, plan);
  await rememberKey(house, live);
  if (!isHeld || before === null) await acceptMapping(house, live);
  // What is held or waits of a snapshot stands in its rows alone; what is of a delta is kept as facts.
  if (delivery.content === 'delta' || (!isHeld && waiting === 0)) await letGo(house, name, delivery, options.signal);
}

/** The very same bytes as before, read by the same rules. */
async function acceptAgain(look: Examined, before: Checkpoint): Promise<CycleReport> {
  const { house, live, delivery, now, options, asOf } = look;
  const { connection } = live;
  const { name } = connection;
  await house.store.commit({
    connection: name,
    at: now,
    checkpoint: {
      ...before,
      deliveryId: delivery.id,
      name: delivery.name,
      asOf: later(before.asOf, asOf),
      readAt: now,
    },
    settings: { ...feedDelivered(connection, before, delivery, now), ...watermarkSettings(name, delivery) },
  });
  acceptDelivery(live, delivery);
  await letGo(house, name, delivery, options.signal);
  return {
    ...EMPTY_REPORT,
    connection: name,
    kind: 'unchanged',
    delivery: delivery.name,
    reason: 'the very same file',
    rows: before.rows,
    recognised: before.rows,
    rejections: await house.store.rejections(name, REJECTIONS_KEPT_MAX),
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

/** The very same bytes under the same mapping, everybody settled, nothing held and no release waiting: no second look is needed. */
async function isRecognised(
  { house: { store }, live, delivery, context, options }: Examined,
  before: Checkpoint,
): Promise<boolean> {
  const { name } = live.connection;
  if (!before.complete || before.contextDigest !== context || before.rows === 0) return false;
  if ((await store.unsettled(name)) > 0) return false;
  if ((await store.holds(name, 0)).length > 0) return false;
  if ((await store.pendingKeys(name)).length > 0) return false;
  if ((await delivery.contentDigest(options.signal)) !== before.contentDigest) return false;
  // What was told beside the feed while the file was read wants to meet it.
  return (await store.checkpoint(name))?.complete === true;
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
  // What was told of somebody beside a snapshot is newer than a row that stood in it before; a row of a delta is told now.
  const told = new Set(content === 'snapshot' ? await house.store.pendingKeys(connection) : []);
  if (onlyWorker !== undefined && !told.has(onlyWorker)) {
    const situation = (await house.store.situations(connection, [onlyWorker])).get(onlyWorker);
    for (const { id } of situation?.employments ?? []) for (const index of known.indexesOf(id)) indexes.add(index);
  }
  for (const key of heldWorkers(holds)) {
    if (!told.has(key)) for (const index of known.indexesOf(key)) indexes.add(index);
  }
  return indexes;
}
