// Absence from snapshots: which deliveries missed a worker, and what that proves. One short or empty answer proves nothing:
// only two distinct deliveries far enough apart do, and only those that were complete by strong proof let anything be done
// about it without a person (design section 3).
import { HOUR_MS, type Instant, msOf } from '../base/instant.ts';

/** One delivery that missed the worker. */
export interface Sighting {
  /** Identity of the delivery: reading the same one twice is one sighting. */
  readonly delivery: string;
  /** Of what moment it speaks. */
  readonly asOf: Instant;
  /** When it was read, by our clock. */
  readonly at: Instant;
  /** Complete by strong proof, and every row of it named somebody. */
  readonly strong: boolean;
}

/** Since the worker was last seen. Held in short form: what lies between the first and the latest sighting adds nothing. */
export interface Suspicion {
  readonly since: Instant;
  readonly first: Sighting;
  readonly latest: Sighting;
  readonly firstStrong: Sighting | null;
  readonly latestStrong: Sighting | null;
}

/** Two deliveries that miss the worker count once they lie so far apart: a day's export, with some play. */
export const ABSENCE_HOURS = 20;

/** The suspicion after another delivery that misses the worker; the very same object where it adds nothing. */
export function missedAgain(before: Suspicion | null, sighting: Sighting): Suspicion {
  const strong = sighting.strong ? sighting : null;
  if (before === null) {
    return { since: sighting.at, first: sighting, latest: sighting, firstStrong: strong, latestStrong: strong };
  }
  const { latest, latestStrong } = before;
  if (latest.delivery === sighting.delivery && (latest.strong || !sighting.strong)) return before;
  return {
    since: before.since,
    first: before.first,
    latest: sighting,
    firstStrong: before.firstStrong ?? strong,
    latestStrong: strong ?? latestStrong,
  };
}

/** `strong`: absent as two complete deliveries prove. `weak`: as two deliveries say that nothing proves complete. */
export function provenBy({ first, latest, firstStrong, latestStrong }: Suspicion): 'strong' | 'weak' | null {
  if (farApart(firstStrong, latestStrong)) return 'strong';
  return farApart(first, latest) ? 'weak' : null;
}

/** By both clocks: yesterday's file that comes late, or a wrong date in a name, must not stand for a day of its own. */
function farApart(a: Sighting | null, b: Sighting | null): boolean {
  if (a === null || b === null || a.delivery === b.delivery) return false;
  const least = ABSENCE_HOURS * HOUR_MS;
  return msOf(b.at) - msOf(a.at) >= least && msOf(b.asOf) - msOf(a.asOf) >= least;
}
