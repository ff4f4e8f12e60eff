// A clock that stands still until a test moves it. Waits end when their moment has come, in order.
import { type Instant, instantOfMs, msOf } from '../../src/base/instant.ts';
import type { Clock } from '../../src/runtime/clock.ts';

export interface HeldClock extends Clock {
  readonly now: () => Instant;
  /** Moves on and wakes everybody whose moment lies within. */
  readonly advance: (ms: number) => void;
  /** Moves to the earliest moment somebody waits for, at most this far; false when nobody waits for one that near. */
  readonly toNext: (withinMs: number) => boolean;
  readonly set: (instant: Instant) => void;
}

export function heldClock(start: Instant): HeldClock {
  let nowMs = msOf(start);
  let waiting: { readonly at: number; readonly wake: () => void }[] = [];
  const wakeDue = (): void => {
    const due = waiting.filter(({ at }) => at <= nowMs).sort((a, b) => a.at - b.at);
    waiting = waiting.filter(({ at }) => at > nowMs);
    for (const { wake } of due) wake();
  };
  return {
    nowMs: () => nowMs,
    now: () => instantOfMs(nowMs),
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || ms <= 0) return setImmediate(resolve);
        const entry = { at: nowMs + ms, wake: () => done() };
        const done = (): void => {
          waiting = waiting.filter((one) => one !== entry);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        waiting.push(entry);
        signal?.addEventListener('abort', done, { once: true });
      }),
    advance: (ms) => {
      nowMs += ms;
      wakeDue();
    },
    toNext: (withinMs) => {
      const next = Math.min(...waiting.map(({ at }) => at));
      if (next > nowMs + withinMs) return false;
      nowMs = Math.max(nowMs, next);
      wakeDue();
      return true;
    },
    set: (instant) => {
      nowMs = msOf(instant);
      wakeDue();
    },
  };
}
