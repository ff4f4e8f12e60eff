/** What is known of every row: the index of its digest among the known, or -1. Four bytes a row, so that no row is hashed twice. */
export class RowList {
  #indexes = new Int32Array(4_096);
  length = 0;

  push(index: number): void {
    if (this.length === this.#indexes.length) {
      const wider = new Int32Array(2 * this.length);
      wider.set(this.#indexes);
      this.#indexes = wider;
    }
    this.#indexes[this.length++] = index;
  }

  pop(): void {
    this.length--;
  }

  /** @param row less than `length`. */
  at(row: number): number {
    return this.#indexes[row] as number;
  }
}
