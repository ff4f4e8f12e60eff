// The one back-off rule: full jitter, so that a thousand waiting operations do not come back in one wave.
import { HOUR_MS } from '../base/instant.ts';

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** Leavers: the first repetition within 2 s, never more than a minute apart, for ever. */
export const LEAVER_BACKOFF: Backoff = { firstMs: 2_000, capMs: 60_000 };
/** Everybody else. */
export const WORK_BACKOFF: Backoff = { firstMs: 2_000, capMs: 300_000 };
/** A leaver that was refused for good is still tried, and shown as failed. */
export const REFUSED_LEAVER_MS = 15 * 60_000;
/** A target that asks for more than this is asked again anyway. */
export const RETRY_AFTER_MAX_MS = HOUR_MS;
/**
 * The longest wait that is ever set. A moment further ahead was named by a clock that has been put right since: it has come, for
 * what it waits for would wait as long as the clock was wrong.
 */
export const WAIT_MAX_MS = { urgent: REFUSED_LEAVER_MS, ordinary: RETRY_AFTER_MAX_MS } as const;

/** Milliseconds before try number `tries + 1`, where `tries` ≥ 1 have been made. `random` is in [0, 1). */
export function backoffMs(tries: number, rule: Backoff, random: number): number {
  const ceiling = Math.min(rule.capMs, rule.firstMs * 2 ** Math.min(Math.max(tries - 1, 0), 20));
  return Math.floor(random * ceiling);
}
