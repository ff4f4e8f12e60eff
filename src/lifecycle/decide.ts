// The only caller of the chart. A decision depends on stage, delivery, event type and what the guards answer, and on nothing
// else; those few hundred cases are remembered, so that a first load does not pay for the interpreter 300,000 times.
import { transition } from 'xstate';
import type { LifecycleEvent } from './event.ts';
import { factsAfter, sameFacts } from './facts.ts';
import { GUARDS, type GuardName, lifecycle } from './machine.ts';
import { OPERATION_NAMES, type OperationName, TRANSITIONS, type TransitionName } from './operation.ts';
import { refusalOf } from './refusals.ts';
import type { Delivery, Facts, Stage, Standing } from './standing.ts';

export type Decision =
  | {
      readonly kind: 'accepted';
      readonly from: Standing;
      /** The very same object as `from` when nothing changes. */
      readonly to: Standing;
      readonly operations: readonly OperationName[];
      readonly transition: TransitionName | null;
      readonly changed: boolean;
    }
  | { readonly kind: 'refused'; readonly at: Standing; readonly reason: string; readonly code: string };

interface Step {
  readonly stage: Stage;
  readonly delivery: Delivery;
  readonly operations: readonly OperationName[];
  readonly transition: TransitionName | null;
  readonly refused: boolean;
}

const steps = new Map<string, Step>();
const GUARD_NAMES = Object.keys(GUARDS) as readonly GuardName[];

/** Never throws for a known event: what the stage cannot do is refused with a reason. */
export function decide(standing: Standing, event: LifecycleEvent): Decision {
  const key = keyOf(standing, event);
  let step = steps.get(key);
  if (step === undefined) {
    const [after, actions] = transition(lifecycle, snapshotOf(standing), event);
    step = stepFrom(after.value, actions);
    steps.set(key, step);
  }
  return decisionOf(
    standing,
    event,
    step,
    step.refused ? standing.facts : factsAfter(standing.stage, event, standing.facts),
  );
}

/** As decide(), through the chart every time and with the facts the chart assigned: decide() must never differ from this. */
export function decideByChart(standing: Standing, event: LifecycleEvent): Decision {
  const [after, actions] = transition(lifecycle, snapshotOf(standing), event);
  return decisionOf(standing, event, stepFrom(after.value, actions), after.context);
}

function decisionOf(standing: Standing, event: LifecycleEvent, step: Step, after: Facts): Decision {
  if (step.refused) return { kind: 'refused', at: standing, ...refusalOf(standing, event) };
  const facts = sameFacts(after, standing.facts) ? standing.facts : after;
  const changed = step.stage !== standing.stage || step.delivery !== standing.delivery || facts !== standing.facts;
  return {
    kind: 'accepted',
    from: standing,
    to: changed ? { stage: step.stage, delivery: step.delivery, facts } : standing,
    operations: step.operations,
    transition: step.transition,
    changed,
  };
}

function keyOf(standing: Standing, event: LifecycleEvent): string {
  let answers = 0;
  for (const name of GUARD_NAMES) answers = answers * 2 + (GUARDS[name](standing.facts, event) ? 1 : 0);
  return `${standing.stage} ${standing.delivery} ${event.type} ${answers}`;
}

/** Both regions are always named: a missing one would silently read as its initial state. */
export function snapshotOf({ stage, delivery, facts }: Standing) {
  return lifecycle.resolveState({ value: { employment: stage, delivery }, context: facts });
}

function stepFrom(value: unknown, actions: readonly { readonly type: string }[]): Step {
  const names = actions.map((action) => action.type);
  const { employment, delivery } = value as { employment: Stage; delivery: Delivery };
  return {
    stage: employment,
    delivery,
    operations: OPERATION_NAMES.filter((name) => names.includes(name)),
    transition: TRANSITIONS.find((name) => names.includes(name)) ?? null,
    refused: names.includes('refuse'),
  };
}
