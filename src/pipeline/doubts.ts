// What a lost request may have made at the target without our knowing. Endpoints show what they made with a delay, and not all keep
// names unique meanwhile: as long as it may still appear nothing is made in its place (design section 6).

/** Remembered at once; beyond so many the oldest is taken for certain. */
const KEPT_MAX = 100_000;

export class Doubts {
  /** Requests of an earlier process were sent before this. */
  readonly #sinceMs: number;
  readonly #appearsWithinMs: number;
  readonly #at = new Map<string, number>();

  /** `appearsWithinMs` after the request searches find what it made, if it made anything. */
  constructor(nowMs: number, appearsWithinMs: number) {
    this.#sinceMs = nowMs;
    this.#appearsWithinMs = appearsWithinMs;
  }

  /** A request that was to make it got no answer, or one that says nothing. */
  arose(what: string, nowMs: number): void {
    this.#at.delete(what);
    this.#at.set(what, nowMs);
    for (const oldest of this.#at.keys()) {
      if (this.#at.size <= KEPT_MAX) break;
      this.#at.delete(oldest);
    }
  }

  ended(what: string): void {
    this.#at.delete(what);
  }

  /** `doubtful`: the store says that an earlier try may have made it, whichever process that was. */
  mayAppear(what: string, doubtful: boolean, nowMs: number): boolean {
    const at = this.#at.get(what) ?? (doubtful ? this.#sinceMs : null);
    // A clock that was set back ends no doubt, and keeps none for ever.
    return at !== null && Math.abs(nowMs - at) < this.#appearsWithinMs;
  }
}
