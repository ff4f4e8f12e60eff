// Why the chart refuses an event, in words that a colleague in HR or identity could dispute. The golden table lists them all.
import type { LifecycleEvent } from './event.ts';
import { type Gate, gateOf } from './gate.ts';
import type { EmploymentEvent } from './machine.ts';
import type { Stage, Standing } from './standing.ts';

export interface Refusal {
  /** Stable, for scripts and the runbook. */
  readonly code: string;
  readonly reason: string;
}

const refusal = (code: string, reason: string): Refusal => ({ code, reason });

const GATES: Readonly<Record<Exclude<Gate, 'open'>, Refusal>> = {
  sticky: refusal(
    'sticky-leave',
    'An emergency leave stands until a named person lifts it; neither HR nor an approval enables the account before.',
  ),
  protected: refusal(
    'protected-leave',
    'The leave was ordered (for cause, by webhook or by an operator); a feed alone does not take it back, a person must approve.',
  ),
  older: refusal(
    'older-than-leave',
    'The facts are older than the moment the leave was seen; nothing older undoes a leave, newer facts will.',
  ),
};

const NOT_STARTED = refusal('not-started', 'The worker has not started, so there is no work to be on leave from.');
const NO_LEAVE_OF_ABSENCE = refusal('not-on-leave', 'The worker is not on a leave of absence that could end.');
const HAS_STARTED = refusal('has-started', 'The worker has started already; preboarding lies behind.');
const NEVER_LEFT = refusal('never-left', 'The worker has not left, so there is no leave to take back.');
const NO_REHIRE = refusal('not-a-rehire', 'The worker has not left, so a coming employment is no rehire.');
const KEPT = refusal(
  'has-not-left',
  'Retention runs only for somebody who has left; this account is in use or to be used.',
);
const NOTHING_LIFTED = refusal('no-emergency', 'No emergency leave stands that could be lifted.');
const HAS_LEFT = refusal(
  'has-left',
  'The worker has left; the account stays as it was when access ended, until a rehire.',
);
const LEFT_NO_ABSENCE = refusal('has-left', 'The worker has left; a leave of absence needs an employment that runs.');
const PURGED_NO_ABSENCE = refusal(
  'is-purged',
  'The account was deleted; a leave of absence needs an employment that runs.',
);
const IS_PURGED = refusal(
  'is-purged',
  'The account was deleted when retention ended; there is nothing left to change.',
);
const WITHDRAWN_AFTER = refusal('has-left', 'The worker has left: access has ended already, and no start is pending.');
const NO_ACCOUNT_YET = refusal(
  'no-account-yet',
  'The worker has no account in use yet; it takes these values when it is made.',
);

/** Every pair that the chart answers with an unconditional or a conditional refusal; pairs that cannot be refused are absent. */
export const REFUSALS: Readonly<Record<Stage, Readonly<Partial<Record<EmploymentEvent, Refusal>>>>> = {
  expected: {
    leaveOfAbsenceBegan: NOT_STARTED,
    leaveOfAbsenceEnded: NO_LEAVE_OF_ABSENCE,
    terminationRescinded: NEVER_LEFT,
    hireWithdrawn: refusal(
      'nothing-to-withdraw',
      'The start is further away than the preboarding window; nothing was begun that could be withdrawn.',
    ),
    rehireAnnounced: NO_REHIRE,
    attributesChanged: NO_ACCOUNT_YET,
    retentionExpired: KEPT,
    endDateSeen: refusal(
      'no-access-yet',
      'The worker has no access whose end could be counted; the last day counts once preboarding begins.',
    ),
    emergencyLeaveLifted: NOTHING_LIFTED,
  },
  preboarding: {
    preboardingOpened: refusal('already-preboarding', 'The account is being prepared already.'),
    leaveOfAbsenceBegan: NOT_STARTED,
    leaveOfAbsenceEnded: NO_LEAVE_OF_ABSENCE,
    terminationRescinded: refusal(
      'never-left',
      'The worker waits for a start; a start, not a leave taken back, gives access.',
    ),
    rehireAnnounced: refusal('already-preboarding', 'The account is being prepared already.'),
    retentionExpired: KEPT,
    emergencyLeaveLifted: NOTHING_LIFTED,
  },
  active: {
    preboardingOpened: HAS_STARTED,
    employmentStarted: refusal(
      'already-active',
      'The worker is active already; a further employment changes attributes, not access.',
    ),
    leaveOfAbsenceEnded: NO_LEAVE_OF_ABSENCE,
    terminationRescinded: NEVER_LEFT,
    rehireAnnounced: NO_REHIRE,
    retentionExpired: KEPT,
    emergencyLeaveLifted: NOTHING_LIFTED,
  },
  onLeave: {
    preboardingOpened: HAS_STARTED,
    employmentStarted: refusal(
      'on-leave',
      'The worker is on leave of absence; the end of that leave brings them back, not a start.',
    ),
    leaveOfAbsenceBegan: refusal('already-on-leave', 'The worker is on a leave of absence already.'),
    terminationRescinded: NEVER_LEFT,
    rehireAnnounced: NO_REHIRE,
    retentionExpired: KEPT,
    emergencyLeaveLifted: NOTHING_LIFTED,
  },
  left: {
    preboardingOpened: refusal(
      'has-left',
      'The worker has left; a coming employment is a rehire and must be announced as one.',
    ),
    leaveOfAbsenceBegan: LEFT_NO_ABSENCE,
    leaveOfAbsenceEnded: LEFT_NO_ABSENCE,
    employmentEnded: refusal(
      'already-left',
      'The worker has left already; the first leave counts and its proof stands.',
    ),
    hireWithdrawn: WITHDRAWN_AFTER,
    attributesChanged: HAS_LEFT,
    endDateSeen: refusal('has-left', 'Access has ended already; a last day has nothing left to end.'),
    emergencyLeaveLifted: NOTHING_LIFTED,
  },
  purged: {
    preboardingOpened: refusal(
      'is-purged',
      'The account was deleted; a coming employment is a rehire and must be announced as one.',
    ),
    leaveOfAbsenceBegan: PURGED_NO_ABSENCE,
    leaveOfAbsenceEnded: PURGED_NO_ABSENCE,
    employmentEnded: IS_PURGED,
    hireWithdrawn: IS_PURGED,
    attributesChanged: IS_PURGED,
    retentionExpired: refusal('is-purged', 'The account was deleted already.'),
    endDateSeen: IS_PURGED,
    emergencyLeaveLifted: NOTHING_LIFTED,
  },
};

/** Delivery may only be closed from `delivering`. */
const DELIVERY_REFUSALS = {
  settled: refusal('nothing-outstanding', 'No delivery is under way that could settle.'),
  failed: refusal('failed-needs-order', 'A failed delivery settles only after it was ordered again.'),
} as const;

/** The reason for a refusal that the chart has made. A pair without one is a bug. */
export function refusalOf(standing: Standing, event: LifecycleEvent): Refusal {
  const { stage, delivery, facts } = standing;
  if (event.type === 'deliverySettled' && delivery !== 'delivering') return DELIVERY_REFUSALS[delivery];
  if ('approved' in event) {
    const gate = gateOf(facts, event, event.approved);
    const listed = REFUSALS[stage][event.type];
    if (listed === undefined && gate !== 'open') return GATES[gate];
  }
  const listed = REFUSALS[stage][event.type as EmploymentEvent];
  if (listed === undefined) throw new Error(`bug: ${stage} refuses ${event.type} without a reason`);
  return listed;
}
