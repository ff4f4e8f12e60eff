// A clock that runs faster than the system's and can be set forward: days of a company in seconds. Two processes that are told
// the same pace read the same time from it.
import type { Clock } from '../../src/runtime/clock.ts';

/** At `realMs` of the system's clock it was `virtualMs`; since then `speed` milliseconds pass in each of the system's. */
export interface Pace {
  readonly realMs: number;
  readonly virtualMs: number;
  readonly speed: number;
}

export const virtualAt = ({ realMs, virtualMs, speed }: Pace, atRealMs: number): number =>
  virtualMs + Math.max(0, atRealMs - realMs) * speed;

export interface ScaledClock extends Clock {
  /** Goes on at another pace from here; whoever waits for a moment that has come is woken at once. */
  readonly follow: (pace: Pace) => void;
}

/** Node fires a timer above 24.8 days after 1 ms. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export function scaledClock(start: Pace): ScaledClock {
  let pace = start;
  let latest = Number.NEGATIVE_INFINITY;
  const waiting = new Set<{ readonly at: number; readonly arm: () => void }>();
  // Never backwards, not even by the time that the news of another pace takes.
  const nowMs = (): number => {
    latest = Math.max(latest, virtualAt(pace, Date.now()));
    return latest;
  };
  return {
    nowMs,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        let timer: NodeJS.Timeout | undefined;
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(entry);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const entry = {
          at: nowMs() + Math.max(0, ms),
          arm: (): void => {
            clearTimeout(timer);
            const left = (entry.at - nowMs()) / pace.speed;
            timer = setTimeout(left <= 0 ? done : ended, Math.min(Math.max(0, left), TIMER_MAX_MS));
          },
        };
        // A timer may fire a fraction too early for the moment that it stands for.
        const ended = (): void => (nowMs() >= entry.at ? done() : entry.arm());
        waiting.add(entry);
        signal?.addEventListener('abort', done, { once: true });
        entry.arm();
      }),
    follow: (next) => {
      pace = next;
      for (const entry of [...waiting]) entry.arm();
    },
  };
}
