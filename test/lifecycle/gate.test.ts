// Nothing older undoes a leave: the rule itself, case by case.
import { describe, expect, it } from 'vitest';
import { calendarDate } from '../../src/base/calendar-date.ts';
import { type Beginning, gateOf, isNewBeginning, isProtectedLeave } from '../../src/lifecycle/gate.ts';
import { type Facts, type LeaveBy, NO_FACTS } from '../../src/lifecycle/standing.ts';
import { at } from '../support/people.ts';

const LEAVE = at('2026-11-10T09:00:00Z');
const BEFORE = at('2026-11-10T08:59:59Z');
const AFTER = at('2026-11-10T09:00:01Z');
const DAY = calendarDate('2020-03-02');
const DAY_BEFORE = calendarDate('2020-03-01');
const DAY_AFTER = calendarDate('2020-03-03');

const left = (change: Partial<Facts> = {}): Facts => ({
  ...NO_FACTS,
  leaveSeenAt: LEAVE,
  leaveKind: 'explicit',
  leaveBy: 'feed',
  endedEmployment: 'A',
  endedStart: DAY,
  ...change,
});
/** The very term that ended, as old as the leave. */
const begins = (change: Partial<Beginning> = {}): Beginning => ({
  employmentId: 'A',
  employmentStart: DAY,
  startsAt: at('2020-03-01T23:00:00Z'),
  asOf: LEAVE,
  ...change,
});

describe('a leave', () => {
  it.each<[LeaveBy | null, boolean]>([
    ['endsNow', true],
    ['webhook', true],
    ['operator', true],
    ['feed', false],
    [null, false],
  ])('by %s is protected: %s', (by, is) => {
    expect(isProtectedLeave(by)).toBe(is);
  });
});

describe('a new beginning', () => {
  it.each<[string, Facts, Partial<Beginning>, boolean]>([
    ['another employment that starts after the leave', left(), { employmentId: 'B', startsAt: AFTER }, true],
    ['one that starts at the very moment of the leave is none', left(), { employmentId: 'B', startsAt: LEAVE }, false],
    ['one that started before it is none', left(), { employmentId: 'B', startsAt: BEFORE }, false],
    ['one without a start is none', left(), { employmentId: 'B', startsAt: null }, false],
    ['none after no leave', left({ leaveSeenAt: null }), { employmentId: 'B', startsAt: AFTER }, false],
    ['a later term of the same employment', left(), { employmentStart: DAY_AFTER, startsAt: AFTER }, true],
    ['the same term in another zone is none', left(), { employmentStart: DAY, startsAt: AFTER }, false],
    ['an earlier term is none', left(), { employmentStart: DAY_BEFORE, startsAt: AFTER }, false],
    ['the same employment without a day is none', left(), { employmentStart: null, startsAt: AFTER }, false],
    ['any where the term that ended is not known', left({ endedStart: null }), { startsAt: AFTER }, true],
    ['any where the employment that ended is not known', left({ endedEmployment: null }), { startsAt: AFTER }, true],
  ])('%s', (_, facts, beginning, is) => {
    expect(isNewBeginning(facts, begins(beginning))).toBe(is);
  });
});

describe('the gate', () => {
  it.each<[string, Facts, Partial<Beginning>, boolean, ReturnType<typeof gateOf>]>([
    ['is open to somebody who never left', NO_FACTS, {}, false, 'open'],
    ['is open where a person has lifted the leave', left({ leaveBy: null }), {}, false, 'open'],
    ['is open where nobody knows when they left', left({ leaveSeenAt: null }), {}, false, 'open'],
    ['is shut to facts as old as the leave', left(), {}, false, 'older'],
    ['is open to newer facts', left(), { asOf: AFTER }, false, 'open'],
    ['is shut to older ones', left(), { asOf: BEFORE }, false, 'older'],
    [
      'is open to a new beginning however old its facts',
      left(),
      { employmentId: 'B', startsAt: AFTER, asOf: BEFORE },
      false,
      'open',
    ],
    ['is open to whatever a person approves', left(), {}, true, 'open'],
    [
      'after an order needs a person for newer facts',
      left({ leaveBy: 'endsNow' }),
      { asOf: AFTER },
      false,
      'protected',
    ],
    ['after an order is shut to older facts', left({ leaveBy: 'webhook' }), { asOf: LEAVE }, false, 'older'],
    [
      'after an order is shut to a new beginning of older facts',
      left({ leaveBy: 'operator' }),
      { employmentId: 'B', startsAt: AFTER },
      false,
      'older',
    ],
    [
      'after an order is open to a new beginning of newer facts',
      left({ leaveBy: 'operator' }),
      { employmentId: 'B', startsAt: AFTER, asOf: AFTER },
      false,
      'open',
    ],
    ['after an order is open to what a person approves', left({ leaveBy: 'endsNow' }), {}, true, 'open'],
    [
      'of an emergency stays shut, whatever HR says and whoever approves',
      left({ sticky: true }),
      { employmentId: 'B', startsAt: AFTER, asOf: AFTER },
      true,
      'sticky',
    ],
  ])('%s', (_, facts, beginning, approved, gate) => {
    expect(gateOf(facts, begins(beginning), approved)).toBe(gate);
  });
});
