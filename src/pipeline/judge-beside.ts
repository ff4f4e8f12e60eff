// What is said of single workers beside the feed – a webhook's record, a source's answer about some – judged like a delta, while a
// snapshot may be under way: the same mapping, plan and guard. It says nothing of anybody else, so it leaves the checkpoint, the
// rejections and the fingerprints of the feed alone.
import { assert } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import type { Bound } from '../mapping/bind-connection.ts';
import type { BoundMapping, Rejection } from '../mapping/bound-mapping.ts';
import { nowOf } from '../runtime/clock.ts';
import type { Delivery, ReadRow } from '../sources/source.ts';
import { believedAsOf, clockDoubt, withholdByDate } from './clock-watch.ts';
import { commitPlan } from './commit-plan.ts';
import { marksOnFile } from './feed-seal.ts';
import { meetTargets } from './first-contact.ts';
import type { House, LiveConnection } from './house.ts';
import { grantPlan, grantUnlessHeld, type JudgeOptions } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';
import { tellOvertaken } from './overtaken-leaves.ts';
import { keepPending, planPending } from './pending.ts';
import { openPlan, type Plan } from './plan.ts';
import { Reading } from './reading.ts';
import { refuseOtherKeys } from './worker-key.ts';

export interface JudgedBeside {
  readonly rejections: readonly Rejection[];
  /** Workers who were judged. */
  readonly workers: readonly string[];
  /** Of those, whom a guard or a doubtful clock keeps waiting: their facts are kept and judged again. */
  readonly waiting: readonly string[];
  /** Whether this employment stood in a row that could be read. */
  readonly parsed: (employmentId: string) => boolean;
  /** Targets that were never listed: what this leads to there must be judged again. */
  readonly unmet: readonly string[];
}

/** Different sets of columns whose compiled mappings are kept for a connection: a hook's records have one, seldom two. */
const BOUND_MAX = 4;
const bound = new WeakMap<LiveConnection, Map<string, BoundMapping>>();

/** Compiling takes some milliseconds: a burst of records should not pay for it each time. @throws Problem */
export function boundTo(live: LiveConnection, columns: readonly string[]): BoundMapping {
  const known = bound.get(live) ?? new Map<string, BoundMapping>();
  bound.set(live, known);
  const name = JSON.stringify(columns.toSorted());
  const before = known.get(name);
  if (before !== undefined) return before;
  const made: Bound = live.connection.bind(columns);
  if ('faults' in made) throw new Problem(made.faults);
  const [oldest] = known.keys();
  if (known.size >= BOUND_MAX && oldest !== undefined) known.delete(oldest);
  known.set(name, made.mapping);
  return made.mapping;
}

interface Asker {
  readonly actor: string;
  readonly signal: AbortSignal;
}

/** @throws Problem where the delivery cannot be read, does not fit the mapping, or a target has moved. */
export async function judgeBeside(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  asker: Asker,
): Promise<JudgedBeside> {
  const judged = await judgedBy(house, live, delivery, asker, grantPlan);
  assert(judged !== null, 'every word of the guard is taken');
  return judged;
}

/**
 * As `judgeBeside` where the plan is one that the caller wants and a guard holds nobody of it; otherwise null, and nothing is stored.
 * @throws Problem
 */
export const judgeBesideWhere = (
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  asker: Asker,
  isWanted: (plan: Plan) => Promise<boolean>,
): Promise<JudgedBeside | null> =>
  judgedBy(house, live, delivery, asker, async (_, plan, options) =>
    (await isWanted(plan)) ? grantUnlessHeld(house, plan, options) : null,
  );

async function judgedBy(
  house: House,
  live: LiveConnection,
  delivery: Delivery,
  { actor, signal }: Asker,
  grant: typeof grantUnlessHeld,
): Promise<JudgedBeside | null> {
  const { store } = house;
  const { name, policy } = live.connection;
  const mapping = boundTo(live, delivery.columns);
  await refuseOtherKeys(house, live);
  // A listing under way is nobody's to wait for here.
  if (live.unmet.size === 0) await meetTargets(house, live, { actor, signal, all: true });
  const unmet = [...live.unmet];
  const now = nowOf(house.clock);
  const doubt = await clockDoubt(house, signal);
  const asOf = doubt === null ? delivery.asOf : believedAsOf(delivery.asOf, doubt, null);

  const known = await store.knownRows(name, NO_CONTEXT);
  const scan = await delivery.scan(known, signal);
  using plan = openPlan(house, mapping, live, now, actor, signal);
  const marks = await marksOnFile(house, name);
  using reading = new Reading(house, plan, mapping, known, scan, asOf, marks, {
    beside: { feedLags: plan.feedLags },
  });
  const believed = (row: ReadRow): ReadRow =>
    doubt === null || row.asOf === undefined ? row : { ...row, asOf: believedAsOf(row.asOf, doubt, null) };
  for await (const rows of delivery.read(new Set(), signal)) await reading.take(rows.map(believed));
  await reading.finish();
  const judged = new Set(plan.keys());
  await planPending(house, plan, { among: judged });
  if (doubt !== null) await withholdByDate(house, plan, policy, doubt);

  const options: JudgeOptions = {
    now,
    actor,
    limits: await limitsOf(house, live, false),
    covers: 'judged',
    firstLoad: false,
  };
  const verdict = await grant(house, plan, options);
  if (verdict === null) return null;
  const committed = await commitPlan(house, plan, verdict, options);
  await tellOvertaken(house, plan);
  const passes = (key: string): boolean => !plan.candidates.has(key) || verdict.passes.has(key);
  await keepPending(house, plan, passes, committed.postponed);
  // Of whom only the end of access went on, the rest waits as well.
  const waiting = [
    ...plan.unanswered.keys(),
    ...[...plan.keys()].filter((key) => !passes(key)),
    ...committed.postponed,
  ];
  return {
    rejections: reading.rejections,
    workers: [...judged],
    waiting: [...new Set(waiting)],
    parsed: (employmentId) => reading.parsed(employmentId),
    unmet,
  };
}

/** No row of a feed is recognised here. */
const NO_CONTEXT = '';
