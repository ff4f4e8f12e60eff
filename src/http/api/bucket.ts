// A bound on how often: so many at once, and so many a second after that. Time is given, never read.

export class Bucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #atMs: number | null = null;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** Whether one more fits. A clock that went back gives nothing and takes nothing. */
  take(nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = nowMs;
    this.#left = Math.min(this.#burst, this.#left + (passedMs / 1_000) * this.#perSecond);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
