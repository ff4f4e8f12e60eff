// The guard's word over a plan: what of it may be stored, and what is held.
import { assert } from '../base/assert.ts';
import { DAY_MS, HOUR_MS, type Instant, plusMs } from '../base/instant.ts';
import type { HoldChange, HoldItem } from '../planning/changeset.ts';
import { judge as judgeGuard, type Verdict } from '../planning/guard.ts';
import { heldWorkers } from '../planning/hold-items.ts';
import type { Limits } from '../planning/limits.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Hold } from '../store/store.ts';
import { heldLeaverEntries } from './held-leavers.ts';
import type { House } from './house.ts';
import { type Plan, planWorkers } from './plan.ts';
import { establishedPopulation, recordBefore } from './population.ts';
import { countUnits, unitLimits } from './unit-population.ts';

export interface JudgeOptions {
  readonly now: Instant;
  readonly actor: string;
  readonly limits: Limits;
  readonly fingerprintContext?: string;
  /**
   * `everyone`: a snapshot was judged, holds keep nothing else. `judged`: only the judged workers' items are replaced. `harmful`: the
   * facts on file were judged; what they do not show may stand in a record that only the feed has, and stays held.
   */
  readonly covers: 'everyone' | 'judged' | 'harmful';
  readonly rows?: { readonly total: number; readonly rejected: number; readonly newlyRejected: number };
  readonly firstLoad: boolean;
  /** Of the delivery that was judged. Left out where none was: then an open hold of the feed counts as a tripped guard. */
  readonly seal?: 'whole' | 'broken';
  /** Only some of a delivery is judged. */
  readonly pilot?: boolean;
  /** Called after each slice with how many of how many are done. */
  readonly onProgress?: (phase: 'plan' | 'commit', done: number, total: number) => void;
}

/** Workers planned again in one go before the guard's word is asked for; the last of them while nobody else is given one. */
const STALE_AT_LEISURE = 50;

/**
 * The guard's word on a plan that will be stored: one plan at a time. From here on what it withholds is visible and what it grants
 * counts for every other plan. Reading and planning before it, and storing after it, happen beside other plans.
 */
export async function grantPlan(house: House, plan: Plan, options: JudgeOptions): Promise<Verdict> {
  const verdict = await grantWhere(house, plan, options, () => true);
  assert(verdict !== null, 'every word of the guard is taken');
  return verdict;
}

/** The guard's word where it holds nobody; null, and nothing is granted or stored, where it would hold anybody. */
export const grantUnlessHeld = (house: House, plan: Plan, options: JudgeOptions): Promise<Verdict | null> =>
  grantWhere(house, plan, options, ({ held }) => held.size === 0);

async function grantWhere(
  house: House,
  plan: Plan,
  options: JudgeOptions,
  isTaken: (verdict: Verdict) => boolean,
): Promise<Verdict | null> {
  while (plan.berth.stale.size > STALE_AT_LEISURE) await planStale(house, plan);
  await countUnits(house, plan);
  return plan.turn.take(async () => {
    await planStale(house, plan);
    await recordBefore(house, plan.rules.mapping.connection, options.now);
    const verdict = await guardPlan(house, plan, options);
    if (!isTaken(verdict)) return null;
    await storeHolds(house, plan, verdict, options);
    plan.berth.grant(verdict.uses);
    plan.berth.held(heldWorkers([...verdict.held.values()].map((items) => ({ items }))));
    return verdict;
  });
}

/** Whom others have changed since they were planned is planned again, on what is on file now: their leave is newer than this plan. */
async function planStale(house: House, plan: Plan): Promise<void> {
  const keys = [...plan.berth.stale].filter((key) => plan.has(key));
  plan.berth.stale.clear();
  await planWorkers(
    house,
    plan,
    keys.flatMap((key) => plan.get(key)?.observed ?? []),
  );
}

/** The guard's word on the whole plan. Reads windows, approvals and open holds; changes nothing. */
export async function guardPlan(house: House, plan: Plan, options: JudgeOptions): Promise<Verdict> {
  const { connection, digest } = plan.rules.mapping;
  const { store } = house;
  const { now } = options;
  const perUnit = plan.rules.limitsPer !== undefined;
  // Before the windows are read: what is stored while they are would stand in neither. Counted twice it only holds more.
  const elsewhere = plan.berth.elsewhere();
  const [population, units, hour, day, week, approvals, discards, holds] = await Promise.all([
    establishedPopulation(house, connection, now),
    unitLimits(house, plan),
    store.guardSlot(connection, 'hour', plusMs(now, -HOUR_MS), perUnit),
    store.guardSlot(connection, 'day', plusMs(now, -DAY_MS), perUnit),
    store.guardSlot(connection, 'week', plusMs(now, -7 * DAY_MS), perUnit),
    store.approvals(connection, now),
    store.discards(connection, now),
    store.holds(connection, Number.MAX_SAFE_INTEGER),
  ]);
  const open = new Map<HoldChange['kind'], readonly HoldItem[]>(holds.map((hold) => [hold.kind, hold.items]));
  // The hold of a feed that is whole again, looked at by a plan that stores nothing.
  if (options.seal === 'whole') open.delete('feed');
  const judged =
    options.covers === 'everyone'
      ? ('everyone' as const)
      : new Set(options.covers === 'judged' ? plan.keys() : plan.candidates.keys());
  return judgeGuard({
    connection,
    now,
    population,
    candidates: [...plan.candidates.values()],
    used: { hour: [...hour, ...elsewhere], day: [...day, ...elsewhere], week: [...week, ...elsewhere] },
    approvals,
    discards,
    limits: options.limits,
    units,
    mappingDigest: digest,
    sha256,
    ...(options.rows === undefined ? {} : { rows: options.rows }),
    firstLoad: options.firstLoad,
    otherGuardTripped: options.seal === 'broken',
    pilot: options.pilot === true,
    open,
    covers: judged,
    beside: new Set([...plan.berth.heldElsewhere].filter((key) => !plan.has(key))),
  });
}

/** What is withheld must be visible from the moment anything else of the plan is. */
async function storeHolds(house: House, plan: Plan, verdict: Verdict, options: JudgeOptions): Promise<void> {
  if (verdict.holds.length === 0) return;
  const { connection } = plan.rules.mapping;
  const before = await house.store.holds(connection, Number.MAX_SAFE_INTEGER);
  const news = verdict.holds.filter(
    (hold) => !sameItems(hold.items, before.find(({ kind }) => kind === hold.kind)?.items ?? []),
  );
  await house.store.commit({
    connection,
    at: options.now,
    holds: verdict.holds,
    entries: holdEntries(plan, news, before, options),
  });
}

const sameItems = (a: readonly HoldItem[], b: readonly HoldItem[]): boolean =>
  a.length === b.length && new Set([...a, ...b].map(({ digest }) => digest)).size === a.length;

/** A hold is written down when it opens, changes or empties, not at every look; and whose leave it is that waits. */
function holdEntries(plan: Plan, news: readonly HoldChange[], before: readonly Hold[], { actor }: JudgeOptions) {
  const { connection, digest } = plan.rules.mapping;
  return news.flatMap((hold) => [
    {
      kind: 'hold',
      connection,
      workerKey: null,
      actor,
      body: { hold: hold.kind, reason: hold.reason, items: hold.items.length, mapping: digest },
    },
    ...heldLeaverEntries(connection, actor, hold, before.find(({ kind }) => kind === hold.kind)?.items ?? []),
  ]);
}
