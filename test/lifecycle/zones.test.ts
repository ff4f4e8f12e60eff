// Dates in every zone on earth, through gaps, overlaps, leap days and a day that never was, against the wall clock that Intl shows.
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { type CalendarDate, calendarDate, dayIn, plusDays, startOfDay } from '../../src/base/calendar-date.ts';
import type { DayTime } from '../../src/base/day-time.ts';
import { DAY_MS, HOUR_MS, type Instant, instantOfMs, MINUTE_MS, msOf, plusMs } from '../../src/base/instant.ts';
import { beginsAt, endsAt } from '../../src/lifecycle/phase.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../../src/lifecycle/policy.ts';
import { truthOf } from '../../src/lifecycle/truth.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { CaseMix } from '../support/case-mix.ts';
import { look, standingAt } from '../support/standings.ts';
import { ZONES } from '../support/zones.ts';

const RUNS = Number(process.env.ROLLCALL_ZONE_RUNS ?? 2_500);
const ACTIVE = standingAt('active');

const formats = new Map<string, Intl.DateTimeFormat>();
/** Local minutes since an arbitrary day zero, read from Intl: an oracle that shares nothing with the code. */
function wallMinutes(instant: Instant, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts = new Map(format.formatToParts(msOf(instant)).map(({ type, value }) => [type, Number(value)]));
  const at = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second')) / MINUTE_MS;
}
const written = (date: CalendarDate, { days, minutes }: DayTime): number =>
  Date.parse(plusDays(date, days)) / MINUTE_MS + minutes;

const changesOf = new Map<string, readonly CalendarDate[]>();
/** Days around which this zone changed its clock since 1990. */
function changes(timeZone: string): readonly CalendarDate[] {
  let days = changesOf.get(timeZone);
  if (days === undefined) {
    const found: CalendarDate[] = [];
    let at: Temporal.ZonedDateTime | null = Temporal.Instant.from('1990-01-01T00:00Z').toZonedDateTimeISO(timeZone);
    while (found.length < 90) {
      at = at.getTimeZoneTransition('next');
      if (at === null || at.year > 2036) break;
      const day = calendarDate(at.toPlainDate().toString());
      found.push(plusDays(day, -1), day);
    }
    days = found;
    changesOf.set(timeZone, days);
  }
  return days;
}

const zone = fc.oneof(
  fc.constantFrom(...ZONES),
  fc.constantFrom(
    'Pacific/Kiritimati',
    'Etc/GMT-14',
    'Etc/GMT+12',
    'Pacific/Apia',
    'Pacific/Apia',
    'Pacific/Apia',
    'Pacific/Chatham',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
  ),
);
const anyDay = fc.oneof(
  fc.integer({ min: 0, max: 16_000 }).map((days) => plusDays(calendarDate('1992-01-01'), days)),
  fc.constantFrom('2024-02-29', '2028-02-29', '2000-02-29', '2011-12-29', '2011-12-30', '2011-12-31').map(calendarDate),
);
const zoneAndDay = zone.chain((timeZone) =>
  fc.record({
    timeZone: fc.constant(timeZone),
    date: changes(timeZone).length === 0 ? anyDay : fc.oneof(anyDay, fc.constantFrom(...changes(timeZone))),
  }),
);
const time: fc.Arbitrary<DayTime> = fc.record({
  days: fc.oneof(fc.constant(0), fc.integer({ min: -3, max: 3 })),
  // Clocks are changed at night.
  minutes: fc.oneof(
    fc.integer({ min: 1, max: 1_439 }),
    fc.constantFrom(15, 30, 60, 90, 1_380),
    fc.integer({ min: 60, max: 180 }),
  ),
});

const employment = (more: Partial<Employment>): Employment => ({
  asOf: '1980-01-01T00:00:00.000Z' as Instant,
  attributes: {},
  endDate: null,
  endsNow: false,
  id: '1',
  inScope: true,
  managerId: '',
  personId: '1',
  startDate: calendarDate('1985-01-01'),
  status: 'active',
  timeZone: 'UTC',
  ...more,
});

describe('in any of some 600 zones', () => {
  test('there are that many', () => {
    expect(ZONES.length).toBeGreaterThan(580);
  });

  test('a local time that exists once is that time, one shown twice is the first, one left out begins late and ends early', () => {
    const mix = new CaseMix(['exists once', 'gap', 'overlap', 'leap day', 'a day that never was']);
    fc.assert(
      fc.property(zoneAndDay, time, ({ timeZone, date }, at) => {
        const wanted = written(date, at);
        const begins = beginsAt(date, timeZone, at);
        const ends = endsAt(date, timeZone, at);
        const [shownAtBegin, shownAtEnd] = [wallMinutes(begins, timeZone), wallMinutes(ends, timeZone)];
        const gap = shownAtBegin !== wanted;
        const before = [30, 60, 120, 180, 1_440].some(
          (minutes) => wallMinutes(plusMs(begins, -minutes * MINUTE_MS), timeZone) >= wanted,
        );
        const after = [30, 60, 120, 180].some(
          (minutes) => wallMinutes(plusMs(begins, minutes * MINUTE_MS), timeZone) === wanted,
        );
        mix.count('exists once', !gap && !after);
        mix.count('gap', gap);
        mix.count('overlap', after);
        mix.count('leap day', date.endsWith('-02-29'));
        mix.count('a day that never was', timeZone === 'Pacific/Apia' && plusDays(date, at.days) === '2011-12-30');
        expect(shownAtBegin, 'access never begins before its local time').toBeGreaterThanOrEqual(wanted);
        expect(before, 'nor when it has been shown already').toBe(false);
        expect(shownAtEnd, 'access never ends after its local time').toBeLessThanOrEqual(wanted);
        expect(ends <= begins).toBe(true);
        if (!gap) expect(ends).toBe(begins);
        else expect(msOf(begins) - msOf(ends)).toBeLessThanOrEqual(DAY_MS);
      }),
      { numRuns: RUNS },
    );
    mix.expectEach(3);
  });

  test('a day begins once, where the day before ends, and holds no instant of another day', () => {
    fc.assert(
      fc.property(zoneAndDay, ({ timeZone, date }) => {
        const start = startOfDay(date, timeZone);
        const next = startOfDay(plusDays(date, 1), timeZone);
        expect(endsAt(date, timeZone, undefined)).toBe(next);
        expect(next >= start).toBe(true);
        expect(dayIn(plusMs(start, -1), timeZone) < date).toBe(true);
        if (next > start) expect(dayIn(start, timeZone)).toBe(date);
      }),
      { numRuns: RUNS },
    );
  });

  test('access begins and ends in the very millisecond, and the calendar is due just then', () => {
    const mix = new CaseMix(['with a time', 'without']);
    fc.assert(
      fc.property(zoneAndDay, fc.option(time), fc.option(time), ({ timeZone, date }, enableAt, disableAt) => {
        mix.count('with a time', enableAt !== null || disableAt !== null);
        mix.count('without', enableAt === null && disableAt === null);
        const policy: LifecyclePolicy = {
          ...DEFAULT_POLICY,
          ...(enableAt === null ? {} : { enableAt }),
          ...(disableAt === null ? {} : { disableAt }),
        };
        const starter = employment({ startDate: date, timeZone });
        const begins = beginsAt(date, timeZone, policy.enableAt);
        const early = truthOf(standingAt('preboarding'), [starter], plusMs(begins, -1), policy);
        expect([early.stage, early.dueAt]).toEqual(['preboarding', begins]);
        expect(truthOf(standingAt('preboarding'), [starter], begins, policy).stage).toBe('active');
        const leaver = employment({ endDate: date, status: 'terminated', timeZone });
        const ends = endsAt(date, timeZone, policy.disableAt);
        const last = truthOf(ACTIVE, [leaver], plusMs(ends, -1), policy);
        expect([last.stage, last.dueAt]).toEqual(['active', ends]);
        expect(truthOf(ACTIVE, [leaver], ends, policy).stage).toBe('left');
      }),
      { numRuns: RUNS / 2 },
    );
    mix.expectEach(10);
  });

  test('another zone alone never gives access back, and never takes it from somebody who goes on', () => {
    const mix = new CaseMix(['the end would be ahead again', 'it would not']);
    fc.assert(
      fc.property(
        zoneAndDay,
        zone,
        fc.integer({ min: 0, max: 50 }),
        fc.option(time),
        ({ timeZone, date }, other, hours, disableAt) => {
          const policy: LifecyclePolicy = { ...DEFAULT_POLICY, ...(disableAt === null ? {} : { disableAt }) };
          const leaver = employment({ endDate: date, status: 'terminated', timeZone });
          const ends = endsAt(date, timeZone, policy.disableAt);
          const left = look(ACTIVE, [leaver], ends, policy).standing;
          expect(left.stage).toBe('left');
          const now = plusMs(ends, hours * HOUR_MS);
          const moved = { ...leaver, timeZone: other, asOf: now };
          mix.count('the end would be ahead again', endsAt(date, other, policy.disableAt) > now);
          mix.count('it would not', endsAt(date, other, policy.disableAt) <= now);
          expect(look(left, [moved], now, policy).standing.stage).toBe('left');

          const started = employment({ startDate: date, timeZone });
          const begun = plusMs(beginsAt(date, timeZone, undefined), hours * HOUR_MS);
          expect(look(ACTIVE, [{ ...started, timeZone: other, asOf: begun }], begun).standing.stage).toBe('active');
        },
      ),
      { numRuns: RUNS / 2 },
    );
    mix.expectEach(50);
  });

  test('every name is read, from the first to start a day to the last', () => {
    const day = calendarDate('2026-11-22');
    const starts = ZONES.map((timeZone) => msOf(startOfDay(day, timeZone)));
    expect(instantOfMs(Math.min(...starts))).toBe('2026-11-21T10:00:00.000Z');
    expect(instantOfMs(Math.max(...starts))).toBe('2026-11-22T12:00:00.000Z');
  });
});
