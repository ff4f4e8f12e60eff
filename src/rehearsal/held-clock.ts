// A clock that stands still until the rehearsal moves it: a year passes in a minute, and nobody inside can tell.
import { type Instant, instantOfMs } from '../base/instant.ts';
import type { Clock } from '../runtime/clock.ts';

export interface HeldClock extends Clock {
  readonly now: () => Instant;
  /** Moves on to this moment and wakes whoever waited for one up to it. Never back: an earlier moment changes nothing. */
  readonly moveTo: (ms: number) => void;
  /** Moves to the earliest moment that somebody waits for, `limitMs` at the latest; false when nobody waits for one until then. */
  readonly toNext: (limitMs: number) => boolean;
}

interface Waiting {
  readonly atMs: number;
  readonly wake: () => void;
}

export function heldClock(startMs: number): HeldClock {
  let nowMs = startMs;
  const waiting = new Set<Waiting>();
  const moveTo = (ms: number): void => {
    nowMs = Math.max(nowMs, ms);
    const due = [...waiting].filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs);
    for (const { wake } of due) wake();
  };
  return {
    nowMs: () => nowMs,
    now: () => instantOfMs(nowMs),
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || ms <= 0) {
          setImmediate(resolve);
          return;
        }
        const done = (): void => {
          waiting.delete(entry);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const entry: Waiting = { atMs: nowMs + ms, wake: done };
        waiting.add(entry);
        signal?.addEventListener('abort', done, { once: true });
      }),
    moveTo,
    toNext: (limitMs) => {
      let next = Number.POSITIVE_INFINITY;
      for (const { atMs } of waiting) next = Math.min(next, atMs);
      if (next > limitMs) return false;
      moveTo(next);
      return true;
    },
  };
}
