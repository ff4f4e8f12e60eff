// How what the chart remembers changes, as plain functions: the chart assigns through them and decide() calls them directly
// when it knows the transition already, so both ways cannot differ.
import type { EventOf, LifecycleEvent } from './event.ts';
import { isProtectedLeave } from './gate.ts';
import { type Facts, NO_FACTS, type Stage } from './standing.ts';

type Ended = Pick<EventOf<'employmentEnded'>, 'kind' | 'by' | 'employmentId' | 'employmentStart' | 'endDate' | 'now'>;

/** A leave that was ordered stays protected when the feed says the same later. */
export function rememberingLeave(facts: Facts, leave: Ended): Facts {
  return {
    leaveSeenAt: leave.now,
    leaveKind: leave.kind,
    leaveBy: isProtectedLeave(facts.leaveBy) ? facts.leaveBy : leave.by,
    sticky: facts.sticky,
    endedEmployment: leave.employmentId,
    endedStart: leave.employmentStart,
    endedEnd: leave.endDate,
    guardedEnd: null,
  };
}

/** The facts after an event that the chart has accepted in this stage. */
export function factsAfter(stage: Stage, event: LifecycleEvent, facts: Facts): Facts {
  switch (event.type) {
    case 'employmentEnded':
      // A leave that stands is only strengthened: its moment stays, or the same event twice would not equal once.
      return stage === 'left' ? { ...facts, leaveBy: event.by } : rememberingLeave(facts, event);
    case 'hireWithdrawn':
      // Somebody preboarding had no access: nothing to protect, and the leave before an announced rehire stays remembered.
      if (stage === 'preboarding') return { ...facts, guardedEnd: null };
      return rememberingLeave(facts, { ...event, by: 'feed', employmentStart: null, endDate: null });
    case 'employmentStarted':
      return stage === 'left' || stage === 'purged' ? NO_FACTS : { ...NO_FACTS, guardedEnd: facts.guardedEnd };
    case 'terminationRescinded':
      return NO_FACTS;
    case 'endDateSeen':
      return { ...facts, guardedEnd: event.endDate };
    case 'emergencyLeaveOrdered':
      if (facts.sticky) return facts;
      return {
        ...facts,
        leaveSeenAt: event.now,
        leaveKind: 'explicit',
        leaveBy: event.by,
        sticky: true,
        // A term that had ended stays remembered; of one that was running only the order is known.
        ...(stage === 'left' || stage === 'purged' ? {} : { endedEmployment: null, endedStart: null, endedEnd: null }),
        guardedEnd: null,
      };
    case 'emergencyLeaveLifted':
      return { ...facts, sticky: false, leaveKind: null, leaveBy: null };
    default:
      return facts;
  }
}

export function sameFacts(a: Facts, b: Facts): boolean {
  return (
    a === b ||
    (a.leaveSeenAt === b.leaveSeenAt &&
      a.leaveKind === b.leaveKind &&
      a.leaveBy === b.leaveBy &&
      a.sticky === b.sticky &&
      a.endedEmployment === b.endedEmployment &&
      a.endedStart === b.endedStart &&
      a.endedEnd === b.endedEnd &&
      a.guardedEnd === b.guardedEnd)
  );
}
