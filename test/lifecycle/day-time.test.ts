// enableAt and disableAt: local times counted from the first and the last day.
import { describe, expect, test } from 'vitest';
import { calendarDate } from '../../src/base/calendar-date.ts';
import { dayTime, momentOf } from '../../src/base/day-time.ts';
import { instantOf, plusMs } from '../../src/base/instant.ts';
import { beginsAt, endsAt } from '../../src/lifecycle/phase.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../../src/lifecycle/policy.ts';
import type { Stage, Standing } from '../../src/lifecycle/standing.ts';
import { NO_FACTS } from '../../src/lifecycle/standing.ts';
import { truthOf } from '../../src/lifecycle/truth.ts';
import type { Employment } from '../../src/worker/worker.ts';

const time = (text: string) => {
  const read = dayTime(text);
  if (read === null) throw new Error(`${text} is no time`);
  return read;
};
const day = calendarDate;
const at = (stage: Stage): Standing => ({ stage, delivery: 'settled', facts: NO_FACTS });
const policy = (more: Partial<LifecyclePolicy>): LifecyclePolicy => ({ ...DEFAULT_POLICY, ...more });
const employment = (more: Partial<Employment> = {}): Employment => ({
  asOf: instantOf('2026-01-01T00:00:00Z'),
  attributes: {},
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
});

describe('a time of day', () => {
  test('is hours and minutes, with an optional shift in days', () => {
    expect(dayTime('06:00')).toEqual({ days: 0, minutes: 360 });
    expect(dayTime('-1d 18:00')).toEqual({ days: -1, minutes: 1080 });
    expect(dayTime('+1d 00:30')).toEqual({ days: 1, minutes: 30 });
    expect(dayTime('-0d 00:00')).toEqual({ days: 0, minutes: 0 });
  });

  test.each(['', '6:00', '24:00', '12:60', '1d 12:00', '-1d12:00', '-1 d 12:00', '+31d 00:00', '18:00:00', 'noon'])(
    'is not %j',
    (text) => {
      expect(dayTime(text)).toBeNull();
    },
  );

  test('at midnight is the start of the day, also where the day starts later', () => {
    // São Paulo left out 00:00 to 00:59 on 2018-11-04.
    for (const skipped of ['earlier', 'later'] as const) {
      expect(momentOf(day('2018-11-04'), time('00:00'), 'America/Sao_Paulo', skipped)).toBe('2018-11-04T03:00:00.000Z');
    }
  });
});

describe('access begins and ends', () => {
  test('without enableAt and disableAt at the start of the first day and of the day after the last', () => {
    expect(beginsAt(day('2026-03-02'), 'Europe/Berlin', undefined)).toBe('2026-03-01T23:00:00.000Z');
    expect(endsAt(day('2026-03-02'), 'Europe/Berlin', undefined)).toBe('2026-03-02T23:00:00.000Z');
  });

  test('at the local time that the file says, counted from the first and from the last day', () => {
    expect(beginsAt(day('2026-03-02'), 'Europe/Berlin', time('06:00'))).toBe('2026-03-02T05:00:00.000Z');
    expect(beginsAt(day('2026-03-02'), 'Europe/Berlin', time('-1d 18:00'))).toBe('2026-03-01T17:00:00.000Z');
    expect(endsAt(day('2026-03-02'), 'Europe/Berlin', time('18:00'))).toBe('2026-03-02T17:00:00.000Z');
    expect(endsAt(day('2026-03-02'), 'Europe/Berlin', time('+1d 06:00'))).toBe('2026-03-03T05:00:00.000Z');
    expect(endsAt(day('2026-03-02'), 'Asia/Tokyo', time('18:00'))).toBe('2026-03-02T09:00:00.000Z');
  });

  test('in the hour that the clock skips the earlier reading ends access, and access begins when the jump is over', () => {
    // Berlin jumps from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
    expect(endsAt(day('2026-03-29'), 'Europe/Berlin', time('02:30'))).toBe('2026-03-29T00:30:00.000Z');
    expect(beginsAt(day('2026-03-29'), 'Europe/Berlin', time('02:30'))).toBe('2026-03-29T01:00:00.000Z');
  });

  test('in the hour that the clock shows twice the first of the two counts for both', () => {
    // Berlin goes back from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC.
    expect(endsAt(day('2026-10-25'), 'Europe/Berlin', time('02:30'))).toBe('2026-10-25T00:30:00.000Z');
    expect(beginsAt(day('2026-10-25'), 'Europe/Berlin', time('02:30'))).toBe('2026-10-25T00:30:00.000Z');
  });

  test('around a change of the clock on the wall, not so many hours after midnight', () => {
    expect(endsAt(day('2026-03-29'), 'Europe/Berlin', time('18:00'))).toBe('2026-03-29T16:00:00.000Z');
    expect(endsAt(day('2026-10-25'), 'Europe/Berlin', time('18:00'))).toBe('2026-10-25T17:00:00.000Z');
  });

  test('on a day that a zone left out, at the reading before it for an end', () => {
    // Samoa went from 2011-12-29 to 2011-12-31 across the date line.
    expect(endsAt(day('2011-12-30'), 'Pacific/Apia', time('18:00'))).toBe('2011-12-30T04:00:00.000Z');
    expect(endsAt(day('2011-12-29'), 'Pacific/Apia', undefined)).toBe('2011-12-30T10:00:00.000Z');
  });
});

describe('truth with enableAt and disableAt', () => {
  const evening = policy({ enableAt: time('-1d 18:00'), disableAt: time('18:00') });

  test('a worker is enabled and disabled at those moments, and the due time names them', () => {
    const one = employment({ startDate: day('2026-03-02'), endDate: day('2026-12-31'), status: 'terminated' });
    const begins = instantOf('2026-03-01T17:00:00Z');
    const before = truthOf(at('preboarding'), [one], plusMs(begins, -1), evening);
    expect([before.stage, before.dueAt]).toEqual(['preboarding', begins]);
    expect(truthOf(at('preboarding'), [one], begins, evening).stage).toBe('active');
    const ends = instantOf('2026-12-31T17:00:00Z');
    const horizon = truthOf(at('active'), [one], plusMs(ends, -1), evening);
    expect([horizon.stage, horizon.dueAt, horizon.endInSight]).toEqual(['active', ends, '2026-12-31']);
    const over = truthOf(at('active'), [one], ends, evening);
    expect([over.stage, over.leave?.kind, over.leave?.lastDay]).toEqual(['left', 'explicit', '2026-12-31']);
  });

  test('whoever goes on in another employment on the next day keeps access in the hours between', () => {
    const first = employment({ endDate: day('2026-06-30'), status: 'terminated' });
    const second = employment({ id: '2', startDate: day('2026-07-01') });
    const late = policy({ enableAt: time('09:00'), disableAt: time('18:00') });
    for (const now of [
      '2026-06-30T16:00:00Z',
      '2026-06-30T22:00:00Z',
      '2026-07-01T06:59:59Z',
      '2026-07-01T07:00:00Z',
    ]) {
      expect(truthOf(at('active'), [first, second], instantOf(now), late).stage, now).toBe('active');
    }
    // A second employment that HR does not confirm keeps nobody.
    const unconfirmed = { ...second, status: 'expected' as const };
    expect(truthOf(at('active'), [first, unconfirmed], instantOf('2026-06-30T16:00:00Z'), late).stage).not.toBe(
      'active',
    );
  });

  test('a move from a zone in the east to one in the west on the next day takes nobody’s access for some hours', () => {
    const first = employment({ endDate: day('2026-06-30'), status: 'terminated', timeZone: 'Asia/Tokyo' });
    const second = employment({ id: '2', startDate: day('2026-07-01'), timeZone: 'America/Los_Angeles' });
    expect(truthOf(at('active'), [first, second], instantOf('2026-06-30T20:00:00Z'), DEFAULT_POLICY).stage).toBe(
      'active',
    );
  });
});
