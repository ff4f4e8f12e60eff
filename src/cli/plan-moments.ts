// When access begins and ends by the clock alone once a plan is stored: what a change of dates comes to.
import type { Instant } from '../base/instant.ts';
import { forecast } from '../lifecycle/forecast.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import { type Stage, type Standing, UNKNOWN } from '../lifecycle/standing.ts';
import type { House, LiveConnection } from '../pipeline/house.ts';
import type { Planned } from '../pipeline/planned-spool.ts';
import type { PlanRules } from '../planning/plan-worker.ts';
import { localTime } from '../views/local-time.ts';
import { type Employment, withObservation } from '../worker/worker.ts';

export interface PlannedMoment {
  readonly at: Instant;
  /** In the worker's own zone. */
  readonly local: string;
  readonly what: 'access begins' | 'access ends';
}

/** Empty where the plan leaves the moments as they were. */
export async function plannedMoments(
  house: House,
  live: LiveConnection,
  { plan, observed }: Planned,
  { now, policy }: PlanRules,
): Promise<readonly PlannedMoment[]> {
  if (plan.change === null) return [];
  const onFile = (await house.store.situations(live.connection.name, [plan.key])).get(plan.key);
  const known = onFile?.employments ?? [];
  const facts = withObservation(known, plan.change.employments ?? observed.employments);
  const before = moments(onFile?.standing ?? UNKNOWN, known, now, policy);
  const after = moments(plan.change.standing, facts, now, policy);
  return JSON.stringify(before) === JSON.stringify(after) ? [] : after;
}

function moments(
  standing: Standing,
  employments: readonly Employment[],
  now: Instant,
  policy: LifecyclePolicy,
): readonly PlannedMoment[] {
  const timeZone = employments[0]?.timeZone ?? 'UTC';
  const hasAccess = (stage: Stage): boolean => stage === 'active' || (stage === 'onLeave' && policy.onLeave === 'keep');
  return forecast(standing, employments, now, policy).flatMap(({ at, from, to }) => {
    if (hasAccess(from) === hasAccess(to)) return [];
    const what = hasAccess(to) ? ('access begins' as const) : ('access ends' as const);
    return [{ at, local: localTime(at, timeZone), what }];
  });
}
