import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Spool } from '../../src/runtime/spool.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-spool-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Fills what is kept in memory, so that everything after it goes to the file. */
function spilling(): Spool {
  const spool = new Spool(folder);
  const megabyte = 'x'.repeat(1024 * 1024);
  for (let count = 0; count < 33; count += 1) spool.add(megabyte);
  return spool;
}

test('an item comes back as it was added, from memory and from the file, in any order of asking and while more are added', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ minLength: 1, maxLength: 20 }).map((one) => one.repeat(30_000)),
  );
  const turns = { forward: 0, backward: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.nat()), { minLength: 20, maxLength: 60 }), (steps) => {
      using spool = spilling();
      const added: { readonly at: number; readonly item: string }[] = [];
      let last = 0;
      for (const [item, choice] of steps) {
        added.push({ at: spool.add(item), item });
        const index = choice % added.length;
        turns[index >= last ? 'forward' : 'backward'] += 1;
        last = index;
        const asked = added[index];
        expect(spool.get(asked?.at ?? -1)).toBe(asked?.item);
      }
      for (const { at, item } of added) expect(spool.get(at)).toBe(item);
    }),
    { numRuns: 8 },
  );
  expect(turns.forward).toBeGreaterThan(20);
  expect(turns.backward).toBeGreaterThan(20);
});

test('the file has no name, so that nothing personal stays behind', () => {
  using spool = spilling();
  spool.add('somebody');
  expect(readdirSync(folder)).toEqual([]);
});
