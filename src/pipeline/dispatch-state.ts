// How delivery to each target stands, for people in other processes: one row of the store, written when something changes.
import { type Instant, instantOfMs } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import type { Store } from '../store/store.ts';
import type { Gate } from './gate.ts';

export interface DispatchState {
  /** `paused`: the target asked for patience. `open`: it is down, and one probe at a time asks whether it is back. */
  readonly state: 'closed' | 'paused' | 'open' | 'halfOpen';
  /** Since when it is closed or open. */
  readonly since: Instant;
  /** The code of the answer that led to it; '' while all is well. */
  readonly why: string;
  /** When something is sent again, leavers apart, who may be earlier; null while everything is. */
  readonly nextTryAt: Instant | null;
  /** Requests per second as they are allowed now; null: without limit. */
  readonly perSecond: number | null;
}

export type DispatchStates = Readonly<Record<string, DispatchState>>;

const KEY = 'dispatch';

export function stateOf(gate: Gate, perSecond: number | null, nowMs: number): DispatchState {
  const waits = gate.notBeforeMs.ordinary > nowMs;
  const open = gate.probe === null ? 'open' : 'halfOpen';
  const closed = waits ? 'paused' : 'closed';
  return {
    state: gate.state === 'open' ? open : closed,
    since: instantOfMs(gate.sinceMs),
    why: gate.state === 'closed' && !waits ? '' : gate.why,
    nextTryAt: waits ? instantOfMs(gate.notBeforeMs.ordinary) : null,
    perSecond: perSecond === null ? null : Math.round(perSecond * 10) / 10,
  };
}

/** By target, as the daemon last wrote it. Targets of which nothing was ever wrong are absent. */
export async function readDispatchStates(store: Pick<Store, 'setting'>): Promise<DispatchStates> {
  return ((await store.setting(KEY)) ?? {}) as unknown as DispatchStates;
}

/** Collects the states of all lines and writes them, one write at a time. */
export class Board {
  readonly #store: Store;
  #states: DispatchStates = {};
  #written = '{}';
  #writing: Promise<void> | null = null;
  #broken: { readonly error: unknown } | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  get states(): DispatchStates {
    return this.#states;
  }

  /** What an earlier process wrote is no longer true. */
  async clear(): Promise<void> {
    if (Object.keys(await readDispatchStates(this.#store)).length > 0) await this.#store.saveSetting(KEY, {});
  }

  show(target: string, state: DispatchState): void {
    this.#states = { ...this.#states, [target]: state };
    this.#writing ??= this.#write();
  }

  /** Resolves when what was shown is written. @throws what kept it from being written. */
  async written(): Promise<void> {
    await this.#writing;
    if (this.#broken !== null) throw this.#broken.error;
  }

  async #write(): Promise<void> {
    try {
      for (let text = JSON.stringify(this.#states); text !== this.#written; text = JSON.stringify(this.#states)) {
        this.#written = text;
        await this.#store.saveSetting(KEY, JSON.parse(text) as JsonObject);
      }
    } catch (error) {
      this.#broken = { error };
    } finally {
      this.#writing = null;
    }
  }
}
