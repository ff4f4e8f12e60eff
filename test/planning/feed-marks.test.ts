import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeedMarks } from '../../src/planning/feed-marks.ts';
import { endsAnew, samePerson } from '../../src/planning/same-person.ts';
import { anEmployment, at } from '../support/people.ts';

interface Row {
  readonly status: string;
  readonly department: string;
  readonly blank: readonly string[];
}
const COLUMNS = ['A', 'B', 'constructor', '__proto__'];
const row: fc.Arbitrary<Row> = fc.record({
  status: fc.constantFrom('active', 'terminated', ''),
  department: fc.constantFrom('Sales', 'Plant', 'toString', '__proto__', ''),
  blank: fc.subarray(COLUMNS),
});

describe('the marks of rows', () => {
  it('add up to the shape that counting the rows themselves gives, over any number of stored dictionaries', () => {
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 4 }), (deliveries) => {
        const counts = new Map<number, number>();
        let marks = new FeedMarks([]);
        for (const rows of deliveries) {
          // As it comes back from the store.
          marks = new FeedMarks(JSON.parse(JSON.stringify(marks.words)));
          for (const { status, department, blank } of rows) {
            const mark = marks.numberOf(status, department, blank);
            counts.set(mark, (counts.get(mark) ?? 0) + 1);
          }
        }
        const all = deliveries.flat();
        const shape = marks.shape(all.length, counts, COLUMNS);
        expect(shape.rows).toBe(all.length);
        for (const name of COLUMNS) {
          expect(shape.blanks[name]).toBe(all.filter(({ blank }) => blank.includes(name)).length);
        }
        for (const name of ['Sales', 'Plant', 'toString', '__proto__']) {
          const people = all.filter(({ department }) => department === name).length;
          expect(Object.hasOwn(shape.departments, name) ? shape.departments[name] : 0).toBe(people);
        }
        expect(shape.statuses.terminated ?? 0).toBe(all.filter(({ status }) => status === 'terminated').length);
        expect('' in shape.departments || '' in shape.statuses).toBe(false);
      }),
    );
  });

  it('stay small numbers in a feed where everybody is a department of their own', () => {
    const marks = new FeedMarks([]);
    const counts = new Map<number, number>();
    for (let index = 0; index < 5_000; index += 1) {
      const mark = marks.numberOf('active', `Cost centre ${index}`, []);
      counts.set(mark, (counts.get(mark) ?? 0) + 1);
    }
    expect(marks.words.length).toBeLessThanOrEqual(2_002);
    const { departments, statuses } = marks.shape(5_000, counts, []);
    expect(statuses).toEqual({ active: 5_000 });
    expect(Object.values(departments).reduce((sum, people) => sum + people, 0)).toBe(5_000);
    expect(departments['(others)']).toBeGreaterThan(2_900);
  });

  it('never outgrow two bytes, whatever is blank', () => {
    const marks = new FeedMarks([]);
    let largest = 0;
    for (let index = 0; index < 70_000; index += 1) {
      const blank = Array.from({ length: 17 }, (_, bit) => ((index & (1 << bit)) === 0 ? '' : `C${bit}`)).filter(
        Boolean,
      );
      largest = Math.max(largest, marks.numberOf('active', 'Sales', blank));
    }
    expect(largest).toBeLessThan(65_536);
    expect(marks.numberOf('terminated', 'Sales', ['C1'])).toBeLessThan(65_536);
  });
});

const named = (givenName: string, familyName: string, more: object = {}) => ({
  ...anEmployment({ id: '7' }),
  attributes: { givenName, familyName, title: 'Clerk' },
  ...more,
});

describe('a row under a known key', () => {
  it('speaks of the same person while start, person and names are as they were', () => {
    const known = named('Ada', 'Okafor');
    expect(samePerson(known, { ...known, attributes: { ...known.attributes, title: 'Head' } })).toBe(true);
    expect(samePerson(known, named('Ada', 'Meyer'))).toBe(false);
    expect(samePerson(known, named('Ada', 'Okafor', { startDate: '2021-01-01' }))).toBe(false);
    expect(samePerson(known, named('Ada', 'Okafor', { personId: 'P2' }))).toBe(false);
    expect(samePerson(known, { ...known, attributes: { familyName: 'Okafor', title: 'Clerk' } })).toBe(false);
  });

  it('must be unchanged altogether where a mapping has no names', () => {
    const known = { ...anEmployment(), attributes: { title: 'Clerk' } };
    expect(samePerson(known, known)).toBe(true);
    expect(samePerson(known, { ...known, attributes: { title: 'Head' } })).toBe(false);
  });

  it('ends anew with a last day that is past or near, unless it says terminated or had it before', () => {
    const seen = at('2026-11-22T05:00:00Z');
    const known = anEmployment();
    expect(endsAnew(known, anEmployment({ end: '2026-11-23' }), seen)).toBe(true);
    expect(endsAnew(known, anEmployment({ end: '2021-01-31' }), seen)).toBe(true);
    expect(endsAnew(known, anEmployment({ end: '2027-06-30' }), seen)).toBe(false);
    expect(endsAnew(known, anEmployment({ end: '2026-11-23', status: 'terminated' }), seen)).toBe(false);
    expect(endsAnew(anEmployment({ end: '2026-11-23' }), anEmployment({ end: '2026-11-23' }), seen)).toBe(false);
    // A rehire whose old end was not cleared.
    expect(endsAnew(known, anEmployment({ end: '2019-01-31' }), seen)).toBe(false);
  });
});
