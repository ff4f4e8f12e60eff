// Status words and dates of one employment, judged at one moment: the table of the design, one row per branch.
import { type CalendarDate, plusDays, startOfDay } from '../base/calendar-date.ts';
import type { Instant } from '../base/instant.ts';
import type { Employment } from '../worker/worker.ts';
import type { LeaveKind } from './standing.ts';

export type Phase =
  /** Starts further away than the preboarding window. */
  | 'future'
  /** Starts inside the preboarding window. */
  | 'window'
  /** The start date has passed and HR still says expected: stays inactive. */
  | 'waiting'
  | 'running'
  | 'onLeave'
  | 'ended';

export interface Verdict {
  readonly employment: Employment;
  readonly phase: Phase;
  /** How it ended; null unless it has. */
  readonly ended: {
    readonly kind: LeaveKind;
    readonly by: 'feed' | 'endsNow';
    readonly lastDay: CalendarDate | null;
  } | null;
  /** The last day that counts, past or to come: an end before the start does not. */
  readonly until: CalendarDate | null;
  readonly startsAt: Instant | null;
  /** Moments at which the clock alone may change the verdict, or opens the horizon of the end; past ones included. */
  readonly moments: readonly Instant[];
  readonly alert: string | null;
}

export interface Context {
  readonly now: Instant;
  readonly preboardDays: number;
  /** For somebody at work whom nothing else keeps there: this employment is read as running where it can be. */
  readonly benefitOfDoubt: boolean;
  /** The last day that passed the guard when it was first seen. */
  readonly guardedEnd: CalendarDate | null;
}

/** An end nearer than this is announced to the guard when it is first seen. */
export const END_HORIZON_DAYS = 30;

/** Where every day begins first: UTC+14. */
const EARLIEST_ZONE = 'Etc/GMT-14';

/** The start of the day that lies `days` after `date`, in this zone. */
export const dayStart = (date: CalendarDate, days: number, timeZone: string): Instant =>
  startOfDay(days === 0 ? date : plusDays(date, days), timeZone);

export const ALERTS = {
  waiting: 'the start date has passed but HR still says expected',
  contradiction: 'HR does not say terminated although the last day has passed',
  endsNowAlone: 'endsNow is ignored: it counts only with a termination, or a last day, of an employment that has begun',
} as const;

export function judge(employment: Employment, context: Context): Verdict {
  const { status, startDate, endDate, endsNow, timeZone } = employment;
  const { now, benefitOfDoubt } = context;
  const startsAt = startDate === null ? null : dayStart(startDate, 0, timeZone);
  const endsAt = endDate === null ? null : dayStart(endDate, 1, timeZone);
  const endPassed = endsAt !== null && endsAt <= now;
  const started = startsAt === null || startsAt <= now;
  // A worker at work stays so when only the zone changes on the day of the start: begun anywhere on earth is begun.
  const began = started || (benefitOfDoubt && startDate !== null && dayStart(startDate, 0, EARLIEST_ZONE) <= now);
  const oldEnd = startDate !== null && endDate !== null && endDate < startDate;
  const isOver = status === 'terminated' && (endDate === null || endPassed || oldEnd);
  const counts = isOver || (started && (status === 'terminated' || (endDate !== null && !oldEnd)));
  const alert = endsNow && !counts ? ALERTS.endsNowAlone : null;

  const at = (phase: Phase, until: CalendarDate | null, note: string | null = alert): Verdict => ({
    employment,
    phase,
    ended: null,
    until,
    startsAt,
    moments: momentsOf(employment, startsAt, until, context),
    alert: note,
  });
  const over = (
    kind: LeaveKind,
    by: 'feed' | 'endsNow',
    lastDay: CalendarDate | null,
    note: string | null,
  ): Verdict => ({
    employment,
    phase: 'ended',
    ended: { kind, by, lastDay },
    until: endDate,
    startsAt,
    moments: [],
    alert: note,
  });
  const begun = (until: CalendarDate | null): Verdict =>
    status === 'leave' ? at('onLeave', until) : at('running', until);

  // The start lies after the end and both ahead of somebody at work: the old term runs on until its own last day.
  if (oldEnd && benefitOfDoubt && !began && !endPassed) return begun(endDate);

  if (status === 'terminated') {
    if (isOver) return over('explicit', endsNow ? 'endsNow' : 'feed', endPassed ? endDate : null, alert);
    if (endsNow && started) return over('explicit', 'endsNow', null, alert);
    if (began) return at('running', endDate);
  } else if (!oldEnd) {
    if (endPassed) {
      // The word agrees with the end when it says terminated. Otherwise the end counts as HR's own word only where this very
      // day was seen ahead and passed the guard then: HR systems keep "active" until the day after. Else it is a contradiction.
      const seenAhead = context.guardedEnd === endDate;
      // A contradiction heals by itself when HR clears it, so it is never protected as a leave for cause.
      return seenAhead
        ? over('explicit', endsNow ? 'endsNow' : 'feed', endDate, alert)
        : over('inferred', 'feed', endDate, ALERTS.contradiction);
    }
    // For cause, last day entered, status word not yet changed: acted on at once, but no record says terminated.
    if (endsNow && started && endsAt !== null) return over('inferred', 'endsNow', null, alert);
  }

  const until = oldEnd ? null : endDate;
  if (!began) {
    return at(dayStart(startDate as CalendarDate, -context.preboardDays, timeZone) <= now ? 'window' : 'future', until);
  }
  return status === 'expected' ? at('waiting', until, ALERTS.waiting) : begun(until);
}

/** Once the start has passed, so have the moments before it. */
function momentsOf(
  { startDate, endDate, timeZone }: Employment,
  startsAt: Instant | null,
  until: CalendarDate | null,
  { now, preboardDays }: Context,
): readonly Instant[] {
  if (endDate === null && (startsAt === null || startsAt <= now)) return NO_MOMENTS;
  const moments: Instant[] = [];
  if (startDate !== null && startsAt !== null && startsAt > now) {
    moments.push(dayStart(startDate, -preboardDays, timeZone), startsAt);
  }
  if (endDate !== null) moments.push(dayStart(endDate, 1, timeZone));
  if (until !== null) moments.push(dayStart(until, -END_HORIZON_DAYS, timeZone));
  return moments;
}

const NO_MOMENTS: readonly Instant[] = [];

export const inPhase = (verdicts: readonly Verdict[], ...phases: readonly Verdict['phase'][]): readonly Verdict[] =>
  verdicts.filter(({ phase }) => phases.includes(phase));

export const runs = ({ phase }: Verdict): boolean => phase === 'running' || phase === 'onLeave';
