// Requests per second of one target: a token bucket of which a share is kept for leavers, who also come first. The rate falls by
// half when the target says 429 and comes back step by step.

export interface Rate {
  /**
   * Resolves with true when one request may be sent, and with false when it is not wanted any more (see `reconsider`).
   * @throws the signal's reason when it aborts first.
   */
  readonly take: (urgent: boolean, signal: AbortSignal, wanted?: () => boolean) => Promise<boolean>;
  /** Tells the status of every answer. */
  readonly answered: (status: number) => void;
  /** Asks everybody who waits whether they still want to. */
  readonly reconsider: () => void;
  /** As it is now; null: without limit. */
  readonly perSecond: () => number | null;
}

export interface RateDeps {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Share of a second's requests that may leave at once. */
const BURST_SHARE = 0.1;
/** Tokens that only leavers may take; with the bucket they are refilled first. */
const RESERVED_SHARE = 0.2;

// ── the limit, pure ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface Limit {
  /** What was configured; null: none. */
  readonly configured: number | null;
  /** Null: without limit. */
  readonly perSecond: number | null;
  /** Where it goes back to; then a limit that nobody configured ends. */
  readonly ceiling: number;
  /** When it was changed last, in milliseconds. */
  readonly changedAtMs: number;
}

/** Answers of one wave halve the rate once. */
const HALVED_AT_MOST_EVERY_MS = 1_000;
/** Share of the ceiling that comes back each second without a 429. */
const RECOVERED_EACH_SECOND = 0.05;
/** No target is so weak that it needs less, unless it is configured so. */
const FLOOR_PER_SECOND = 1;

export const limitOf = (configured: number | null, nowMs: number): Limit => ({
  configured,
  perSecond: configured,
  ceiling: configured ?? 0,
  changedAtMs: nowMs,
});

/** After a 429. `measured`: requests that were sent in the last second. */
export function halved(limit: Limit, measured: number, nowMs: number): Limit {
  const { configured, perSecond } = limit;
  const first = perSecond === configured;
  const sinceMs = nowMs - limit.changedAtMs;
  if (!first && sinceMs >= 0 && sinceMs < HALVED_AT_MOST_EVERY_MS) return limit;
  const floor = Math.min(FLOOR_PER_SECOND, configured ?? FLOOR_PER_SECOND);
  const sent = Math.max(measured, floor);
  // What was not used says nothing of what the target bears.
  const next = Math.max(floor, Math.min(perSecond ?? sent, sent) / 2);
  const ceiling = configured ?? (perSecond === null ? 2 * sent : limit.ceiling);
  return { configured, perSecond: next, ceiling, changedAtMs: nowMs };
}

/** As time goes by without a 429. */
export function recovered(limit: Limit, nowMs: number): Limit {
  const { configured, perSecond, ceiling } = limit;
  if (perSecond === configured || perSecond === null) return limit;
  const sinceMs = nowMs - limit.changedAtMs;
  // A clock that was set back starts anew.
  if (sinceMs < 0) return { ...limit, changedAtMs: nowMs };
  if (sinceMs < HALVED_AT_MOST_EVERY_MS) return limit;
  const next = perSecond + (ceiling * RECOVERED_EACH_SECOND * sinceMs) / 1000;
  return { ...limit, perSecond: next >= ceiling ? configured : next, changedAtMs: nowMs };
}

// ── the bucket ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Waiter {
  readonly wanted: () => boolean;
  readonly settle: (sent: boolean) => void;
}

/** `perSecond` null sets no limit until the target asks for one. */
export function rateOf(perSecond: number | null, deps: RateDeps): Rate {
  return new Bucket(perSecond, deps);
}

class Bucket implements Rate {
  readonly #deps: RateDeps;
  readonly #urgent = new Queue();
  readonly #ordinary = new Queue();
  #limit: Limit;
  #tokens: number;
  #filledAt: number;
  /** Of the present second and the one before: what was sent is known without a list. */
  #sent = { second: 0, now: 0, before: 0 };
  /** Cuts the present sleep short. */
  #sleep: AbortController | null = null;

  constructor(perSecond: number | null, deps: RateDeps) {
    this.#deps = deps;
    this.#filledAt = deps.now();
    this.#limit = limitOf(perSecond, this.#filledAt);
    this.#tokens = this.#capacity(perSecond ?? 0);
  }

  readonly perSecond = (): number | null => this.#limit.perSecond;

  readonly answered = (status: number): void => {
    if (status !== 429) return;
    const now = this.#deps.now();
    const wasFree = this.#limit.perSecond === null;
    this.#limit = halved(this.#limit, this.#measured(now), now);
    const capacity = this.#capacity(this.#limit.perSecond ?? 0);
    this.#tokens = wasFree ? capacity : Math.min(this.#tokens, capacity);
    if (wasFree) this.#filledAt = now;
  };

  readonly take = (urgent: boolean, signal: AbortSignal, wanted: () => boolean = () => true): Promise<boolean> => {
    if (signal.aborted) return Promise.reject(signal.reason);
    const queue = urgent ? this.#urgent : this.#ordinary;
    this.#refill();
    if (queue.size === 0 && this.#missing(urgent) <= 0) {
      this.#spend();
      return Promise.resolve(true);
    }
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        queue.remove(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        wanted,
        settle: (sent) => {
          signal.removeEventListener('abort', stop);
          resolve(sent);
        },
      };
      signal.addEventListener('abort', stop, { once: true });
      queue.add(waiter);
      // Somebody sleeps until the token of an ordinary request: a leaver's comes earlier.
      if (this.#sleep === null || (urgent && this.#urgent.size === 1)) this.#serve();
    });
  };

  readonly reconsider = (): void => {
    for (const queue of [this.#urgent, this.#ordinary]) {
      for (const waiter of queue.unwanted()) waiter.settle(false);
    }
  };

  /** Serves whom it can, leavers first, and sleeps until the next token for whoever is left. */
  #serve(): void {
    this.#sleep?.abort();
    this.#sleep = null;
    this.#refill();
    for (;;) {
      const urgent = this.#urgent.size > 0;
      const queue = urgent ? this.#urgent : this.#ordinary;
      if (queue.size === 0) return;
      const missing = this.#missing(urgent);
      if (missing > 0) {
        this.#sleepFor(missing);
        return;
      }
      const waiter = queue.take();
      if (waiter === undefined) return;
      if (waiter.wanted()) {
        this.#spend();
        waiter.settle(true);
      } else waiter.settle(false);
    }
  }

  #sleepFor(tokens: number): void {
    const sleep = new AbortController();
    this.#sleep = sleep;
    const ms = Math.ceil((tokens / (this.#limit.perSecond ?? Number.POSITIVE_INFINITY)) * 1000);
    void this.#deps.wait(Math.max(1, ms), sleep.signal).then(() => {
      if (this.#sleep === sleep) this.#serve();
    });
  }

  /** Tokens that the next request of this kind has to wait for. */
  #missing(urgent: boolean): number {
    const { perSecond } = this.#limit;
    if (perSecond === null) return 0;
    const floor = urgent ? 0 : Math.max(1, this.#capacity(perSecond) * RESERVED_SHARE);
    const missing = floor + 1 - this.#tokens;
    return missing <= 1e-9 ? 0 : missing;
  }

  #capacity(perSecond: number): number {
    return Math.max(2, perSecond * BURST_SHARE);
  }

  #refill(): void {
    const now = this.#deps.now();
    this.#limit = recovered(this.#limit, now);
    const { perSecond } = this.#limit;
    if (perSecond === null) return;
    // A clock that was set back gives nothing and starts anew.
    const gained = (Math.max(0, now - this.#filledAt) * perSecond) / 1000;
    this.#tokens = Math.min(this.#capacity(perSecond), this.#tokens + gained);
    this.#filledAt = now;
  }

  #spend(): void {
    if (this.#limit.perSecond !== null) this.#tokens -= 1;
    this.#turnSecond(this.#deps.now());
    this.#sent.now += 1;
  }

  #measured(now: number): number {
    this.#turnSecond(now);
    return Math.max(this.#sent.now, this.#sent.before);
  }

  #turnSecond(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#sent.second) return;
    this.#sent = { second, now: 0, before: second === this.#sent.second + 1 ? this.#sent.now : 0 };
  }
}

/** First come, first served; taking the first costs the same however many wait. */
class Queue {
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  take(): Waiter | undefined {
    const [first] = this.#waiters;
    if (first !== undefined) this.#waiters.delete(first);
    return first;
  }

  remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Takes out those that are not wanted any more. */
  unwanted(): readonly Waiter[] {
    const found = [...this.#waiters].filter(({ wanted }) => !wanted());
    for (const waiter of found) this.#waiters.delete(waiter);
    return found;
  }
}
