// The copy beside a house that never stops writing.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp } from '../../src/store/backup.ts';
import { heldStore, NOON } from '../support/store.ts';

/** Far more steps than the database has pages. */
const STEPS_MAX = 2_000;

test('ends although somebody commits between any two of its steps, and holds what stood there when it began', async () => {
  const { dir, store } = await heldStore();
  const entry = (number: number) => ({
    kind: 'noted',
    connection: null,
    workerKey: null,
    actor: 'test',
    body: { number, text: 'x'.repeat(2_000) },
  });
  const write = (number: number) => store.commit({ connection: 'acme', at: NOON, entries: [entry(number)] });
  for (let number = 0; number < 100; number += 1) await write(number);
  const { seq } = (await store.audit.tail(1, {}))[0] ?? { seq: 0 };

  const writing: Promise<unknown>[] = [];
  let steps = 0;
  const backup = await backUp(
    dir,
    join(dir, 'copy.db'),
    () => {
      steps += 1;
      if (steps > STEPS_MAX) throw new Error('it begins anew with every commit');
      writing.push(write(1_000 + steps));
    },
    5,
  );
  await Promise.all(writing);
  expect(steps).toBeGreaterThan(10);
  expect(backup.head.seq).toBe(seq);
  expect((await store.audit.tail(1, {}))[0]?.seq).toBe(seq + steps);
});
