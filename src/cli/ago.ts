// Moments and spans as people say them.
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, msOf, SECOND_MS } from '../base/instant.ts';

/** `3 min ago`, `in 2 h`, `just now`. */
export function ago(then: Instant, now: Instant): string {
  const ms = msOf(now) - msOf(then);
  if (Math.abs(ms) < 5 * SECOND_MS) return 'just now';
  return ms > 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

/** The largest unit that fits, rounded down: `45 s`, `3 min`, `2 h`, `5 days`. */
export function span(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  const days = Math.floor(ms / DAY_MS);
  return days === 1 ? '1 day' : `${grouped(days)} days`;
}

const groups = new Intl.NumberFormat('en-US');
/** `12,000`: long counts are read in groups. */
export const grouped = (count: number): string => groups.format(count);
