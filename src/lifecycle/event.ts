// The facts the lifecycle reacts to, each with a sentence. `detect.ts` names the first group, the pipeline the second.
import type { CalendarDate } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { LeaveBy, LeaveKind } from './standing.ts';

/** `now` is our clock at the decision, `asOf` the source time of the facts that show it. */
interface Seen {
  readonly now: Instant;
  readonly asOf: Instant;
}

/** The employment that begins: what the chart needs to tell a new beginning from an undone leave. */
interface Begins {
  /** The employment that runs or is about to; null where nobody knows. */
  readonly employmentId: string | null;
  readonly employmentStart: CalendarDate | null;
  /** The moment at which its start date begins in its own zone; null without a start date. */
  readonly startsAt: Instant | null;
  /** A named person has approved that a protected leave is taken back. */
  readonly approved: boolean;
}

export type LifecycleEvent =
  /** The start date has come inside the preboarding window. */
  | ({ readonly type: 'preboardingOpened' } & Seen)
  /** An employment runs today. From `left` or `purged` this is a rehire. */
  | ({ readonly type: 'employmentStarted' } & Begins & Seen)
  /** Every running employment is on a leave of absence; `suspends` says that the policy takes the access away meanwhile. */
  | ({ readonly type: 'leaveOfAbsenceBegan'; readonly suspends: boolean } & Seen)
  /** Some running employment is no longer on a leave of absence. */
  | ({ readonly type: 'leaveOfAbsenceEnded' } & Seen)
  /** The last employment has ended. */
  | ({
      readonly type: 'employmentEnded';
      readonly kind: LeaveKind;
      readonly by: LeaveBy;
      readonly employmentId: string | null;
      readonly employmentStart: CalendarDate | null;
      /** The last day that has passed; null where the leave is not by date. */
      readonly endDate: CalendarDate | null;
    } & Seen)
  /** The employment that had ended runs again: the termination was taken back or moved. */
  | ({ readonly type: 'terminationRescinded' } & Begins & Seen)
  /**
   * The start of somebody preboarding or at work is not true any more: the date moved ahead, or the word went back to
   * expected. No record says that the worker leaves, so this is always inferred.
   */
  | ({ readonly type: 'hireWithdrawn'; readonly kind: 'inferred'; readonly employmentId: string | null } & Seen)
  /** A new employment of somebody who left comes inside the preboarding window. */
  | ({ readonly type: 'rehireAnnounced' } & Begins & Seen)
  /** Same stage, other attributes, memberships or manager. */
  | ({ readonly type: 'attributesChanged' } & Seen)
  /** The retention period of somebody who left is over. */
  | ({ readonly type: 'retentionExpired' } & Seen)
  /**
   * A last day within the horizon was seen for the first time and has passed the guard; null when the day that was
   * seen before has moved out of the horizon or is gone.
   */
  | ({ readonly type: 'endDateSeen'; readonly endDate: CalendarDate | null } & Seen)
  /** An operator or an emergency webhook demands that access ends now; sticky. */
  | ({ readonly type: 'emergencyLeaveOrdered'; readonly by: 'operator' | 'webhook' } & Seen)
  /** A named person lifts the emergency leave; the facts then decide again. */
  | ({ readonly type: 'emergencyLeaveLifted' } & Seen)
  /** Every operation of the worker is confirmed. */
  | { readonly type: 'deliverySettled'; readonly now: Instant }
  /** An operation was refused for good or ran out of tries. */
  | { readonly type: 'deliveryFailed'; readonly now: Instant }
  /** Work was put into the outbox without a change of stage (debts, corrections, an operator's replay). */
  | { readonly type: 'deliveryOrdered'; readonly now: Instant };

export type EventType = LifecycleEvent['type'];
export type EventOf<T extends EventType> = Extract<LifecycleEvent, { type: T }>;
