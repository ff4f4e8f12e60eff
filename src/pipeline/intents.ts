// What is about to be sent, written down before it leaves. Intents that are asked for in one turn of the event loop share one
// changeset: a claimed batch costs one commit, and a single leaver waits for nobody.
import type { EntryDraft } from '../planning/changeset.ts';
import { nowOf } from '../runtime/clock.ts';
import type { House } from './house.ts';

interface Waiting {
  readonly draft: EntryDraft;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Intents in one changeset: some milliseconds of writing. What is asked for beyond them follows in the next one. */
const TOGETHER_MAX = 128;

export class Intents {
  readonly #house: House;
  /** By connection: a changeset belongs to one. */
  readonly #waiting = new Map<string, Waiting[]>();
  #scheduled = false;

  constructor(house: House) {
    this.#house = house;
  }

  /** Resolves when the entry is durable. */
  take(connection: string, draft: EntryDraft): Promise<void> {
    return new Promise((done, failed) => {
      const waiting = this.#waiting.get(connection);
      if (waiting === undefined) this.#waiting.set(connection, [{ draft, done, failed }]);
      else waiting.push({ draft, done, failed });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    this.#scheduled = false;
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const [connection, waiting] of all) {
      for (let from = 0; from < waiting.length; from += TOGETHER_MAX) {
        void this.#store(connection, waiting.slice(from, from + TOGETHER_MAX));
      }
    }
  }

  async #store(connection: string, together: readonly Waiting[]): Promise<void> {
    try {
      const entries = together.map(({ draft }) => draft);
      await this.#house.store.commit({ connection, at: nowOf(this.#house.clock), entries });
    } catch (error) {
      for (const { failed } of together) failed(error);
      return;
    }
    for (const { done } of together) done();
  }
}
