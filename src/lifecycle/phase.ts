// Status words and dates of one employment, judged at one moment: the table of the design, one row per branch.
import { type CalendarDate, plusDays, startOfDay } from '../base/calendar-date.ts';
import { type DayTime, momentOf } from '../base/day-time.ts';
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
  /** Set where nothing ended it but that HR's snapshots no longer hold the record. */
  readonly missing?: true;
}

export interface Context {
  readonly now: Instant;
  readonly preboardDays: number;
  /** For somebody at work whom nothing else keeps there: this employment is read as running where it can be. */
  readonly benefitOfDoubt: boolean;
  /** The last day that passed the guard when it was first seen. */
  readonly guardedEnd: CalendarDate | null;
  readonly enableAt?: DayTime | undefined;
  readonly disableAt?: DayTime | undefined;
  /** When another employment of the worker begins on the day after this one's last: until then this one goes on. */
  readonly relievedAt?: Instant | null;
}

/** An end nearer than this is announced to the guard when it is first seen. */
export const END_HORIZON_DAYS = 30;

/** Where every day begins first: UTC+14. */
const EARLIEST_ZONE = 'Etc/GMT-14';

/** The start of the day that lies `days` after `date`, in this zone. */
export const dayStart = (date: CalendarDate, days: number, timeZone: string): Instant =>
  startOfDay(days === 0 ? date : plusDays(date, days), timeZone);

/** When access begins. A time that the clock skips has come once the jump is over: never before it was written down. */
export const beginsAt = (startDate: CalendarDate, timeZone: string, enableAt: DayTime | undefined): Instant =>
  enableAt === undefined ? dayStart(startDate, 0, timeZone) : momentOf(startDate, enableAt, timeZone, 'later');

/** When access ends. Of two readings of a time that the clock skips or shows twice the earlier one counts. */
export const endsAt = (lastDay: CalendarDate, timeZone: string, disableAt: DayTime | undefined): Instant =>
  disableAt === undefined ? dayStart(lastDay, 1, timeZone) : momentOf(lastDay, disableAt, timeZone, 'earlier');

/** When the access of this employment ends by its date, with what another one that follows at once adds. */
function endMoment(endDate: CalendarDate, timeZone: string, { disableAt, relievedAt }: Context): Instant {
  const at = endsAt(endDate, timeZone, disableAt);
  return relievedAt !== undefined && relievedAt !== null && relievedAt > at ? relievedAt : at;
}

export const ALERTS = {
  waiting: 'the start date has passed but HR still says expected',
  contradiction: 'HR does not say terminated although the last day has passed',
  absent: 'HR no longer sends the record: absent from complete snapshots',
  endsNowAlone: 'endsNow is ignored: it counts only with a termination, or a last day, of an employment that has begun',
} as const;

export function judge(employment: Employment, context: Context): Verdict {
  const verdict = byWordAndDates(employment, context);
  if (employment.absent === undefined || verdict.phase === 'ended') return verdict;
  const ended = { kind: 'inferred', by: 'feed', lastDay: null } as const;
  return { ...verdict, phase: 'ended', ended, moments: NO_MOMENTS, alert: ALERTS.absent, missing: true };
}

function byWordAndDates(employment: Employment, context: Context): Verdict {
  const { status, startDate, endDate, endsNow, timeZone } = employment;
  const { now, benefitOfDoubt, enableAt } = context;
  const startsAt = startDate === null ? null : beginsAt(startDate, timeZone, enableAt);
  const endsOn = endDate === null ? null : endMoment(endDate, timeZone, context);
  const endPassed = endsOn !== null && endsOn <= now;
  const started = startsAt === null || startsAt <= now;
  // A worker at work stays so when only the zone changes on the day of the start: begun anywhere on earth is begun.
  const began =
    started || (benefitOfDoubt && startDate !== null && beginsAt(startDate, EARLIEST_ZONE, enableAt) <= now);
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
    if (endsNow && started && endsOn !== null) return over('inferred', 'endsNow', null, alert);
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
  context: Context,
): readonly Instant[] {
  const { now, preboardDays } = context;
  if (endDate === null && (startsAt === null || startsAt <= now)) return NO_MOMENTS;
  const moments: Instant[] = [];
  if (startDate !== null && startsAt !== null && startsAt > now) {
    moments.push(dayStart(startDate, -preboardDays, timeZone), startsAt);
  }
  if (endDate !== null) moments.push(endMoment(endDate, timeZone, context));
  if (until !== null) moments.push(dayStart(until, -END_HORIZON_DAYS, timeZone));
  return moments;
}

const NO_MOMENTS: readonly Instant[] = [];

export const inPhase = (verdicts: readonly Verdict[], ...phases: readonly Verdict['phase'][]): readonly Verdict[] =>
  verdicts.filter(({ phase }) => phases.includes(phase));

export const runs = ({ phase }: Verdict): boolean => phase === 'running' || phase === 'onLeave';
