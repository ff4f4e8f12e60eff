// Moments that have come. Each worker carries the next instant at which the clock alone changes something; the facts on file
// are judged again then, through the same plan and guard as a feed.
import { plusMs } from '../base/instant.ts';
import type { WorkerChange } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import { clockDoubt, withholdByDate } from './clock-watch.ts';
import { commitPlan, HELD_AGAIN_MS } from './commit-plan.ts';
import type { House, LiveConnection, Tally } from './house.ts';
import { grantPlan, type JudgeOptions } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';
import { openPlan, planWorkers } from './plan.ts';

/** Workers judged in one tick; the rest follows in the next, at once. */
const TICK_MAX = 5_000;

export interface Tick {
  readonly judged: number;
  readonly held: number;
  readonly tally: Tally;
  /** True when more is due already. */
  readonly more: boolean;
  /** True when the clock is in doubt, so that nothing was judged: what is due stays due. */
  readonly doubt?: boolean;
}

export async function tickCalendar(house: House, live: LiveConnection): Promise<Tick> {
  if ((await clockDoubt(house)) !== null) return { judged: 0, held: 0, tally: {}, more: false, doubt: true };
  const now = nowOf(house.clock);
  const { name } = live.connection;
  const keys = await house.store.due(name, now, TICK_MAX);
  if (keys.length === 0) return { judged: 0, held: 0, tally: {}, more: false };
  return judgeOnFile(house, live, keys, 'calendar', keys.length === TICK_MAX);
}

/** Judges the facts on file of these workers: calendar, released holds, debts and acts. */
export async function judgeOnFile(
  house: House,
  live: LiveConnection,
  keys: readonly string[],
  actor: string,
  more = false,
): Promise<Tick> {
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Error(`bug: connection ${live.connection.name} does not bind without a feed`);
  const doubt = await clockDoubt(house);
  const now = nowOf(house.clock);
  using plan = openPlan(house, bound.mapping, live, now, actor);
  await planWorkers(
    house,
    plan,
    keys.map((key) => ({ key, employments: [], fingerprints: [] })),
  );
  if (doubt !== null) await withholdByDate(house, plan, live.connection.policy, doubt);
  const options: JudgeOptions = {
    now,
    actor,
    limits: await limitsOf(house, live, false),
    covers: 'harmful',
    firstLoad: false,
  };
  const verdict = await grantPlan(house, plan, options);
  const committed = await commitPlan(house, plan, verdict, options);
  const held = keys.filter(
    (key) => plan.candidates.has(key) && !verdict.passes.has(key) && !verdict.disableOnly.has(key),
  );
  await postpone(house, live, [...held, ...committed.postponed]);
  return { judged: keys.length, held: held.length, tally: committed.tally, more };
}

/** What could not be decided now is looked at again later instead of at every wake-up. */
async function postpone(house: House, live: LiveConnection, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const now = nowOf(house.clock);
  const situations = await house.store.situations(live.connection.name, keys);
  const workers: WorkerChange[] = [...situations.values()].map((situation) => ({
    key: situation.key,
    revision: situation.revision,
    standing: situation.standing,
    dueAt: plusMs(now, HELD_AGAIN_MS),
    accounts: [],
    operations: [],
    supersedes: [],
    entries: [],
  }));
  if (workers.length > 0) await house.store.commit({ connection: live.connection.name, at: now, workers });
}
