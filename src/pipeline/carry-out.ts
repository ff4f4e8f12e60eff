// An order for one worker – by a person or by an emergency webhook – through the same plan, guard and commit as everything else.
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import type { LifecycleEvent } from '../lifecycle/event.ts';
import type { Stage } from '../lifecycle/standing.ts';
import { nowOf } from '../runtime/clock.ts';
import { commitPlan } from './commit-plan.ts';
import type { House, LiveConnection } from './house.ts';
import { grantPlan, type JudgeOptions } from './judge.ts';
import { limitsOf } from './limits-in-force.ts';
import { openPlan, planWorkers } from './plan.ts';

export type CarriedOut =
  | { readonly kind: 'done' | 'held'; readonly from: Stage; readonly to: Stage; readonly operations: number }
  /** The chart has a reason against it. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  /** Nothing was stored: other changes kept coming first. */
  | { readonly kind: 'overtaken' };

/** An order that somebody else's changes keep overtaking is decided anew this often. */
const TRIES_MAX = 5;

/** `held`: a guard keeps even the end of access back. @throws Problem where the connection cannot be judged. */
export async function carryOut(
  house: House,
  live: LiveConnection,
  key: string,
  actor: string,
  event: (seen: { readonly now: Instant; readonly asOf: Instant }) => LifecycleEvent,
): Promise<CarriedOut> {
  const { name } = live.connection;
  const bound = live.connection.bind(null);
  if ('faults' in bound) throw new Problem(bound.faults);
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const now = nowOf(house.clock);
    const before = (await house.store.situations(name, [key])).get(key);
    using plan = openPlan(house, bound.mapping, live, now, actor);
    // The rows behind this worker are read again, so that a lifted leave is judged on what HR says next.
    const fingerprints = (before?.employments ?? []).map(({ id }) => ({ employmentId: id, digests: [] }));
    await planWorkers(house, plan, [{ key, employments: [], fingerprints, orders: [event({ now, asOf: now })] }]);
    const refusal = plan.get(key)?.plan.refusals[0];
    if (refusal !== undefined && plan.get(key)?.plan.change === null) return { kind: 'refused', ...refusal };
    const options: JudgeOptions = {
      now,
      actor,
      limits: await limitsOf(house, live, false),
      covers: 'judged',
      firstLoad: false,
    };
    const verdict = await grantPlan(house, plan, options);
    const committed = await commitPlan(house, plan, verdict, options);
    if (committed.postponed.length > 0) continue;
    if (plan.unanswered.has(key)) {
      throw new Problem({
        code: 'act.unanswered',
        message: `a target does not say whether worker ${key} has an account there: nothing was stored`,
        hint: 'give the order again once the target answers',
      });
    }
    const planned = plan.get(key);
    if (planned === null) throw new Error('bug: an ordered worker is not in the plan');
    const { from, to, change } = planned.plan;
    // Holds of others, and what else of this worker is held, keep no order from being carried out.
    const held = plan.candidates.has(key) && !verdict.passes.has(key) && !verdict.disableOnly.has(key);
    return { kind: held ? 'held' : 'done', from, to, operations: change?.operations.length ?? 0 };
  }
  return { kind: 'overtaken' };
}
