// Requests per second of one target: a token bucket of which a share is kept for leavers.

export interface Rate {
  /** Resolves when one request may be sent. @throws the signal's reason when it aborts first. */
  readonly take: (urgent: boolean, signal: AbortSignal) => Promise<void>;
}

export interface RateDeps {
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

/** Share of a second's requests that may leave at once. */
const BURST_SHARE = 0.1;
/** Tokens that only leavers may take; with the bucket they are refilled first. */
const RESERVED_SHARE = 0.2;
/** Spreads those who wait for the same token. */
const JITTER = 0.25;

/** `perSecond` null sets no limit. */
export function rateOf(perSecond: number | null, deps: RateDeps): Rate {
  if (perSecond === null) return { take: () => Promise.resolve() };
  const capacity = Math.max(2, perSecond * BURST_SHARE);
  const reserved = Math.max(1, capacity * RESERVED_SHARE);
  let tokens = capacity;
  let filledAt = deps.now();
  const refill = () => {
    const now = deps.now();
    // A clock that was set back gives nothing and starts anew.
    tokens = Math.min(capacity, tokens + (Math.max(0, now - filledAt) * perSecond) / 1000);
    filledAt = now;
  };
  return {
    take: async (urgent, signal) => {
      const floor = urgent ? 0 : reserved;
      for (;;) {
        signal.throwIfAborted();
        refill();
        const missing = floor + 1 - tokens;
        if (missing <= 1e-9) {
          tokens -= 1;
          return;
        }
        await deps.wait(Math.ceil((missing / perSecond) * 1000 * (1 + JITTER * deps.random())), signal);
      }
    },
  };
}
