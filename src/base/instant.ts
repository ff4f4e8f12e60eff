declare const instantBrand: unique symbol;

/** A moment in UTC as ISO text with milliseconds (`2026-11-22T09:34:00.000Z`): equal length, so text order is time order. */
export type Instant = string & { readonly [instantBrand]: true };

export const instantOfMs = (ms: number): Instant => new Date(ms).toISOString() as Instant;
/** As an HTTP `Date` header says it (RFC 9110 section 5.6.7), to the second. */
export const httpDateOfMs = (ms: number): string => new Date(ms).toUTCString();
/** For libraries that ask for one. */
export const dateOfMs = (ms: number): Date => new Date(ms);
export const msOf = (instant: Instant): number => Date.parse(instant);
export const plusMs = (instant: Instant, ms: number): Instant => instantOfMs(msOf(instant) + ms);

/**
 * How far apart they are, whichever comes first. For ages: a moment that lies ahead was named before the clock was set back, and what
 * is older than anybody can tell must not count as new.
 */
export const apartMs = (a: Instant, b: Instant): number => Math.abs(msOf(a) - msOf(b));

/** @throws RangeError when the text is no instant. Accepts any offset and returns UTC. */
export const instantOf = (text: string): Instant => new Date(text).toISOString() as Instant;

/** The earlier of two, where null means never. */
export function earlier(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null) return b;
  if (b === null) return a;
  return a < b ? a : b;
}

export const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
