import { type Instant, instantOfMs } from '../base/instant.ts';

/** The only way to time: the real one in `main`, a held one in tests. */
export interface Clock {
  readonly nowMs: () => number;
  /** Resolves after this long, or at once when the signal aborts; never rejects. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A jump of it is doubted as one of the system's is; a held clock that is set by hand is believed otherwise. */
  readonly doubted?: true;
}

/** Longer waits are cut: Node fires a timer above 24.8 days after 1 ms. Whoever waits looks at the clock again anyway. */
const WAIT_MAX_MS = 24 * 3_600_000;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), WAIT_MAX_MS));
      signal?.addEventListener('abort', done, { once: true });
    }),
};

export const nowOf = (clock: Clock): Instant => instantOfMs(clock.nowMs());
