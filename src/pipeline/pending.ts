// What deltas said of workers who wait. A delta is read once, so what a guard holds of it – or what a target did not answer for –
// is kept as facts and judged again with whatever comes next: the deltas behind it, and the leavers in them, wait for nobody.
import type { PendingFacts } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Employment } from '../worker/worker.ts';
import { clockDoubt, withholdByDate } from './clock-watch.ts';
import { type Committed, commitPlan } from './commit-plan.ts';
import { type CycleReport, EMPTY_REPORT } from './cycle-report.ts';
import { meetTargets } from './first-contact.ts';
import { breathe, type House, type LiveConnection } from './house.ts';
import { grantPlan } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';
import { openPlan, type Plan, planWorkers } from './plan.ts';

/** Workers looked up, or stored, at once. */
const BATCH = 100;

/** Of the facts that wait: only those of some workers, or only those of which the plan's own delivery says nothing newer. */
interface Which {
  readonly among?: ReadonlySet<string>;
  readonly unsaid?: boolean;
}

/**
 * Adds the facts that wait to a plan. Those held because too much of their delta was rejected stay out until a person releases
 * them, or a later record of theirs takes their place: nothing else makes that delta right.
 */
export async function planPending(house: House, plan: Plan, which: Which = {}): Promise<void> {
  const { connection } = plan.rules.mapping;
  const { among, unsaid = false } = which;
  const all = await house.store.pendingKeys(connection);
  const waiting = among === undefined ? all : all.filter((key) => among.has(key));
  if (waiting.length === 0) return;
  const distrusted = await distrustedKeys(house, plan);
  const keys = waiting.filter((key) => {
    if (!distrusted.has(key) || (plan.get(key)?.observed.employments.length ?? 0) > 0) return true;
    // Judged on the facts on file alone they would fall out of the hold.
    plan.drop(key);
    return false;
  });
  for (let from = 0; from < keys.length; from += BATCH) {
    const waits = await house.store.pendingFacts(connection, keys.slice(from, from + BATCH));
    const facts = waits.flatMap(({ key, employments }): readonly PendingFacts[] => {
      const left = unsaid ? unjudged(employments, plan.get(key)?.observed.employments ?? []) : employments;
      return left.length === 0 ? [] : [{ key, employments: left }];
    });
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
  const others = async (key: string, judged: readonly Employment[]): Promise<readonly Employment[]> => {
    const facts = before.has(key) ? await house.store.pendingFacts(connection, [key]) : [];
    return unjudged(facts[0]?.employments ?? [], judged);
  };
  for (const [key, { employments }] of plan.unanswered)
    await store({ key, employments: [...(await others(key, employments)), ...employments] });
  for (const key of plan.keys()) {
    if (plan.unanswered.has(key)) continue;
    const passed = passes(key) && !late.has(key);
    if (passed && !before.has(key)) continue;
    const observed = plan.get(key)?.observed.employments ?? [];
    const left = await others(key, observed);
    await store({ key, employments: passed ? left : [...left, ...observed] });
  }
  await store(null);
}

/** Facts that came to wait after the plan had looked for them: what became of the plan says nothing of them. */
const unjudged = (waiting: readonly Employment[], judged: readonly Employment[]): readonly Employment[] =>
  waiting.filter(({ id, asOf }) => !judged.some((one) => one.id === id && one.asOf >= asOf));

/**
 * Of whom a snapshot has a row that is newer, it says everything anew. A row that it has had before says nothing new: what was
 * told since goes on waiting, and so does what came while it was read.
 */
export async function forgetPending(
  house: House,
  plan: Plan,
  passes: (key: string) => boolean,
  postponed: readonly string[],
): Promise<void> {
  const { mapping, now } = plan.rules;
  const { connection } = mapping;
  const late = new Set(postponed);
  const keys = await house.store.pendingKeys(connection);
  for (let from = 0; from < keys.length; from += BATCH) {
    const facts = await house.store.pendingFacts(connection, keys.slice(from, from + BATCH));
    const pending = facts.flatMap(({ key, employments }): readonly PendingFacts[] => {
      const observed = plan.get(key)?.observed.employments ?? [];
      const stored = plan.has(key) && !plan.unanswered.has(key) && passes(key) && !late.has(key);
      const left = stored ? unjudged(employments, observed) : employments.filter((one) => !isOutdated(one, observed));
      return left.length === employments.length ? [] : [{ key, employments: left }];
    });
    if (pending.length > 0) await house.store.commit({ connection, at: now, pending });
    await breathe();
  }
}

const isOutdated = ({ id, asOf }: Employment, observed: readonly Employment[]): boolean =>
  observed.some((one) => one.id === id && one.asOf > asOf);

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
  const verdict = await grantPlan(house, plan, options);
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
