import { Temporal } from 'temporal-polyfill';
import { type Instant, instantOfMs } from './instant.ts';

/** The clocks of a zone are put forward: what they would have shown is never shown. */
export interface Jump {
  readonly at: Instant;
  /** The first time on the wall that is left out, and the one shown instead, as though they were of UTC. */
  readonly wallFromMs: number;
  readonly wallToMs: number;
}

/** A zone that is put back and forth all year has two a year; one whose clocks are never put forward again has none. */
const TRANSITIONS_MAX = 20;

/** The next one after this instant; null where none comes. */
export function nextJump(after: Instant, timeZone: string): Jump | null {
  let at = Temporal.Instant.from(after).toZonedDateTimeISO(timeZone);
  for (let looked = 0; looked < TRANSITIONS_MAX; looked += 1) {
    const next = at.getTimeZoneTransition('next');
    if (next === null || next === undefined) return null;
    const before = next.subtract({ nanoseconds: 1 }).offsetNanoseconds;
    if (next.offsetNanoseconds > before) {
      const [from, to] = [before, next.offsetNanoseconds].map((offset) => next.epochMilliseconds + offset / 1e6);
      return { at: instantOfMs(next.epochMilliseconds), wallFromMs: from as number, wallToMs: to as number };
    }
    at = next;
  }
  return null;
}
