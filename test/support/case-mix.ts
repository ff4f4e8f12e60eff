// Proof that a property test met what it is about: counts the interesting cases and fails when one was too rare.
import { expect } from 'vitest';

export class CaseMix<Name extends string> {
  readonly #counts: Map<Name, number>;

  constructor(names: readonly Name[]) {
    this.#counts = new Map(names.map((name) => [name, 0]));
  }

  count(name: Name, met: boolean): void {
    if (met) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** Printed with ROLLCALL_CASE_MIX=1. */
  expectEach(atLeast: number): void {
    if (process.env.ROLLCALL_CASE_MIX === '1') console.table(Object.fromEntries(this.#counts));
    for (const [name, count] of this.#counts) expect(count, `cases with: ${name}`).toBeGreaterThanOrEqual(atLeast);
  }
}
