import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Place } from '../../src/base/problem.ts';
import { SeenRows } from '../../src/pipeline/seen-rows.ts';

const digest = fc.stringMatching(/^[0-9a-f]{32}$/);

test('a key has the row that it was seen in last, however many keys there are', () => {
  const mix = { again: 0, many: 0 };
  const step = fc.record({
    key: fc.nat({ max: 10_000 }).map((number) => `k${number}`),
    digest,
    record: fc.nat({ max: 0xffff_ffff }),
    line: fc.nat({ max: 0xffff_ffff }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1_400, maxLength: 2_500 }), digest, (steps, strange) => {
      const rows = new SeenRows();
      const model = new Map<string, { readonly digest: string; readonly place: Place }>();
      for (const one of steps) {
        if (model.has(one.key)) mix.again += 1;
        model.set(one.key, { digest: one.digest, place: { record: one.record, line: one.line } });
        rows.note(one.key, one.digest, { file: 'a.csv', record: one.record, line: one.line });
      }
      expect(rows.size).toBe(model.size);
      if (model.size > 1_024) mix.many += 1;
      for (const [key, { digest: known, place }] of model) {
        expect(rows.has(key)).toBe(true);
        expect(rows.isSame(key, known)).toBe(true);
        expect(rows.isSame(key, strange)).toBe(known === strange);
        expect(rows.placeOf(key, { file: 'b.csv' })).toEqual({ file: 'b.csv', ...place });
      }
    }),
    { numRuns: 10 },
  );
  expect(mix.again).toBeGreaterThan(100);
  expect(mix.many).toBeGreaterThan(2);
});

test('a key that was not seen has no row and no place', () => {
  const rows = new SeenRows();
  expect(rows.has('1')).toBe(false);
  expect(rows.isSame('1', '0'.repeat(32))).toBe(false);
  expect(rows.placeOf('1', { file: 'a.csv' })).toEqual({});
});

test('a source that counts neither records nor lines has 0 for both', () => {
  const rows = new SeenRows();
  rows.note('1', '0'.repeat(32), {});
  expect(rows.placeOf('1', {})).toEqual({ record: 0, line: 0 });
});

test('a digest of another length is a bug, not a row', () => {
  expect(() => new SeenRows().note('1', 'abc', {})).toThrow('16 bytes');
});
