/** One at a time, in order of asking. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();
  #asked = 0;

  /** Whether somebody has it or waits for it. */
  get busy(): boolean {
    return this.#asked > 0;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    this.#asked += 1;
    const mine = this.#last.then(work, work).finally(() => {
      this.#asked -= 1;
    });
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
