// What Okta says of its rate limits, in our own time. The end of a window is its Reset minus its Date, never our clock: the two may
// be minutes apart. A share of each window is kept for leavers. https://developer.okta.com/docs/reference/rl2-monitor/

/** Buckets are Okta's own affair, and those of identity sources are not documented: one window for each part of the interface. */
export type Bucket = 'source' | 'users';

export interface RateHeaders {
  readonly status: number;
  readonly limit: string | null;
  readonly remaining: string | null;
  /** Seconds since the epoch, on Okta's clock. */
  readonly reset: string | null;
  readonly date: string | null;
}

export interface Budget {
  /** Takes in an answer. @returns how long to wait before the next try, in milliseconds; null where nothing was refused. */
  readonly heard: (bucket: Bucket, headers: RateHeaders) => number | null;
  /** A request leaves. */
  readonly spent: (bucket: Bucket) => void;
  /** Milliseconds for which this is not the moment; 0: now. Leavers wait only where nothing at all is left, and a minute at most. */
  readonly waitMs: (bucket: Bucket, urgent: boolean) => number;
}

interface Window {
  readonly limit: number;
  remaining: number;
  readonly untilMs: number;
}

/** Share of a window that is kept for leavers. */
const RESERVED_SHARE = 0.1;
/** Windows are of a minute; what says more than this is not believed. */
const WINDOW_MAX_MS = 5 * 60_000;
/** Too many requests at once, and not too many in a minute: Reset is a suggestion only then. */
const CONCURRENCY_MS = 1_000;
const UNSAID_MS = 60_000;
const LEAVER_WAIT_MAX_MS = 60_000;

export function budgetOf(now: () => number): Budget {
  const windows = new Map<Bucket, Window>();
  return {
    heard: (bucket, { status, limit, remaining, reset, date }) => {
      const [most, left] = [numberOf(limit), numberOf(remaining)];
      const endsInMs = Math.min(
        WINDOW_MAX_MS,
        Math.max(0, (numberOf(reset) ?? Number.NaN) * 1_000 - Date.parse(date ?? '')),
      );
      const knownMs = Number.isNaN(endsInMs) ? UNSAID_MS : endsInMs;
      if (status === 429 && most === 0) return CONCURRENCY_MS;
      if (most !== null && left !== null && most > 0)
        windows.set(bucket, { limit: most, remaining: status === 429 ? 0 : left, untilMs: now() + knownMs });
      return status === 429 ? Math.max(CONCURRENCY_MS, knownMs) : null;
    },
    spent: (bucket) => {
      const window = windows.get(bucket);
      if (window !== undefined) window.remaining -= 1;
    },
    waitMs: (bucket, urgent) => {
      const window = windows.get(bucket);
      if (window === undefined) return 0;
      const leftMs = window.untilMs - now();
      // A clock of ours that was set back must not make anybody wait longer than a window lasts.
      if (leftMs <= 0 || leftMs > WINDOW_MAX_MS) return 0;
      if (urgent) return window.remaining > 0 ? 0 : Math.min(leftMs, LEAVER_WAIT_MAX_MS);
      return window.remaining > Math.ceil(window.limit * RESERVED_SHARE) ? 0 : leftMs;
    },
  };
}

function numberOf(text: string | null): number | null {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
