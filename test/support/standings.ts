import type { Instant } from '../../src/base/instant.ts';
import { type Decision, decide } from '../../src/lifecycle/decide.ts';
import { detect } from '../../src/lifecycle/detect.ts';
import type { LifecycleEvent } from '../../src/lifecycle/event.ts';
import type { OperationName, TransitionName } from '../../src/lifecycle/operation.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../../src/lifecycle/policy.ts';
import { type Facts, NO_FACTS, type Stage, type Standing, UNKNOWN } from '../../src/lifecycle/standing.ts';
import type { Employment } from '../../src/worker/worker.ts';

export const standingAt = (stage: Stage, facts: Partial<Facts> = {}): Standing => ({
  stage,
  delivery: 'settled',
  facts: { ...NO_FACTS, ...facts },
});

export interface Look {
  readonly standing: Standing;
  readonly decisions: readonly Decision[];
  readonly events: readonly LifecycleEvent[];
  readonly transitions: readonly TransitionName[];
  readonly operations: readonly OperationName[];
  readonly refusals: readonly string[];
}

/** One look at the facts: what detection names is decided in turn. */
export function look(
  standing: Standing,
  employments: readonly Employment[],
  now: Instant,
  policy: LifecyclePolicy = DEFAULT_POLICY,
): Look {
  return takeAll(standing, detect(standing, employments, now, policy).events);
}

export function takeAll(standing: Standing, events: readonly LifecycleEvent[]): Look {
  let current = standing;
  const decisions: Decision[] = [];
  for (const event of events) {
    const decision = decide(current, event);
    decisions.push(decision);
    if (decision.kind === 'accepted') current = decision.to;
  }
  const accepted = decisions.filter((decision) => decision.kind === 'accepted');
  return {
    standing: current,
    decisions,
    events,
    transitions: accepted.flatMap(({ transition }) => (transition === null ? [] : [transition])),
    operations: accepted.flatMap(({ operations }) => operations),
    refusals: decisions.flatMap((decision) => (decision.kind === 'refused' ? [decision.code] : [])),
  };
}

export { UNKNOWN };
