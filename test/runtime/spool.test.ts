import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Shelf } from '../../src/runtime/shelf.ts';
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

test('items packed together come out one after the other, whichever were asked for, on memory that others left something in', () => {
  const shelf = new Shelf();
  const seen = { memory: 0, stretch: 0, jump: 0, empty: 0, written: 0 };
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
    fc.constant(''),
    fc.string({ minLength: 1, maxLength: 5 }).map((one) => one.repeat(100_000)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, fc.boolean()), { minLength: 5, maxLength: 60 }),
      fc.boolean(),
      (steps, spill) => {
        using spool = new Spool(folder);
        if (spill) spool.add('x'.repeat(2 * 1024 * 1024 - 50));
        const all = steps.map(([item]) => ({ at: spool.add(item), item }));
        const middle = Math.floor(steps.length / 2);
        if (steps[middle]?.[1] === false) {
          // More than what waits to be written: the items before it are in the file, those after it are not yet.
          for (let count = 0; count < 5; count += 1) spool.add('y'.repeat(1024 * 1024));
          all.push(...steps.slice(middle).map(([item]) => ({ at: spool.add(item), item })));
          seen.written += 1;
        }
        const wanted = all.filter((_, index) => steps[index % steps.length]?.[1] === true);
        const { bytes, lengths } = spool.packed(
          wanted.map(({ at }) => at),
          shelf,
        );
        expect(bytes.length).toBe(lengths.reduce((sum, length) => sum + length, 0));
        let end = 0;
        for (const [index, { at, item }] of wanted.entries()) {
          const start = end;
          end += lengths[index] ?? 0;
          expect(Buffer.from(bytes).toString('utf8', start, end)).toBe(Buffer.from(item).toString('utf8'));
          if (!spill) seen.memory += 1;
          if (item === '') seen.empty += 1;
          if (spill && index > 0) seen[at === (wanted[index - 1]?.at ?? 0) + 1 ? 'stretch' : 'jump'] += 1;
        }
        shelf.giveBack(bytes);
      },
    ),
    { numRuns: 100 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
});

test('the file has no name, so that nothing personal stays behind', () => {
  using spool = spilling();
  spool.add('somebody');
  expect(readdirSync(folder)).toEqual([]);
});
