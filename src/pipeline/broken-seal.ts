// A delivery that does not look like the last good one: it is held as a whole, and only explicit leavers go on.

import type { Verdict } from '../planning/guard.ts';
import { limitsUnderSeal } from '../planning/seal.ts';
import { commitPlan } from './commit-plan.ts';
import { type CycleReport, plannedTally } from './cycle-report.ts';
import { leaversOnly, type SealVerdict, sealHeldKey } from './feed-seal.ts';
import type { House, LiveConnection } from './house.ts';
import { grantPlan, guardPlan, type JudgeOptions } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';
import type { Plan } from './plan.ts';
import type { Reading } from './reading.ts';

export const SEAL_BROKEN = 'feed.seal-broken';

/** `withhold` takes out of the plan whom a doubtful clock would end. */
export async function judgeBroken(
  house: House,
  live: LiveConnection,
  whole: Plan,
  reading: Reading,
  seal: SealVerdict,
  options: {
    readonly actor: string;
    readonly mode: 'commit' | 'plan';
    readonly pilot: boolean;
    readonly inspect: (plan: Plan, verdict: Verdict) => Promise<void> | void;
  },
  withhold: (plan: Plan) => Promise<number>,
): Promise<Pick<CycleReport, 'kind' | 'reason' | 'tally' | 'holds'>> {
  const { mapping, now } = whole.rules;
  const { connection } = mapping;
  using plan = await leaversOnly(house, live, whole, reading);
  await withhold(plan);
  const judgeOptions: JudgeOptions = {
    now,
    actor: options.actor,
    limits: limitsUnderSeal(await limitsOf(house, live, false)),
    covers: 'judged',
    firstLoad: false,
    seal: 'broken',
    pilot: options.pilot,
  };
  const { reason, items, of } = seal;
  const feed = { kind: 'feed' as const, reason, items };
  // What a pilot holds is what a whole cycle held, or will.
  if (options.mode === 'commit')
    await holdFeed(house, connection, { feed, of }, { now, actor: options.actor, mapping: mapping.digest });
  const verdict = await (options.mode === 'plan' ? guardPlan : grantPlan)(house, plan, judgeOptions);
  await options.inspect(plan, verdict);
  const holds = [feed, ...verdict.holds.filter(({ items }) => items.length > 0)];
  const report = {
    kind: 'held' as const,
    reason,
    holds: holds.map(({ kind, reason: why, items }) => ({ kind, reason: why, items: items.length })),
  };
  if (options.mode === 'plan') return { ...report, tally: plannedTally(plan, verdict) };
  const { tally } = await commitPlan(house, plan, verdict, judgeOptions);
  return { ...report, tally };
}

/** Opens or amends the hold; written down, and said aloud, when it says something new. */
async function holdFeed(
  house: House,
  connection: string,
  {
    feed,
    of,
  }: {
    readonly feed: { readonly kind: 'feed'; readonly reason: string; readonly items: SealVerdict['items'] };
    readonly of: string | null;
  },
  { now, actor, mapping }: { readonly now: JudgeOptions['now']; readonly actor: string; readonly mapping: string },
): Promise<void> {
  const open = (await house.store.holds(connection, Number.MAX_SAFE_INTEGER)).find(({ kind }) => kind === 'feed');
  const shown = new Set(open?.items.map(({ digest }) => digest));
  if (shown.size === feed.items.length && feed.items.every(({ digest }) => shown.has(digest))) return;
  await house.store.commit({
    connection,
    at: now,
    holds: [feed],
    ...(of === null ? {} : { settings: { [sealHeldKey(connection)]: of } }),
    entries: [
      {
        kind: 'hold',
        connection,
        workerKey: null,
        actor,
        body: { hold: 'feed', reason: feed.reason, items: feed.items.length, mapping },
      },
    ],
  });
  house.log.error(
    { code: SEAL_BROKEN, connection, reason: feed.reason },
    'the feed does not look like the last good one',
  );
}

/** A good delivery, or one that a person released: the feed is held no longer. */
export async function releaseFeed(
  house: House,
  connection: string,
  { now, actor, released }: { readonly now: JudgeOptions['now']; readonly actor: string; readonly released: boolean },
): Promise<void> {
  const open = (await house.store.holds(connection, 0)).some(({ kind }) => kind === 'feed');
  if (!open) return;
  const reason = released ? 'a person released this delivery' : 'the feed looks like the last good delivery again';
  await house.store.commit({
    connection,
    at: now,
    holds: [{ kind: 'feed', reason, items: [] }],
    entries: [{ kind: 'hold', connection, workerKey: null, actor, body: { hold: 'feed', reason, items: 0 } }],
  });
}
