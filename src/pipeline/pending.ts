// What deltas said of workers who wait. A delta is read once, so what a guard holds of it – or what a target did not answer for –
// is kept as facts and judged again with whatever comes next: the deltas behind it, and the leavers in them, wait for nobody.
import type { Instant } from '../base/instant.ts';
import type { PendingFacts } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import { clockDoubt, withholdByDate } from './clock-watch.ts';
import { type CycleReport, EMPTY_REPORT } from './cycle-report.ts';
import { meetTargets } from './first-contact.ts';
import { breathe, type House, type LiveConnection } from './house.ts';
import { type Committed, commitPlan, guardPlan, openPlan, type Plan, planWorkers } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';

/** Workers looked up, or stored, at once. */
const BATCH = 100;

/**
 * Adds the facts that wait to a plan. Those held because too much of their delta was rejected stay out until a person releases
 * them, or a later record of theirs takes their place: nothing else makes that delta right.
 */
export async function planPending(house: House, plan: Plan): Promise<void> {
  const { connection } = plan.rules.mapping;
  const waiting = await house.store.pendingKeys(connection);
  if (waiting.length === 0) return;
  const distrusted = await distrustedKeys(house, plan);
  const keys = waiting.filter((key) => {
    if (!distrusted.has(key) || (plan.get(key)?.observed.employments.length ?? 0) > 0) return true;
    // Judged on the facts on file alone they would fall out of the hold.
    plan.drop(key);
    return false;
  });
  for (let from = 0; from < keys.length; from += BATCH) {
    const facts = await house.store.pendingFacts(connection, keys.slice(from, from + BATCH));
    const observed = facts.map(({ key, employments }) => {
      const planned = plan.get(key)?.observed;
      return {
        ...planned,
        key,
        employments: [...employments, ...(planned?.employments ?? [])],
        fingerprints: planned?.fingerprints ?? [],
      };
    });
    await planWorkers(house, plan, observed);
    await breathe();
  }
}

async function distrustedKeys(house: House, plan: Plan): Promise<ReadonlySet<string>> {
  const { mapping, now } = plan.rules;
  const [holds, approvals] = await Promise.all([
    house.store.holds(mapping.connection, Number.MAX_SAFE_INTEGER),
    house.store.approvals(mapping.connection, now),
  ]);
  const items = holds.find(({ kind }) => kind === 'newlyRejected')?.items ?? [];
  return new Set(items.filter(({ digest }) => !approvals.has(digest)).map(({ harm }) => harm.workerKey));
}

/** Keeps what was observed of those who did not pass, and forgets what is stored by now. Before the delta is marked as read. */
export async function keepPending(
  house: House,
  plan: Plan,
  passes: (key: string) => boolean,
  postponed: readonly string[],
): Promise<void> {
  const { mapping, now } = plan.rules;
  const { connection } = mapping;
  const before = new Set(await house.store.pendingKeys(connection));
  const late = new Set(postponed);
  let slice: PendingFacts[] = [];
  const store = async (facts: PendingFacts | null): Promise<void> => {
    if (facts !== null) slice.push(facts);
    if (slice.length === 0 || (facts !== null && slice.length < BATCH)) return;
    const pending = slice;
    slice = [];
    await house.store.commit({ connection, at: now, pending });
    await breathe();
  };
  for (const [key, { employments }] of plan.unanswered) await store({ key, employments });
  for (const key of plan.keys()) {
    if (plan.unanswered.has(key)) continue;
    if (passes(key) && !late.has(key)) {
      if (before.has(key)) await store({ key, employments: [] });
    } else await store({ key, employments: plan.get(key)?.observed.employments ?? [] });
  }
  await store(null);
}

/** A snapshot says of everybody what earlier deltas said. */
export async function forgetPending(house: House, connection: string, at: Instant): Promise<void> {
  const keys = await house.store.pendingKeys(connection);
  if (keys.length === 0) return;
  await house.store.commit({ connection, at, pending: keys.map((key) => ({ key, employments: [] })) });
}

/** A cycle without a delivery: judges what waits, for a guard's hour passes and people approve. Null when nothing waits. */
export async function judgePending(
  house: House,
  live: LiveConnection,
  actor: string,
  signal: AbortSignal,
): Promise<CycleReport | null> {
  const { name, policy } = live.connection;
  if ((await house.store.pendingKeys(name)).length === 0) return null;
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Error(`bug: connection ${name} does not bind without a feed`);
  const now = nowOf(house.clock);
  const doubt = await clockDoubt(house, signal);
  await meetTargets(house, live, { actor, signal, all: true });
  using plan = openPlan(house, bound.mapping, live, now, actor, signal);
  await planPending(house, plan);
  if (doubt !== null) await withholdByDate(house, plan, policy, doubt);
  const options = {
    now,
    actor,
    limits: await limitsOf(house, live, false),
    covers: 'judged' as const,
    firstLoad: false,
  };
  const verdict = await guardPlan(house, plan, options);
  const committed: Committed = await commitPlan(house, plan, verdict, options);
  await keepPending(house, plan, (key) => !plan.candidates.has(key) || verdict.passes.has(key), committed.postponed);
  const holds = await house.store.holds(name, 0);
  return {
    ...EMPTY_REPORT,
    connection: name,
    kind: holds.length > 0 ? 'held' : 'done',
    reason: 'what earlier deliveries said of workers who wait',
    tally: committed.tally,
    holds: holds.map(({ kind, reason, itemCount }) => ({ kind, reason, items: itemCount })),
  };
}
