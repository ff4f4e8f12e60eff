import { describe, expect, it } from 'vitest';
import { LayingOut } from '../../src/pipeline/laying-out.ts';
import type { WorkerChange } from '../../src/planning/changeset.ts';
import { Shelf } from '../../src/runtime/shelf.ts';
import { Spool } from '../../src/runtime/spool.ts';
import { changeText } from '../../src/store/store.ts';
import { aChange, heldStore, NOON } from '../support/store.ts';

/** Slots as a plan gives them. */
class Slots {
  readonly #spool: Spool;
  readonly #shelf = new Shelf();
  lent = 0;
  slots = 0;

  constructor(dir: string) {
    this.#spool = new Spool(dir);
  }

  add(...changes: readonly WorkerChange[]): void {
    for (const change of changes) this.#spool.add(changeText(change));
    this.slots += changes.length;
  }

  packedSlots(from: number, to: number) {
    this.lent += 1;
    return this.#spool.packed(
      Array.from({ length: to - from }, (_, index) => from + index),
      this.#shelf,
    );
  }

  giveBack(): void {
    this.lent -= 1;
  }
}

const joiners = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => aChange(`w${from + index}`));

async function opened() {
  const { dir, store } = await heldStore();
  await store.commit({ connection: 'acme', at: NOON, workers: [aChange('somebody')] });
  return { store, plan: new Slots(dir), layingOut: new LayingOut(store, NOON) };
}

describe('laying a plan out while it is being made', () => {
  it('takes whole slices as they fill up, and gives back what it was lent', async () => {
    const { store, plan, layingOut } = await opened();
    plan.add(...joiners(0, 599));
    await layingOut.goOn(plan);
    await layingOut.settled();
    expect(layingOut.at(0)).toBeNull();
    plan.add(...joiners(599, 1_250));
    await layingOut.goOn(plan);
    await layingOut.settled();
    expect([layingOut.at(0)?.laidOut.workers, layingOut.at(1_199)?.laidOut.workers]).toEqual([600, 600]);
    expect(layingOut.at(599)).toBe(layingOut.at(0));
    expect(layingOut.at(1_200)).toBeNull();
    expect(plan.lent).toBe(0);
    const laidOut = layingOut.at(0)?.laidOut;
    if (laidOut === undefined) throw new Error('the first slice is laid out');
    expect(await store.commit({ connection: 'acme', at: NOON, laidOut })).toMatchObject({ kind: 'applied' });
    await layingOut[Symbol.asyncDispose]();
    expect((await store.situations('acme', ['w0', 'w599', 'w600'])).size).toBe(2);
  });

  it('leaves a slice alone of which somebody was planned anew, before or after it was laid out', async () => {
    const { plan, layingOut } = await opened();
    layingOut.spoil(7);
    plan.add(...joiners(0, 1_200));
    await layingOut.goOn(plan);
    await layingOut.settled();
    expect([layingOut.at(0), layingOut.at(600)?.laidOut.workers]).toEqual([null, 600]);
    layingOut.spoil(1_199);
    expect(layingOut.at(600)).toBeNull();
    await layingOut[Symbol.asyncDispose]();
  });

  it('leaves a slice alone in which not everybody is simply new', async () => {
    const { plan, layingOut } = await opened();
    plan.add(...joiners(0, 599), { ...aChange('old'), revision: 3 });
    await layingOut.goOn(plan);
    await layingOut.settled();
    expect(layingOut.at(0)).toBeNull();
    expect(plan.lent).toBe(0);
    await layingOut[Symbol.asyncDispose]();
  });
});
