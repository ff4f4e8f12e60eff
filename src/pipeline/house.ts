// The parts of an open house that the pipeline works with. `daemon.ts` puts them together; nobody else constructs them.
import type { Instant } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { AlsoSource, Connection } from '../mapping/connection-file.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DiskReserve } from '../runtime/disk-reserve.ts';
import type { Logger } from '../runtime/log.ts';
import type { Meter } from '../runtime/meter.ts';
import type { ProofLog, ProofReason } from '../runtime/proof.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../store/store.ts';
import type { Target } from '../targets/target.ts';
import type { PlansUnderWay } from './plans-under-way.ts';
import type { Turn } from './turn.ts';

/** When a credential ends. */
export interface CredentialEnd {
  /** Where the connection file names it. */
  readonly subject: string;
  /** In words: `the certificate`. */
  readonly what: string;
  /** Milliseconds since 1970. */
  readonly endsMs: number;
}

/** A further source of a connection, open. */
export interface LiveFurther {
  readonly settings: AlsoSource;
  readonly source: Source;
  /** The last delivery that was accepted: deltas go on after it. */
  readonly accepted: { name: string | null; watermark: string | null };
}

export interface LiveConnection {
  readonly connection: Connection;
  readonly source: Source;
  readonly also: readonly LiveFurther[];
  /** What the connection file has come to say since it was read; null while it says the same. */
  readonly edited: () => string | null;
  /** When credentials of the connection end, as far as anybody can tell. */
  readonly credentialEnds: () => Promise<readonly CredentialEnd[]>;
  readonly targets: ReadonlyMap<string, Target>;
  /** One reading of the source at a time. */
  readonly turn: Turn;
  readonly plans: PlansUnderWay;
  /** What is said of single workers beside the feed is judged one after the other. */
  readonly beside: Turn;
  /** Rings when a webhook has brought something. */
  readonly arrived: Bell;
  /** The last delivery that was accepted: deltas of files go on after its name, changes of an interface after its watermark. */
  readonly accepted: { name: string | null; watermark: string | null };
  /** Ring to have the source looked at now. */
  readonly wake: Bell;
  /** Targets whose accounts were never listed: nobody is planned there. */
  readonly unmet: Set<string>;
  /** Listings under way, by target. */
  readonly meetings: Map<string, Promise<void>>;
}

/** Checkpoints of the audit, and what is known of the last one. */
export interface Proof {
  readonly log: ProofLog;
  /** Folder of sealed parts of the audit. */
  readonly segmentsDir: string;
  readonly due: Bell;
  /** Of the last ring. */
  why: ProofReason;
  /** The last entry that a checkpoint of this process speaks of; -1 before the first. */
  saidSeq: number;
  saidAt: Instant | null;
  /** Since when this process says something every five minutes; null where it does not. */
  since: Instant | null;
}

export interface House {
  readonly store: Store;
  readonly stateDir: string;
  readonly disk: DiskReserve;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly connections: ReadonlyMap<string, LiveConnection>;
  readonly meter: Meter;
  /** Where checkpoints of the audit go; null in a house that writes nothing, or that is of memory. */
  readonly proof: Proof | null;
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
    // Pumps wait thousands of times a second: AbortSignal.any costs several times as much.
    signal.addEventListener('abort', wake, { once: true });
    await clock.wait(maxMs, rung.signal);
    signal.removeEventListener('abort', wake);
    this.#waiting = this.#waiting.filter((one) => one !== wake);
  }
}

/** Has every source of the connection read as a whole and now, whatever their schedules say: somebody asks, or something came free. */
export function lookNow(live: LiveConnection): void {
  for (const { source } of [live, ...live.also]) source.slot?.('snapshot');
  live.wake.ring();
}

/** Lets timers, sockets and webhooks run between two slices of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts by name, for summaries. */
export type Tally = Record<string, number>;
export const count = (tally: Tally, name: string, by = 1): void => {
  tally[name] = (tally[name] ?? 0) + by;
};
export const tallyJson = (tally: Tally): JsonObject => ({ ...tally });
