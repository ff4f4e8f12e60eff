import { describe, expect, it } from 'vitest';
import { calendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { ALERTS, dayStart } from '../../src/lifecycle/phase.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { truthOf } from '../../src/lifecycle/truth.ts';
import { anEmployment, at, type EmploymentWords } from '../support/people.ts';
import { look, standingAt } from '../support/standings.ts';

const NOW = at('2026-11-22T10:00:00Z');

const truth = (words: EmploymentWords, now = NOW, standing = standingAt('active')) =>
  truthOf(standing, [anEmployment(words)], now, DEFAULT_POLICY);

describe('status words and dates of one employment', () => {
  it('terminated without an end is an explicit leave', () => {
    expect(truth({ status: 'terminated' })).toMatchObject({ stage: 'left', leave: { kind: 'explicit', by: 'feed' } });
  });

  it('terminated with a past end is an explicit leave that knows its last day', () => {
    expect(truth({ status: 'terminated', end: '2026-11-10' })).toMatchObject({
      stage: 'left',
      leave: { kind: 'explicit', lastDay: '2026-11-10' },
    });
  });

  it('terminated with an end ahead goes by the date', () => {
    const words = { status: 'terminated', end: '2026-12-04' } as const;
    expect(truth(words)).toMatchObject({ stage: 'active', dueAt: '2026-12-04T23:00:00.000Z' });
    expect(truth(words, at('2026-12-04T22:59:59.999Z')).stage).toBe('active');
    expect(truth(words, at('2026-12-04T23:00:00Z'))).toMatchObject({ stage: 'left', leave: { kind: 'explicit' } });
  });

  it('terminated before the start, without an end, is a hire that never becomes active', () => {
    const words = { status: 'terminated', start: '2026-11-25' } as const;
    for (const stage of ['expected', 'preboarding'] as const) {
      expect(truth(words, NOW, standingAt(stage)).stage).toBe('left');
      expect(truth(words, at('2027-01-01T00:00:00Z'), standingAt(stage)).stage).toBe('left');
    }
  });

  it('active with a past end is a contradiction: an inferred leave', () => {
    expect(truth({ end: '2026-11-10' })).toMatchObject({
      stage: 'left',
      leave: { kind: 'inferred' },
      alerts: [ALERTS.contradiction],
    });
  });

  it('active with a past end that was seen ahead and passed the guard is an explicit leave', () => {
    const guarded = standingAt('active', { guardedEnd: calendarDate('2026-11-10') });
    expect(truth({ end: '2026-11-10' }, NOW, guarded)).toMatchObject({ leave: { kind: 'explicit' }, alerts: [] });
    expect(truth({ end: '2026-11-09' }, NOW, guarded).leave?.kind).toBe('inferred');
  });

  it('endsNow on a last day that was seen ahead is an explicit leave for cause', () => {
    const guarded = standingAt('active', { guardedEnd: calendarDate('2026-11-10') });
    expect(truth({ end: '2026-11-10', endsNow: true }, NOW, guarded).leave).toMatchObject({
      kind: 'explicit',
      by: 'endsNow',
    });
    expect(truth({ end: '2026-11-09', endsNow: true }, NOW, guarded).leave).toMatchObject({
      kind: 'inferred',
      by: 'feed',
    });
  });

  it('active with an end before the start is a rehire whose old end was not cleared', () => {
    expect(truth({ start: '2026-03-02', end: '2025-12-31' })).toMatchObject({ stage: 'active', nextEnd: null });
    expect(truth({ start: '2026-11-25', end: '2025-12-31' }, NOW, standingAt('expected')).stage).toBe('preboarding');
  });

  it('lets the old term run to its own last day when the next start on the same record lies behind it', () => {
    const words = { start: '2026-12-05', end: '2026-11-30' };
    expect(truth(words)).toMatchObject({ stage: 'active', nextEnd: '2026-11-30', dueAt: '2026-11-27T23:00:00.000Z' });
    expect(truth(words, at('2026-11-30T23:00:00Z'))).toMatchObject({
      stage: 'preboarding',
      leave: { withdrawn: true },
    });
    expect(truth({ start: '2026-12-01', end: '2026-11-30' }, at('2026-11-30T23:00:00Z')).stage).toBe('active');
  });

  it('expected with a past start stays inactive and is shown as an alert', () => {
    const words = { status: 'expected', start: '2026-11-16' } as const;
    for (const stage of ['expected', 'preboarding'] as const) {
      expect(truth(words, NOW, standingAt(stage))).toMatchObject({ stage: 'preboarding', alerts: [ALERTS.waiting] });
    }
  });

  it('a word that goes back to expected takes access from somebody active, as an inferred leave', () => {
    const seen = look(standingAt('active'), [anEmployment({ status: 'expected' })], NOW);
    expect(seen.standing.stage).toBe('preboarding');
    expect(seen.transitions).toEqual(['withdraw', 'joiner']);
    expect(seen.operations).toContain('disableAccount');
    expect(seen.operations).not.toContain('enableAccount');
    expect(seen.standing.facts).toMatchObject({ leaveKind: 'inferred', leaveBy: 'feed', leaveSeenAt: NOW });
  });

  it('leave is on leave while the employment runs', () => {
    expect(truth({ status: 'leave' }).stage).toBe('onLeave');
    expect(truth({ status: 'leave', start: '2026-11-25' }, NOW, standingAt('expected')).stage).toBe('preboarding');
    expect(truth({ status: 'leave', end: '2026-11-10' })).toMatchObject({ stage: 'left', leave: { kind: 'inferred' } });
  });

  it('endsNow with a termination ends at once, whatever the date says', () => {
    for (const end of [null, '2026-11-10', '2026-12-31']) {
      expect(truth({ status: 'terminated', end, endsNow: true })).toMatchObject({
        stage: 'left',
        leave: { kind: 'explicit', by: 'endsNow' },
      });
    }
  });

  it('endsNow with a last day but without the word ends at once as an inferred leave', () => {
    expect(truth({ end: '2026-12-31', endsNow: true })).toMatchObject({
      stage: 'left',
      leave: { kind: 'inferred', by: 'endsNow' },
    });
  });

  it('endsNow alone, or left over from an earlier term, is ignored with an alert', () => {
    expect(truth({ endsNow: true })).toMatchObject({ stage: 'active', alerts: [ALERTS.endsNowAlone] });
    expect(truth({ endsNow: true, start: '2026-03-02', end: '2025-12-31' })).toMatchObject({
      stage: 'active',
      alerts: [ALERTS.endsNowAlone],
    });
    expect(truth({ endsNow: true, start: '2026-11-25', end: '2027-05-31' }, NOW, standingAt('expected'))).toMatchObject(
      {
        stage: 'preboarding',
        alerts: [ALERTS.endsNowAlone],
      },
    );
  });

  it('no start date counts as started long ago', () => {
    expect(truth({ start: null }, NOW, standingAt('expected')).stage).toBe('active');
    expect(truth({ start: null, end: '2026-11-10', status: 'terminated' }).stage).toBe('left');
  });
});

describe('the moments at which a date counts', () => {
  const moments = [
    ['Europe/Berlin', '2026-11-24T23:00:00.000Z'],
    ['Pacific/Kiritimati', '2026-11-24T10:00:00.000Z'],
    ['Etc/GMT+12', '2026-11-25T12:00:00.000Z'],
    ['America/New_York', '2026-11-25T05:00:00.000Z'],
  ] as const;

  it.each(moments)('enables at the start of the start date in %s', (zone, moment) => {
    const words = { start: '2026-11-25', zone };
    const before = at(new Date(Date.parse(moment) - 1).toISOString());
    expect(truth(words, before, standingAt('preboarding'))).toMatchObject({ stage: 'preboarding', dueAt: moment });
    expect(truth(words, at(moment), standingAt('preboarding')).stage).toBe('active');
  });

  it.each(moments)('disables at the start of the day after the last day in %s', (zone, moment) => {
    const words = { status: 'terminated', end: '2026-11-24', zone } as const;
    const before = at(new Date(Date.parse(moment) - 1).toISOString());
    expect(truth(words, before)).toMatchObject({ stage: 'active', dueAt: moment });
    expect(truth(words, at(moment)).stage).toBe('left');
  });

  it('opens preboarding at the start of the day that many days before the start', () => {
    const words = { start: '2027-02-01' };
    expect(truth(words, NOW, standingAt('expected'))).toMatchObject({
      stage: 'expected',
      dueAt: '2027-01-24T23:00:00.000Z',
    });
    expect(truth(words, at('2027-01-24T23:00:00Z'), standingAt('expected')).stage).toBe('preboarding');
    const noWindow = { ...DEFAULT_POLICY, preboardDays: 0 };
    const day = at('2027-01-31T22:59:59Z');
    expect(truthOf(standingAt('expected'), [anEmployment(words)], day, noWindow).stage).toBe('expected');
  });

  it('says the same after more days than it remembers', () => {
    const words = { start: '2027-02-01' };
    const before = truth(words, NOW, standingAt('expected'));
    let day = calendarDate('1960-01-01');
    for (let count = 0; count <= 10_000; count += 1) {
      dayStart(day, 0, 'UTC');
      dayStart(day, 1, 'Asia/Tokyo');
      day = plusDays(day, 1);
    }
    expect(truth(words, NOW, standingAt('expected'))).toEqual(before);
  });

  it('disables at the one instant there is when midnight does not exist', () => {
    const words = { status: 'terminated', end: '2018-11-03', zone: 'America/Sao_Paulo' } as const;
    expect(truth(words, at('2018-11-04T02:59:59Z')).stage).toBe('active');
    expect(truth(words, at('2018-11-04T03:00:00Z')).stage).toBe('left');
  });

  it('disables at the earlier instant when midnight exists twice', () => {
    // Havana set its clocks back from 01:00 to 00:00 on 2026-11-01: that day begins twice.
    const words = { status: 'terminated', end: '2026-10-31', zone: 'America/Havana' } as const;
    expect(truth(words, at('2026-11-01T03:59:59Z')).stage).toBe('active');
    expect(truth(words, at('2026-11-01T04:00:00Z')).stage).toBe('left');
  });
});
