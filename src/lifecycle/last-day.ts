import { type CalendarDate, plusDays } from '../base/calendar-date.ts';
import { inPhase, runs, type Verdict } from './phase.ts';

/** From those that run, or else the next to start, through whatever follows without a gap. */
export function lastDayOf(
  verdicts: readonly Verdict[],
): { readonly day: CalendarDate; readonly timeZone: string } | null {
  const running = verdicts.filter(runs);
  const upcoming = inPhase(verdicts, 'waiting', 'window', 'future');
  let covering: readonly Verdict[] = running.length > 0 ? running : upcoming.slice(0, 1);
  for (;;) {
    const last = latest(covering);
    if (last === null) return null;
    const reach = plusDays(last.day, 1);
    // Each turn reaches further, so the loop ends with the employments.
    covering = upcoming.filter(
      ({ employment, until }) =>
        (employment.startDate === null || employment.startDate <= reach) && (until === null || until > last.day),
    );
    if (covering.length === 0) return last;
  }
}

function latest(verdicts: readonly Verdict[]): { readonly day: CalendarDate; readonly timeZone: string } | null {
  let last: { day: CalendarDate; timeZone: string } | null = null;
  for (const { until, employment } of verdicts) {
    if (until === null) return null;
    if (last === null || until > last.day) last = { day: until, timeZone: employment.timeZone };
  }
  return last;
}
