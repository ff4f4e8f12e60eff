// The parts of an open house that the pipeline works with. `daemon.ts` puts them together; nobody else constructs them.
import type { JsonObject } from '../base/json.ts';
import type { Connection } from '../mapping/connection-file.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../store/store.ts';
import type { Target } from '../targets/target.ts';

export interface LiveConnection {
  readonly connection: Connection;
  readonly source: Source;
  readonly targets: ReadonlyMap<string, Target>;
  readonly turn: Turn;
  /** Name of the last delivery that was accepted: deltas go on after it. */
  readonly accepted: { name: string | null };
  /** Ring to have the source looked at now. */
  readonly wake: Bell;
  /** Targets whose accounts were never listed: nobody is planned there. */
  readonly unmet: Set<string>;
  /** Listings under way, by target. */
  readonly meetings: Map<string, Promise<void>>;
}

export interface House {
  readonly store: Store;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly connections: ReadonlyMap<string, LiveConnection>;
  /** Rings when work was put into the outbox, so that delivery need not wait for its next look. */
  readonly outboxFilled: Bell;
  /** Whether a jump of the clock needs a witness: with a clock that a test or a rehearsal moves it does not. */
  readonly watchesClock?: boolean;
}

/**
 * A happening that several may wait for. Whoever waits says how many rings they know of, so that a ring between a look
 * and the wait is never lost.
 */
export class Bell {
  #rings = 0;
  #waiting: (() => void)[] = [];

  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at a ring after the `known` ones, after `maxMs`, or when the signal aborts. */
  async after(known: number, clock: Clock, maxMs: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== known || signal.aborted) return;
    const rung = new AbortController();
    const wake = (): void => rung.abort();
    this.#waiting.push(wake);
    await clock.wait(maxMs, AbortSignal.any([signal, rung.signal]));
    this.#waiting = this.#waiting.filter((one) => one !== wake);
  }
}

/** One at a time, in order of asking: two plans of one connection must not pass the same guard window side by side. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** Lets timers, sockets and webhooks run between two slices of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts by name, for summaries. */
export type Tally = Record<string, number>;
export const count = (tally: Tally, name: string, by = 1): void => {
  tally[name] = (tally[name] ?? 0) + by;
};
export const tallyJson = (tally: Tally): JsonObject => ({ ...tally });
