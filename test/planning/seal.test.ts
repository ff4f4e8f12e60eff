import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FeedShape, type SealPart, sealBreaks } from '../../src/planning/seal.ts';

const shape = (more: Partial<FeedShape> = {}): FeedShape => ({
  rows: 1000,
  blanks: { Manager: 50, Title: 0 },
  statuses: { A: 900, T: 100 },
  departments: { Sales: 600, Plant: 400 },
  ...more,
});
const NOBODY_LOST = { before: 1000, missing: 0, strangers: 0 };
const parts = (before: FeedShape, now: FeedShape, kept = Math.min(before.rows, now.rows)): readonly SealPart[] =>
  sealBreaks(before, now, { before: before.rows, missing: before.rows - kept, strangers: 0 }).map(({ part }) => part);

describe('the feed seal', () => {
  it('holds for the same shape, and up to each limit', () => {
    expect(parts(shape(), shape())).toEqual([]);
    expect(parts(shape(), shape({ rows: 900 }), 900)).toEqual([]);
    expect(parts(shape(), shape({ rows: 1100 }))).toEqual([]);
    expect(parts(shape(), shape({ blanks: { Manager: 100, Title: 0 } }))).toEqual([]);
    expect(parts(shape(), shape({ departments: { Sales: 720, Plant: 320 } }))).toEqual([]);
  });

  it.each<[string, Partial<FeedShape>, number, SealPart]>([
    ['a row more than ten per cent fewer', { rows: 899 }, 900, 'rows'],
    ['a row more than ten per cent more', { rows: 1101 }, 1000, 'rows'],
    ['keys of which more than a tenth are gone', {}, 899, 'keys'],
    [
      'a column that is blank in more than five points more rows',
      { blanks: { Manager: 101, Title: 0 } },
      1000,
      'blanks',
    ],
    ['a column that was never blank', { blanks: { Manager: 50, Title: 51 } }, 1000, 'blanks'],
    ['a status word of a fifth more people', { statuses: { A: 900, T: 121 } }, 1000, 'status'],
    ['a status word that nobody had', { statuses: { A: 900, T: 100, L: 6 } }, 1000, 'status'],
    ['a department of which a fifth is gone', { departments: { Sales: 600, Plant: 319 } }, 1000, 'department'],
    ['a department that is gone', { departments: { Sales: 600 } }, 1000, 'department'],
  ])('breaks for %s', (_, change, kept, part) => {
    expect(parts(shape(), shape(change), kept)).toEqual([part]);
  });

  it('says nothing about five people more or fewer in a small house', () => {
    const small = shape({ rows: 8, blanks: { Title: 0 }, statuses: { A: 8 }, departments: { Sales: 8 } });
    const grown = shape({ rows: 13, blanks: { Title: 5 }, statuses: { A: 13 }, departments: { Sales: 13 } });
    expect(parts(small, grown, 8)).toEqual([]);
    expect(parts(small, { ...grown, rows: 14, statuses: { A: 14 }, departments: { Sales: 14 } }, 8)).toEqual([
      'rows',
      'status',
      'department',
    ]);
  });

  it('breaks whenever more than a tenth and more than five of the rows are cut off', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (rows, share) => {
        const left = Math.floor(rows * share);
        const before = shape({ rows, blanks: {}, statuses: {}, departments: {} });
        const cut = (rows - left) * 10 > rows && rows - left > 5;
        expect(parts(before, { ...before, rows: left }, left).includes('rows')).toBe(cut);
      }),
    );
  });

  it('names the numbers, and no more than the column, word or department', () => {
    const [one] = sealBreaks(shape(), shape({ blanks: { Manager: 300, Title: 0 } }), NOBODY_LOST);
    expect(one?.reason).toBe('column Manager is blank in 300 of 1000 rows, and was in 50 of 1000: more than 5 points');
  });
});
