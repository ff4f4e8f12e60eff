// A time of day, possibly on a neighbouring day: `06:00`, `-1d 18:00`, `+1d 00:00`.
import { type CalendarDate, localMoment, plusDays, startOfDay } from './calendar-date.ts';
import { HOUR_MS, type Instant, MINUTE_MS } from './instant.ts';

export interface DayTime {
  /** Days after the day it is counted from; negative for days before. */
  readonly days: number;
  /** Minutes after midnight on the wall clock, 0 … 1439. */
  readonly minutes: number;
}

const WRITTEN = /^(?:([+-])(\d{1,2})d +)?([01]\d|2[0-3]):([0-5]\d)$/;
/** Further away it is no time of day any more but another date. */
export const SHIFT_DAYS_MAX = 30;
const HOUR_MINUTES = HOUR_MS / MINUTE_MS;

/** Null when the text is none. */
export function dayTime(text: string): DayTime | null {
  const match = WRITTEN.exec(text.trim());
  if (match === null) return null;
  const [, sign, shift = '0', hours = '', minutes = ''] = match;
  const days = Number(shift);
  if (days > SHIFT_DAYS_MAX) return null;
  return {
    days: sign === '-' && days > 0 ? -days : days,
    minutes: Number(hours) * HOUR_MINUTES + Number(minutes),
  };
}

/**
 * The instant of this time, counted from a day in a zone. Midnight is the start of the day, whenever the day starts there.
 * A time that the clock shows twice is the first of the two; one that it skips is, as `skipped` says, too early or the jump itself.
 */
export function momentOf(day: CalendarDate, time: DayTime, timeZone: string, skipped: 'earlier' | 'later'): Instant {
  const date = time.days === 0 ? day : plusDays(day, time.days);
  return time.minutes === 0 ? startOfDay(date, timeZone) : localMoment(date, time.minutes, timeZone, skipped);
}
