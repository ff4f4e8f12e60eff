// What the facts on file will lead to when, if HR says nothing else: the same detection and the same chart, moment by moment.
import type { Instant } from '../base/instant.ts';
import type { Employment } from '../worker/worker.ts';
import { decide } from './decide.ts';
import { detect } from './detect.ts';
import type { LifecycleEvent } from './event.ts';
import type { LifecyclePolicy } from './policy.ts';
import { type Stage, type Standing, WITH_ACCOUNT } from './standing.ts';
import { truthOf } from './truth.ts';

/** One moment to come at which the clock alone changes something. */
export interface Foreseen {
  readonly at: Instant;
  readonly from: Stage;
  readonly to: Stage;
  /** The events that the chart accepts then, in their order. */
  readonly events: readonly LifecycleEvent[];
  /** The employment that decides the attributes from then on, where another one or another row of it does. */
  readonly primary: { readonly before: Employment; readonly after: Employment } | null;
}

/** Each employment has a handful of moments and each dated row one; more than this nobody reads. */
export const FORESEEN_MAX = 60;

/** Earliest first. Guards, approvals and what a target answers are not foreseen. */
export function forecast(
  standing: Standing,
  employments: readonly Employment[],
  now: Instant,
  policy: LifecyclePolicy,
): readonly Foreseen[] {
  const foreseen: Foreseen[] = [];
  let here = standing;
  let truth = truthOf(here, employments, now, policy);
  for (let turn = 0; turn < FORESEEN_MAX && truth.dueAt !== null; turn += 1) {
    const at: Instant = truth.dueAt;
    const from = here.stage;
    const events: LifecycleEvent[] = [];
    for (const event of detect(here, employments, at, policy).events) {
      const decision = decide(here, event);
      if (decision.kind === 'refused' || !decision.changed) continue;
      here = decision.to;
      events.push(event);
    }
    const before = truth.primary;
    truth = truthOf(here, employments, at, policy);
    const after = truth.primary;
    // Of anybody without an account no attribute is sent.
    const another = WITH_ACCOUNT.has(here.stage) && before !== null && after !== null && saysAnother(before, after);
    if (events.length > 0 || another) {
      foreseen.push({ at, from, to: here.stage, events, primary: another ? { before, after } : null });
    }
  }
  return foreseen;
}

/** What an account is made of; dates and status are the chart's. */
const saysAnother = (a: Employment, b: Employment): boolean =>
  a.managerId !== b.managerId || JSON.stringify(a.attributes) !== JSON.stringify(b.attributes);
