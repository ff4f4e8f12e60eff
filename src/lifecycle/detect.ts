// Compares where a worker stands with what is true now and names the events that are missing.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import type { Employment } from '../worker/worker.ts';
import type { LifecycleEvent } from './event.ts';
import { type Beginning, isProtectedLeave } from './gate.ts';
import type { LifecyclePolicy } from './policy.ts';
import { type Facts, type Standing, WITH_ACCOUNT } from './standing.ts';
import { endedTerm, type JudgedBefore, type Truth, truthOf } from './truth.ts';

export interface Detection {
  /**
   * In the order in which they apply, at most three. Taken in turn they end where `truth.stage` says, unless a leave is
   * protected (`truth.blocked`): then the chart refuses the event that would take it back until somebody approves.
   */
  readonly events: readonly LifecycleEvent[];
  readonly truth: Truth;
}

/** Never names `attributesChanged`: attributes are compared per target, where the account is known. */
export function detect(
  standing: Standing,
  employments: readonly Employment[],
  now: Instant,
  policy: LifecyclePolicy,
  judgedBefore?: JudgedBefore,
): Detection {
  const truth = truthOf(standing, employments, now, policy, judgedBefore);
  const moves = movesTo(standing, truth, now, policy);
  // Somebody with an account meets the guard with the end first; for somebody who only arrives it is a fact among others.
  const arrives = beginsAnew(standing, truth);
  const ends = endSeen(standing, truth, arrives, now);
  return { events: arrives ? [...moves, ...ends] : [...ends, ...moves], truth };
}

function movesTo(standing: Standing, truth: Truth, now: Instant, policy: LifecyclePolicy): readonly LifecycleEvent[] {
  const from = standing.stage;
  const to = truth.stage;
  const seen = { now, asOf: truth.asOf };
  const onLeave: readonly LifecycleEvent[] =
    to === 'onLeave' ? [{ type: 'leaveOfAbsenceBegan', suspends: policy.onLeave === 'suspend', ...seen }] : [];

  if (to === from) return from === 'left' && orderedMeanwhile(standing, truth) ? leaving(truth, now) : [];
  if (to === 'purged') return [{ type: 'retentionExpired', ...seen }];
  if (to === 'left' || to === 'expected') return leaving(truth, now);

  const gone = from === 'left' || from === 'purged';
  if (to === 'preboarding') {
    if (gone) return [{ type: 'rehireAnnounced', ...beginning(truth), now }];
    const opened: LifecycleEvent = { type: 'preboardingOpened', ...seen };
    if (truth.leave === null) return [opened];
    return truth.leave.withdrawn
      ? [...leaving(truth, now), opened]
      : [...leaving(truth, now), { type: 'rehireAnnounced', ...beginning(truth), now }];
  }
  if (from === 'active') return onLeave;
  if (from === 'onLeave') return [{ type: 'leaveOfAbsenceEnded', ...seen }];
  const begins = beginning(truth);
  const type = gone && !isRehire(standing.facts, begins) ? 'terminationRescinded' : 'employmentStarted';
  return [{ type, ...begins, now }, ...onLeave];
}

function beginning({ beginning }: Truth) {
  assert(beginning !== null, 'a beginning without an employment');
  return { ...beginning, approved: false };
}

function leaving({ leave, asOf }: Truth, now: Instant): readonly LifecycleEvent[] {
  assert(leave !== null, 'a leave without a reason');
  const { kind, by, employment, lastDay, withdrawn } = leave;
  if (withdrawn) return [{ type: 'hireWithdrawn', kind: 'inferred', employmentId: employment?.id ?? null, now, asOf }];
  return [
    {
      type: 'employmentEnded',
      kind,
      by,
      ...endedTerm(employment),
      endDate: lastDay,
      now,
      asOf,
    },
  ];
}

/** The same term runs again, or another one began. Without a known term, what began before the leave is taken back. */
function isRehire(facts: Facts, beginning: Beginning): boolean {
  const later = beginning.startsAt !== null && facts.leaveSeenAt !== null && beginning.startsAt > facts.leaveSeenAt;
  if (isProtectedLeave(facts.leaveBy) || facts.endedEmployment === null) return later;
  if (beginning.employmentId !== facts.endedEmployment) return true;
  return (
    facts.endedStart !== null && beginning.employmentStart !== null && beginning.employmentStart > facts.endedStart
  );
}

/** Left by the feed, and now a record says for cause: from here on no feed takes it back alone. */
function orderedMeanwhile({ facts }: Standing, { leave }: Truth): boolean {
  return leave !== null && isProtectedLeave(leave.by) && !isProtectedLeave(facts.leaveBy);
}

/** Left, withdrawn and unknown workers carry no end that was seen: it begins anew with the new term. */
function beginsAnew({ stage }: Standing, { leave }: Truth): boolean {
  return leave !== null || !WITH_ACCOUNT.has(stage);
}

function endSeen(standing: Standing, truth: Truth, arrives: boolean, now: Instant): readonly LifecycleEvent[] {
  if (!WITH_ACCOUNT.has(truth.stage) || truth.blocked === 'protected') return [];
  const known = arrives ? null : standing.facts.guardedEnd;
  if (truth.endInSight === known) return [];
  return [{ type: 'endDateSeen', endDate: truth.endInSight, now, asOf: truth.asOf }];
}
