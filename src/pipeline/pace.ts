// How fast a target answers, to know how much may be claimed ahead of its connections.

/** The rate is taken anew after this long; a target that has become slow is known as such soon. */
const MEASURE_MS = 250;

export class Pace {
  #finished = 0;
  #sinceMs: number;
  #perMs = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** One operation was answered and stored. */
  finished(): void {
    this.#finished += 1;
  }

  /** Operations that will be finished within `ms` if the target goes on as it did; 0 while nobody knows. */
  within(ms: number, nowMs: number): number {
    const elapsed = nowMs - this.#sinceMs;
    if (elapsed >= MEASURE_MS) this.#perMs = this.#finished / elapsed;
    // A clock that was set back starts anew.
    if (elapsed >= MEASURE_MS || elapsed < 0) {
      this.#finished = 0;
      this.#sinceMs = nowMs;
    }
    return this.#perMs * ms;
  }
}
