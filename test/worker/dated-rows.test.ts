// Several dated rows under one key become one employment, whatever their order, and mean on any day what a look at that day finds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CalendarDate, calendarDate, plusDays, startOfDay } from '../../src/base/calendar-date.ts';
import { DAY_MS, type Instant, instantOf, plusMs } from '../../src/base/instant.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { truthOf } from '../../src/lifecycle/truth.ts';
import {
  type DatedRow,
  inForceAt,
  joined,
  nextRowAt,
  ROWS_OF_ONE_KEY_MAX,
  termsAt,
} from '../../src/worker/dated-rows.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { CaseMix } from '../support/case-mix.ts';
import { look, standingAt } from '../support/standings.ts';

const NOW = instantOf('2026-11-23T11:00:00Z');
const day = calendarDate;

const row = (from: string, to: string | null, more: Partial<Employment> = {}): DatedRow => ({
  period: { from: day(from), to: to === null ? null : day(to) },
  employment: {
    asOf: NOW,
    attributes: { department: `since ${from}` },
    endDate: null,
    endsNow: false,
    id: '1',
    inScope: true,
    managerId: '',
    personId: '1',
    startDate: day('2020-01-01'),
    status: 'active',
    timeZone: 'Europe/Berlin',
    ...more,
  },
});

function employmentOf(rows: readonly DatedRow[], now = NOW): Employment {
  const one = joined(rows, now);
  if ('reason' in one) throw new Error(one.reason);
  return one.employment;
}
const department = (employment: Employment): unknown => employment.attributes.department;

describe('rows of one key', () => {
  test('join into the row of today with those to come, and forget those that are over', () => {
    const rows = [row('2026-12-01', null), row('2020-01-01', '2021-12-31'), row('2022-01-01', '2026-11-30')];
    const one = employmentOf(rows);
    expect(department(one)).toBe('since 2022-01-01');
    expect(one.later?.map(({ from }) => from)).toEqual(['2026-12-01']);
    expect(nextRowAt(one, NOW)).toBe('2026-11-30T23:00:00.000Z');
    expect(department(inForceAt(one, instantOf('2026-11-30T23:00:00Z')))).toBe('since 2026-12-01');
    expect(Object.keys(one)).toEqual(Object.keys(one).toSorted());
  });

  test('of which one is left are an employment like any other', () => {
    const one = employmentOf([row('2022-01-01', null)]);
    expect('later' in one).toBe(false);
    expect(inForceAt(one, NOW)).toBe(one);
    expect(termsAt(one, NOW)).toEqual([one]);
    expect(nextRowAt(one, NOW)).toBeNull();
  });

  test.each([
    ['begin on one day', [row('2022-01-01', null), row('2022-01-01', null, { managerId: '9' })], '2022-01-01'],
    ['share their last and first day', [row('2022-01-01', '2026-12-01'), row('2026-12-01', null)], '2026-12-01'],
    ['lie within one another', [row('2022-01-01', '2027-12-31'), row('2026-12-01', '2027-01-31')], '2026-12-01'],
  ])('are refused when two of them %s', (_, rows, contested) => {
    const one = joined(rows, NOW);
    expect('reason' in one && one).toMatchObject({ reason: `two rows of this key both count on ${contested}` });
  });

  test('do not overlap where the earlier one was left open', () => {
    const one = employmentOf([row('2022-01-01', null), row('2026-12-01', null)]);
    expect(department(one)).toBe('since 2022-01-01');
    expect(one.later).toHaveLength(1);
  });

  test('are refused when a constant stands in the key column', () => {
    const rows = Array.from({ length: ROWS_OF_ONE_KEY_MAX + 1 }, (_, index) =>
      row(plusDays(day('2020-01-01'), index), null),
    );
    expect(joined(rows, NOW)).toMatchObject({ between: null });
    expect('employment' in joined(rows.slice(1), NOW)).toBe(true);
    expect(joined([], NOW)).toEqual({ reason: 'no row has this key', between: null });
  });

  test('count also before the first of them begins and between them: what gives access is the start date', () => {
    const early = employmentOf([row('2027-01-01', null)]);
    expect([department(early), early.later]).toEqual(['since 2027-01-01', undefined]);
    const gap = employmentOf([row('2022-01-01', '2026-10-31'), row('2026-12-01', null)]);
    expect(department(gap)).toBe('since 2022-01-01');
  });

  test('carry the newest source time of all of them', () => {
    const newer = plusMs(NOW, 5);
    expect(employmentOf([row('2022-01-01', null), row('2027-01-01', null, { asOf: newer })]).asOf).toBe(newer);
    expect(employmentOf([row('2022-01-01', null, { asOf: newer }), row('2027-01-01', null)]).asOf).toBe(newer);
  });
});

describe('the end of a row', () => {
  test('that is written as the end date as well ends nothing while the next row follows on the day after', () => {
    const rows = [row('2022-01-01', '2026-11-30', { endDate: day('2026-11-30') }), row('2026-12-01', null)];
    expect(employmentOf(rows).endDate).toBeNull();
    expect(termsAt(employmentOf(rows), NOW)).toHaveLength(1);
    const last = employmentOf(rows.slice(0, 1));
    expect(last.endDate).toBe('2026-11-30');
    const other = employmentOf([
      row('2022-01-01', '2026-11-30', { endDate: day('2026-12-24') }),
      row('2026-12-01', null),
    ]);
    expect(other.endDate).toBe('2026-12-24');
  });

  test('with a gap after it and an end date is a leave, and the next row a term of its own', () => {
    const one = employmentOf([
      row('2022-01-01', '2026-11-30', { endDate: day('2026-11-30') }),
      row('2027-02-01', null, { managerId: '9' }),
    ]);
    expect(termsAt(one, NOW).map(({ startDate, endDate }) => [startDate, endDate])).toEqual([
      ['2020-01-01', '2026-11-30'],
      ['2027-02-01', null],
    ]);
  });

  test('before a row that says terminated is the last day, known ahead', () => {
    const one = employmentOf([row('2022-01-01', '2026-11-30'), row('2026-12-01', null, { status: 'terminated' })]);
    expect(termsAt(one, NOW)).toMatchObject([{ status: 'terminated', endDate: '2026-11-30' }]);
    const later = employmentOf([
      row('2022-01-01', '2026-11-30', { endDate: day('2026-11-20') }),
      row('2026-12-01', null, { status: 'terminated', endDate: day('2026-12-31') }),
    ]);
    expect(termsAt(later, NOW)).toMatchObject([{ endDate: '2026-11-20' }]);
    const onLeave = employmentOf([
      row('2022-01-01', '2026-11-30', { status: 'leave' }),
      row('2026-12-01', null, { status: 'terminated' }),
    ]);
    expect(termsAt(onLeave, NOW)).toMatchObject([{ status: 'leave', endDate: '2026-11-30' }]);
  });

  test('terminated, then employed again is a leave and a rehire, also where HR repeats the old start date', () => {
    const rows = [
      row('2022-01-01', '2026-11-30'),
      row('2026-12-01', '2027-01-31', { status: 'terminated' }),
      row('2027-02-01', null),
    ];
    expect(termsAt(employmentOf(rows), NOW).map(({ startDate, endDate }) => [startDate, endDate])).toEqual([
      ['2020-01-01', '2026-11-30'],
      ['2027-02-01', null],
    ]);
    let { standing } = look(standingAt('active'), [employmentOf(rows)], instantOf('2026-11-30T23:00:00Z'));
    expect(standing.stage).toBe('left');
    standing = look(standing, [employmentOf(rows)], instantOf('2027-01-24T23:00:00Z')).standing;
    expect(standing.stage).toBe('preboarding');
    standing = look(standing, [employmentOf(rows)], instantOf('2027-01-31T23:00:00Z')).standing;
    expect(standing.stage).toBe('active');
  });

  test('two rows that say terminated one after the other keep their dates', () => {
    const one = employmentOf([
      row('2022-01-01', '2026-10-31', { status: 'terminated', endDate: day('2026-10-15') }),
      row('2026-11-01', null, { status: 'terminated' }),
    ]);
    expect([one.status, one.endDate]).toEqual(['terminated', null]);
  });
});

describe('the start date of a row', () => {
  test('that is only its own first day starts nothing while the term goes on, whenever access begins by the mapping', () => {
    const rows = [
      row('2022-01-01', '2026-11-30', { startDate: day('2022-01-01'), timeZone: 'Asia/Tokyo' }),
      row('2026-12-01', '2027-05-31', { startDate: day('2026-12-01'), timeZone: 'Asia/Tokyo' }),
      row('2027-06-01', null, { startDate: day('2027-06-01'), timeZone: 'Asia/Tokyo' }),
    ];
    const one = employmentOf(rows);
    expect(one.later?.map(({ facts }) => facts.startDate)).toEqual(['2022-01-01', '2022-01-01']);
    const policy = { ...DEFAULT_POLICY, enableAt: { days: 0, minutes: 540 } };
    for (const moment of ['2026-11-30T15:00:00Z', '2026-11-30T16:00:00Z', '2027-05-31T15:00:00Z']) {
      expect(truthOf(standingAt('active'), [one], instantOf(moment), policy).stage, moment).toBe('active');
    }
  });

  test('on the day after an end date that is the person’s starts another term without a gap', () => {
    const one = employmentOf([
      row('2022-01-01', null, { endDate: day('2026-11-30') }),
      row('2026-12-01', null, { attributes: { department: 'Legal' } }),
    ]);
    const truth = truthOf(standingAt('active'), [one], NOW, DEFAULT_POLICY);
    expect([truth.nextEnd, truth.endInSight]).toEqual([null, null]);
    const evening = { ...DEFAULT_POLICY, disableAt: { days: 0, minutes: 1_080 } };
    for (const moment of ['2026-11-30T17:00:00Z', '2026-11-30T22:59:59Z', '2026-11-30T23:00:00Z']) {
      expect(truthOf(standingAt('active'), [one], instantOf(moment), evening).stage, moment).toBe('active');
    }
  });
});

describe('one reading and the clock', () => {
  const rowsOf = fc
    .array(
      fc.record({
        days: fc.integer({ min: 1, max: 60 }),
        gap: fc.constantFrom(0, 0, 0, 5),
        status: fc.constantFrom('active' as const, 'active' as const, 'leave' as const, 'terminated' as const),
        timeZone: fc.constantFrom('Europe/Berlin', 'Pacific/Kiritimati', 'Etc/GMT+12'),
        ended: fc.constantFrom(false, false, true),
        open: fc.constantFrom(false, false, true),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((parts) => {
      let from: CalendarDate = day('2026-08-01');
      return parts.map(({ days, gap, status, timeZone, ended, open }, index): DatedRow => {
        const to = plusDays(from, days);
        const one = row(from, open ? null : to, {
          status,
          timeZone,
          endDate: ended && !open ? to : null,
          attributes: { department: `D${index}` },
        });
        from = plusDays(to, 1 + gap);
        return one;
      });
    });

  test('lead where a reading of the same rows on that very day leads', () => {
    const mix = new CaseMix(['another row counts by then', 'somebody has left', 'a term of its own ahead']);
    fc.assert(
      fc.property(
        rowsOf,
        fc.integer({ min: -20, max: 100 }),
        fc.integer({ min: 0, max: 200 }),
        (rows, readOn, wait) => {
          const read = plusMs(instantOf('2026-08-01T09:30:00Z'), readOn * DAY_MS);
          const then: Instant = plusMs(read, wait * DAY_MS);
          const early = employmentOf(rows, read);
          const late = employmentOf(rows, then);
          expect(inForceAt(early, then)).toEqual(inForceAt(late, then));
          expect(termsAt(early, then)).toEqual(termsAt(late, then));
          expect(nextRowAt(early, then)).toBe(nextRowAt(late, then));
          const [a, b] = [early, late].map((one) => truthOf(standingAt('active'), [one], then, DEFAULT_POLICY));
          expect(a).toEqual(b);
          mix.count('another row counts by then', department(early) !== department(inForceAt(early, then)));
          mix.count('somebody has left', a?.stage === 'left');
          mix.count('a term of its own ahead', termsAt(early, then).length > 1);
        },
      ),
      { numRuns: 3_000 },
    );
    mix.expectEach(30);
  });

  test('do not depend on the order in which the rows stand', () => {
    fc.assert(
      fc.property(
        rowsOf.chain((rows) => fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows], { minLength: rows.length }))),
        ([rows, shuffled]) => {
          expect(joined(shuffled, NOW)).toEqual(joined(rows, NOW));
        },
      ),
    );
  });

  test('follow the row that a plain look down the list finds', () => {
    fc.assert(
      fc.property(rowsOf, fc.integer({ min: 0, max: 300 }), (rows, wait) => {
        const then = plusMs(instantOf('2026-08-01T09:30:00Z'), wait * DAY_MS);
        const begun = rows.filter(({ period, employment }) => startOfDay(period.from, employment.timeZone) <= then);
        const expected = begun.at(-1) ?? rows[0];
        expect(department(inForceAt(employmentOf(rows, instantOf('2026-07-01T00:00:00Z')), then))).toBe(
          expected?.employment.attributes.department,
        );
      }),
    );
  });
});
