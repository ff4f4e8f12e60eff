// What `worker` says will happen is what then happens.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calendarDate } from '../../src/base/calendar-date.ts';
import { DAY_MS, HOUR_MS, instantOf, plusMs } from '../../src/base/instant.ts';
import { FORESEEN_MAX, forecast } from '../../src/lifecycle/forecast.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { comingSentence } from '../../src/views/coming-text.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { CaseMix } from '../support/case-mix.ts';
import { look, standingAt } from '../support/standings.ts';
import { employment as anyEmployment, policy as anyPolicy, BORN, history, live } from './histories.ts';

const employment: Employment = {
  asOf: instantOf('2026-01-01T00:00:00Z'),
  attributes: { department: 'Sales' },
  endDate: null,
  endsNow: false,
  id: '1',
  inScope: true,
  managerId: '',
  personId: '1',
  startDate: calendarDate('2026-03-02'),
  status: 'active',
  timeZone: 'Europe/Berlin',
};

test('names each moment with what it brings, from the window that opens to the account that is deleted', () => {
  const policy = { ...DEFAULT_POLICY, deleteAfterDays: 90, disableAt: { days: 0, minutes: 1_080 } };
  const { id: _, personId: __, asOf: ___, ...facts } = employment;
  const hired: Employment = {
    ...employment,
    later: [
      { from: calendarDate('2026-06-01'), facts: { ...facts, attributes: { department: 'Legal' } } },
      {
        from: calendarDate('2026-10-01'),
        facts: { ...facts, status: 'terminated', endDate: calendarDate('2026-09-30') },
      },
    ],
  };
  const foreseen = forecast(standingAt('expected'), [hired], instantOf('2026-01-05T00:00:00Z'), policy);
  expect(
    foreseen.map((moment) => [moment.at, `${moment.from} → ${moment.to}`, comingSentence(moment, policy)]),
  ).toEqual([
    ['2026-02-22T23:00:00.000Z', 'expected → preboarding', 'the account is made, inactive: 7 days before the start'],
    ['2026-03-01T23:00:00.000Z', 'preboarding → active', 'first day 2026-03-02: access begins'],
    ['2026-05-31T22:00:00.000Z', 'active → active', 'another row of HR’s counts: department Sales → Legal'],
    ['2026-08-30T22:00:00.000Z', 'active → active', 'the last day 2026-09-30 comes in sight of the guards'],
    ['2026-09-30T16:00:00.000Z', 'active → left', 'the last day 2026-09-30 is over: access ends'],
    ['2026-12-29T16:00:00.000Z', 'left → purged', 'retention of 90 days is over: the account is deleted'],
  ]);
});

test('is what a look at each of those moments, and none between them, finds', () => {
  const mix = new CaseMix(['nothing ahead', 'several moments', 'a row that comes', 'a leave', 'a purge']);
  fc.assert(
    fc.property(
      history,
      anyEmployment,
      anyPolicy,
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (steps, last, policy, share) => {
        const before = live(BORN, steps, policy);
        const life = live(before, [{ does: 'feed', hours: 1, employment: last }], policy);
        const foreseen = forecast(life.standing, life.employments, life.now, policy);
        mix.count('nothing ahead', foreseen.length === 0);
        mix.count('several moments', foreseen.length > 2);
        mix.count('a row that comes', life.employments.some(({ later }) => later !== undefined) && foreseen.length > 0);
        mix.count(
          'a leave',
          foreseen.some(({ to, from }) => to === 'left' && from !== 'left'),
        );
        mix.count(
          'a purge',
          foreseen.some(({ to }) => to === 'purged'),
        );
        let { standing, now } = life;
        for (const moment of foreseen) {
          expect(moment.at > now).toBe(true);
          const between = plusMs(now, Math.floor((Date.parse(moment.at) - Date.parse(now) - 1) * share));
          expect(look(standing, life.employments, between, policy).standing.stage, between).toBe(standing.stage);
          standing = look(standing, life.employments, moment.at, policy).standing;
          expect(standing.stage).toBe(moment.to);
          now = moment.at;
        }
        const end = look(standing, life.employments, plusMs(now, 3_650 * DAY_MS + HOUR_MS), policy).standing;
        if (foreseen.length < FORESEEN_MAX) expect(end.stage).toBe(standing.stage);
      },
    ),
    { numRuns: 1_500, seed: 20261122 },
  );
  mix.expectEach(10);
});
