import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { calendarDate, dayIn, isTimeZone, plusDays, startOfDay } from '../../src/base/calendar-date.ts';
import { instantOf } from '../../src/base/instant.ts';

const start = (date: string, zone: string): string => startOfDay(calendarDate(date), zone);

describe('calendarDate', () => {
  it('takes real days and refuses others', () => {
    expect(calendarDate('2024-02-29')).toBe('2024-02-29');
    for (const wrong of ['2023-02-29', '2026-13-01', '0000-00-00', '2026-1-1', 'tomorrow', '']) {
      expect(() => calendarDate(wrong), wrong).toThrow(RangeError);
    }
  });
});

describe('plusDays', () => {
  it('counts days over leap days, months and years in both directions', () => {
    expect(plusDays(calendarDate('2024-02-28'), 1)).toBe('2024-02-29');
    expect(plusDays(calendarDate('2024-02-29'), 1)).toBe('2024-03-01');
    expect(plusDays(calendarDate('2023-02-28'), 1)).toBe('2023-03-01');
    expect(plusDays(calendarDate('2100-02-28'), 1)).toBe('2100-03-01');
    expect(plusDays(calendarDate('2026-12-31'), 1)).toBe('2027-01-01');
    expect(plusDays(calendarDate('2026-03-01'), -1)).toBe('2026-02-28');
  });
});

describe('startOfDay', () => {
  it('is midnight in the zone', () => {
    expect(start('2026-11-22', 'UTC')).toBe('2026-11-22T00:00:00.000Z');
    expect(start('2026-11-22', 'Europe/Berlin')).toBe('2026-11-21T23:00:00.000Z');
    expect(start('2026-07-01', 'Europe/Berlin')).toBe('2026-06-30T22:00:00.000Z');
    expect(start('2024-02-29', 'America/New_York')).toBe('2024-02-29T05:00:00.000Z');
  });

  it('spans 26 hours between the first and the last zone on earth', () => {
    expect(start('2026-11-22', 'Pacific/Kiritimati')).toBe('2026-11-21T10:00:00.000Z');
    expect(start('2026-11-22', 'Etc/GMT+12')).toBe('2026-11-22T12:00:00.000Z');
  });

  it('is the end of the gap when midnight does not exist', () => {
    expect(start('2018-11-04', 'America/Sao_Paulo')).toBe('2018-11-04T03:00:00.000Z');
    expect(start('2023-03-26', 'Asia/Beirut')).toBe('2023-03-25T22:00:00.000Z');
    expect(start('2022-03-27', 'Asia/Beirut')).toBe('2022-03-26T22:00:00.000Z');
  });

  it('is the earlier instant when midnight exists twice', () => {
    expect(start('2026-11-01', 'America/Havana')).toBe('2026-11-01T04:00:00.000Z');
  });

  it('is the moment of the jump for a day that a zone skipped', () => {
    expect(start('2011-12-29', 'Pacific/Apia')).toBe('2011-12-29T10:00:00.000Z');
    expect(start('2011-12-30', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z');
    expect(start('2011-12-31', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z');
  });

  it('agrees with the calendar library on any day in zones of every temper', () => {
    const zones = [
      'Europe/Berlin',
      'America/Sao_Paulo',
      'Africa/Casablanca',
      'Asia/Gaza',
      'Pacific/Apia',
      'Asia/Kathmandu',
    ];
    const day = fc.date({ min: new Date('1890-01-01'), max: new Date('2090-01-01'), noInvalidDate: true });
    const seen = { jumps: 0, steady: 0 };
    fc.assert(
      fc.property(day, fc.constantFrom(...zones), fc.integer({ min: -400, max: 400 }), (moment, timeZone, days) => {
        const date = calendarDate(moment.toISOString().slice(0, 10));
        const plain = Temporal.PlainDate.from(date);
        expect(plusDays(date, days)).toBe(plain.add({ days }).toString());
        const begins = plain.toZonedDateTime({ timeZone }).startOfDay();
        seen[plain.add({ months: 1 }).toZonedDateTime({ timeZone }).offset === begins.offset ? 'steady' : 'jumps'] += 1;
        expect(startOfDay(date, timeZone)).toBe(new Date(begins.epochMilliseconds).toISOString());
      }),
      { numRuns: 1_500 },
    );
    expect(seen.jumps).toBeGreaterThan(20);
    expect(seen.steady).toBeGreaterThan(500);
  });

  it('says the same from memory, also after more days than it remembers', () => {
    const first = start('2026-03-29', 'Europe/London');
    for (const zone of ['UTC', 'Etc/GMT+1', 'Etc/GMT-1']) {
      for (let day = 0; day <= 20_000; day += 1) startOfDay(plusDays(calendarDate('1980-01-01'), day), zone);
    }
    expect(start('2026-03-29', 'Europe/London')).toBe(first);
  });
});

describe('dayIn', () => {
  it('is the day that people there write', () => {
    const instant = instantOf('2026-11-22T11:00:00Z');
    expect(dayIn(instant, 'Pacific/Kiritimati')).toBe('2026-11-23');
    expect(dayIn(instant, 'Etc/GMT+12')).toBe('2026-11-21');
    expect(dayIn(instant, 'Europe/Berlin')).toBe('2026-11-22');
  });

  it('holds the start of every day of a year with both changes of the clock', () => {
    for (const zone of ['America/Sao_Paulo', 'Asia/Beirut', 'America/Havana', 'Australia/Lord_Howe']) {
      for (let day = calendarDate('2018-01-01'); day < '2019-01-01'; day = plusDays(day, 1)) {
        const begins = startOfDay(day, zone);
        expect(dayIn(begins, zone)).toBe(day);
        expect(dayIn(instantOf(new Date(Date.parse(begins) - 1).toISOString()), zone)).toBe(plusDays(day, -1));
      }
    }
  });
});

describe('isTimeZone', () => {
  it('knows IANA names and nothing else', () => {
    for (const zone of ['Europe/Berlin', 'Pacific/Kiritimati', 'Etc/GMT+12', 'UTC'])
      expect(isTimeZone(zone)).toBe(true);
    for (const zone of ['', 'Berlin', 'Europe/Nowhere', 'GMT+25']) expect(isTimeZone(zone)).toBe(false);
  });
});
