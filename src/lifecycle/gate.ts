// Nothing older undoes a leave: the one rule by which somebody who left, or whose hire was withdrawn, may come back.
import type { CalendarDate } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { Facts, LeaveBy } from './standing.ts';

export type Gate = 'open' | 'sticky' | 'protected' | 'older';

/** The employment that would begin, as far as the rule needs it. */
export interface Beginning {
  readonly employmentId: string | null;
  readonly employmentStart: CalendarDate | null;
  readonly startsAt: Instant | null;
  readonly asOf: Instant;
}

/** Ordered by a person or for cause: a feed alone never takes these back. */
export const isProtectedLeave = (by: LeaveBy | null): boolean =>
  by === 'endsNow' || by === 'webhook' || by === 'operator';

/**
 * Whether it begins after the leave was seen and is not the term that ended. Such an employment undoes nothing, so a rehire
 * that was planned before the leave still happens although its record is older than the leave.
 */
export function isNewBeginning(facts: Facts, beginning: Beginning): boolean {
  if (facts.leaveSeenAt === null || beginning.startsAt === null || beginning.startsAt <= facts.leaveSeenAt)
    return false;
  if (beginning.employmentId !== facts.endedEmployment || facts.endedStart === null) return true;
  return beginning.employmentStart !== null && beginning.employmentStart > facts.endedStart;
}

/**
 * - An emergency leave stands until a named person lifts it, whatever HR says and whoever approves.
 * - After a leave by the feed: facts newer than the moment the leave was seen, or a new beginning.
 * - After a leave by `endsNow`, a webhook or an operator: newer facts *and* a new beginning, or an approval.
 * - Lifting an emergency leave clears `leaveBy`: a person has decided, so the facts decide again whatever their age.
 */
export function gateOf(facts: Facts, beginning: Beginning, approved: boolean): Gate {
  if (facts.sticky) return 'sticky';
  if (facts.leaveSeenAt === null || facts.leaveBy === null || approved) return 'open';
  const newer = beginning.asOf > facts.leaveSeenAt;
  const fresh = isNewBeginning(facts, beginning);
  if (!isProtectedLeave(facts.leaveBy)) return newer || fresh ? 'open' : 'older';
  if (!newer) return 'older';
  return fresh ? 'open' : 'protected';
}
