// While a first load is still being planned, the store lays out what it will be asked to store: the thread of the store would wait
// otherwise, and what is stored once the guard has spoken is half the work then. Nobody sees what is laid out.
import type { Instant } from '../base/instant.ts';
import type { LaidOut, PackedChanges } from '../planning/changeset.ts';
import { type Store, StoreUnknown } from '../store/store.ts';

/** Workers that are laid out, and later committed, together. */
const SLICE = 600;
/** Slices on their way to the store at once. About 4 MB of bytes. */
const UNDER_WAY_MAX = 2;

/** Slices of slots, as a plan gives them. */
interface Slots {
  /** How many were given. */
  readonly slots: number;
  /** Null where they cannot be stored just as they are. */
  readonly packedSlots: (from: number, to: number) => PackedChanges | null;
  readonly giveBack: (packed: PackedChanges) => void;
}

export interface LaidSlice {
  readonly laidOut: LaidOut;
  /** For whoever stores the slice: those of it who passed so far. */
  readonly keys: string[];
}

export class LayingOut implements AsyncDisposable {
  /** By number of the slice; null where it is stored as it is. */
  readonly #slices: (LaidSlice | null)[] = [];
  readonly #spoilt = new Set<number>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #laid: LaidOut[] = [];
  #begun = 0;
  readonly #store: Store;
  readonly #at: Instant;

  constructor(store: Store, at: Instant) {
    this.#store = store;
    this.#at = at;
  }

  /** Has all slices laid out that are full by now. */
  async goOn(plan: Slots): Promise<void> {
    while (plan.slots >= (this.#begun + 1) * SLICE) {
      const number = this.#begun;
      this.#begun += 1;
      this.#slices[number] = null;
      const packed = this.#spoilt.has(number) ? null : plan.packedSlots(number * SLICE, (number + 1) * SLICE);
      if (packed === null) continue;
      const laid = this.#lay(number, packed).finally(() => {
        plan.giveBack(packed);
        this.#underWay.delete(laid);
      });
      this.#underWay.add(laid);
      while (this.#underWay.size >= UNDER_WAY_MAX) await Promise.race(this.#underWay);
    }
  }

  /** Resolves when nothing is on its way to the store: from then on what `at` says only changes to null. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Whoever had this slot is planned anew, or not at all. */
  spoil(slot: number): void {
    this.#spoilt.add(Math.floor(slot / SLICE));
  }

  /** The slice of this slot; null where it is stored as it is. */
  at(slot: number): LaidSlice | null {
    const number = Math.floor(slot / SLICE);
    return this.#spoilt.has(number) ? null : (this.#slices[number] ?? null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#store.putAway(this.#laid).catch((error: unknown) => {
      // A store in doubt has said so already, and the file ends with the process.
      if (!(error instanceof StoreUnknown)) throw error;
    });
  }

  async #lay(number: number, packed: PackedChanges): Promise<void> {
    const laidOut = await this.#store.layOut(this.#at, packed);
    if (laidOut === null) return;
    this.#laid.push(laidOut);
    this.#slices[number] = { laidOut, keys: [] };
  }
}
