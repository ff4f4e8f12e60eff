import { describe, expect, it } from 'vitest';
import { type CalendarDate, calendarDate } from '../../src/base/calendar-date.ts';
import type { Instant } from '../../src/base/instant.ts';
import { decide } from '../../src/lifecycle/decide.ts';
import { detect } from '../../src/lifecycle/detect.ts';
import { DEFAULT_POLICY, type LifecyclePolicy } from '../../src/lifecycle/policy.ts';
import type { Facts } from '../../src/lifecycle/standing.ts';
import { BLOCKED_ALERTS, truthOf, ZONE_ALERT } from '../../src/lifecycle/truth.ts';
import { anEmployment, at } from '../support/people.ts';
import { look, standingAt, takeAll, UNKNOWN } from '../support/standings.ts';

const NOW = at('2026-11-22T10:00:00Z');
const NEWER = '2026-11-22T09:00:00Z';
const LEAVE = at('2026-11-10T09:00:00Z');
const OLDER = '2026-11-10T05:00:00Z';

const LEFT: Partial<Facts> = {
  leaveSeenAt: LEAVE,
  leaveKind: 'explicit',
  leaveBy: 'feed',
  endedEmployment: 'A',
  endedStart: calendarDate('2020-03-02'),
};
const FOR_CAUSE: Partial<Facts> = { ...LEFT, leaveBy: 'endsNow' };

describe('the way of a worker', () => {
  it('goes from expected over preboarding to active as the days pass', () => {
    const joiner = [anEmployment({ start: '2026-12-01' })];
    const first = look(UNKNOWN, joiner, NOW);
    expect(first).toMatchObject({ standing: { stage: 'expected' }, events: [] });
    const window = look(first.standing, joiner, at('2026-11-24T00:00:00Z'));
    expect(window).toMatchObject({
      standing: { stage: 'preboarding' },
      transitions: ['joiner'],
      operations: ['createAccount'],
    });
    const start = look(window.standing, joiner, at('2026-11-30T23:00:00Z'));
    expect(start).toMatchObject({
      standing: { stage: 'active' },
      transitions: ['start'],
      operations: ['enableAccount'],
    });
  });

  it('is a joiner with an enabled account when first seen at work', () => {
    expect(look(UNKNOWN, [anEmployment()], NOW)).toMatchObject({
      standing: { stage: 'active', delivery: 'delivering' },
      transitions: ['joiner'],
      operations: ['createAccount', 'enableAccount'],
    });
  });

  it('asks the target about somebody first seen after the end', () => {
    expect(look(UNKNOWN, [anEmployment({ status: 'terminated' })], NOW)).toMatchObject({
      standing: { stage: 'left' },
      transitions: ['leaver'],
      operations: ['disableAccount', 'revokeMemberships', 'revokeSessions'],
    });
  });

  it('keeps the account during a leave of absence and brings it back', () => {
    const away = look(standingAt('active'), [anEmployment({ status: 'leave' })], NOW);
    expect(away).toMatchObject({ standing: { stage: 'onLeave' }, transitions: ['leave'], operations: [] });
    const back = look(away.standing, [anEmployment()], NOW);
    expect(back).toMatchObject({
      standing: { stage: 'active' },
      transitions: ['return'],
      operations: ['enableAccount'],
    });
  });

  it('disables during a leave of absence where the policy says suspend', () => {
    const policy: LifecyclePolicy = { ...DEFAULT_POLICY, onLeave: 'suspend' };
    expect(look(standingAt('active'), [anEmployment({ status: 'leave' })], NOW, policy)).toMatchObject({
      standing: { stage: 'onLeave' },
      operations: ['disableAccount'],
    });
    expect(look(UNKNOWN, [anEmployment({ status: 'leave' })], NOW, policy).transitions).toEqual(['joiner', 'leave']);
  });

  it('stays where it is when nothing is known of anybody', () => {
    for (const stage of ['expected', 'preboarding', 'active', 'left'] as const) {
      const { events, truth } = detect(standingAt(stage), [], NOW, DEFAULT_POLICY);
      expect(events).toEqual([]);
      expect(truth).toMatchObject({ stage, primary: null, dueAt: null });
    }
  });

  it('withdraws a hire whose start moves out of the window, and disables what was prepared', () => {
    const moved = look(standingAt('preboarding'), [anEmployment({ start: '2027-02-01' })], NOW);
    expect(moved).toMatchObject({ standing: { stage: 'expected' }, transitions: ['withdraw'] });
    expect(moved.operations).toContain('disableAccount');
    expect(moved.events[0]).toMatchObject({ type: 'hireWithdrawn', kind: 'inferred', employmentId: 'A' });
  });

  it('takes a start date of somebody active that moves ahead as an inferred leave, and enables again on the day', () => {
    const moved = [anEmployment({ start: '2027-02-01', asOf: NEWER })];
    const away = look(standingAt('active'), moved, NOW);
    expect(away.standing).toMatchObject({ stage: 'expected', facts: { leaveKind: 'inferred', leaveSeenAt: NOW } });
    const window = look(away.standing, moved, at('2027-01-26T00:00:00Z'));
    expect(window.standing.stage).toBe('preboarding');
    const start = look(window.standing, moved, at('2027-02-01T00:00:00Z'));
    expect(start.standing).toMatchObject({ stage: 'active', facts: { leaveSeenAt: null } });
  });

  it('keeps somebody active whose zone changes on the first day so that the day has not begun there', () => {
    const words = { start: '2026-11-22', zone: 'Europe/Berlin' };
    const now = at('2026-11-22T02:00:00Z');
    const working = look(UNKNOWN, [anEmployment(words)], now).standing;
    const moved = [anEmployment({ ...words, zone: 'America/Los_Angeles', asOf: NEWER })];
    expect(look(working, moved, now)).toMatchObject({ standing: { stage: 'active' }, events: [] });
    expect(look(standingAt('preboarding'), moved, now).standing.stage).toBe('preboarding');
  });
});

describe('somebody at work whose record can be read kindly', () => {
  it('is not read kindly when something else runs', () => {
    const next = anEmployment({ id: 'B', start: '2026-12-05', end: '2026-12-04' });
    expect(truthOf(standingAt('active'), [anEmployment(), next], NOW, DEFAULT_POLICY).nextEnd).toBe(null);
  });

  it('is not read kindly where that would not keep the access', () => {
    const now = at('2026-11-22T11:00:00Z');
    const moved = anEmployment({ status: 'expected', start: '2026-11-23', zone: 'America/Los_Angeles' });
    expect(look(standingAt('active'), [moved], now).standing.stage).toBe('preboarding');
  });
});

describe('several employments', () => {
  const ended = (id: string, end: string) => anEmployment({ id, status: 'terminated', end });

  it('keeps access while one of them runs and ends with the last', () => {
    const both = [ended('A', '2026-11-10'), anEmployment({ id: 'B' })];
    expect(look(standingAt('active'), both, NOW).events).toEqual([]);
    const none = [ended('A', '2026-11-10'), ended('B', '2026-11-20')];
    expect(look(standingAt('active'), none, NOW).events).toMatchObject([
      { type: 'employmentEnded', employmentId: 'B' },
    ]);
  });

  it('is on leave only when all that run are', () => {
    const away = anEmployment({ id: 'A', status: 'leave' });
    expect(truthOf(standingAt('active'), [away, anEmployment({ id: 'B' })], NOW, DEFAULT_POLICY).stage).toBe('active');
    expect(truthOf(standingAt('active'), [away, ended('B', '2026-11-10')], NOW, DEFAULT_POLICY).stage).toBe('onLeave');
  });

  it('lets the running one decide the attributes, then the next to start, then the last that ended', () => {
    const primary = (...list: ReturnType<typeof anEmployment>[]) =>
      truthOf(standingAt('active'), list, NOW, DEFAULT_POLICY).primary?.id;
    const running = anEmployment({ id: 'R' });
    const away = anEmployment({ id: 'L', status: 'leave', start: '2026-01-01' });
    const soon = anEmployment({ id: 'S', start: '2026-11-25' });
    const later = anEmployment({ id: 'T', start: '2027-02-01' });
    expect(primary(ended('E', '2026-11-20'), later, soon, away, running)).toBe('R');
    expect(primary(ended('E', '2026-11-20'), later, soon, away)).toBe('L');
    expect(primary(ended('E', '2026-11-20'), later, soon)).toBe('S');
    expect(primary(ended('D', '2026-11-10'), ended('E', '2026-11-20'))).toBe('E');
    expect(primary(running, anEmployment({ id: 'N', start: '2026-06-01' }))).toBe('N');
    expect(primary(anEmployment({ id: 'Z' }), running)).toBe('R');
    expect(primary(anEmployment({ id: 'N', start: '2026-06-01', inScope: false }), running)).toBe('R');
    expect(primary(soon, anEmployment({ id: 'P', start: '2026-11-25' }))).toBe('P');
    expect(primary(ended('Y', '2026-11-20'), ended('E', '2026-11-20'))).toBe('E');
    expect(primary(anEmployment({ id: 'O', status: 'terminated', asOf: NEWER }), ended('E', '2026-11-20'))).toBe('O');
    expect(primary(anEmployment({ id: 'M', start: null }), running)).toBe('R');
  });

  it('converts without a gap: no leave when the next begins the day after the last day', () => {
    const conversion = [ended('A', '2026-11-30'), anEmployment({ id: 'B', start: '2026-12-01' })];
    const truth = truthOf(standingAt('active'), conversion, NOW, DEFAULT_POLICY);
    expect(truth).toMatchObject({ stage: 'active', nextEnd: null });
    expect(look(standingAt('active'), conversion, at('2026-11-30T23:00:00Z')).events).toEqual([]);
  });

  it('leaves and is announced again when a gap lies between two employments', () => {
    const gap = [ended('A', '2026-11-20'), anEmployment({ id: 'B', start: '2026-11-25', asOf: OLDER })];
    const seen = look(standingAt('active'), gap, NOW);
    expect(seen).toMatchObject({ standing: { stage: 'preboarding' }, transitions: ['leaver', 'rehire'], refusals: [] });
    expect(seen.operations).toContain('disableAccount');
    expect(look(seen.standing, gap, at('2026-11-24T23:00:00Z')).standing.stage).toBe('active');
  });

  it('waits in left for a rehire further away, planned before the leave, and starts it on the day', () => {
    const planned = [ended('A', '2026-11-20'), anEmployment({ id: 'B', start: '2027-02-01', asOf: OLDER })];
    const left = look(standingAt('active'), planned, NOW);
    expect(left.standing.stage).toBe('left');
    const soon = look(left.standing, planned, at('2027-01-26T00:00:00Z'));
    expect(soon.transitions).toEqual(['rehire']);
    expect(look(soon.standing, planned, at('2027-02-01T00:00:00Z')).standing.stage).toBe('active');
  });

  it('goes back to left, as an inferred leave, when an announced rehire moves out of the window', () => {
    const facts = { ...LEFT };
    const moved = [ended('A', '2026-11-09'), anEmployment({ id: 'B', start: '2027-02-01' })];
    expect(look(standingAt('preboarding', facts), moved, NOW)).toMatchObject({
      standing: { stage: 'left', facts: { leaveKind: 'inferred' } },
    });
  });

  it('counts a last day only when nothing follows at once', () => {
    const nextEnd = (...list: ReturnType<typeof anEmployment>[]) =>
      truthOf(standingAt('active'), list, NOW, DEFAULT_POLICY).nextEnd;
    const first = ended('A', '2026-11-30');
    const second = anEmployment({ id: 'B', start: '2026-12-01', end: '2026-12-10' });
    expect(nextEnd(first)).toBe('2026-11-30');
    expect(nextEnd(first, second)).toBe('2026-12-10');
    expect(nextEnd(first, anEmployment({ id: 'B', start: '2026-12-02', end: '2026-12-10' }))).toBe('2026-11-30');
    expect(nextEnd(first, second, anEmployment({ id: 'C', start: '2026-12-05' }))).toBe(null);
    expect(nextEnd(first, anEmployment({ id: 'C', end: '2026-12-24' }))).toBe('2026-12-24');
  });
});

describe('scope', () => {
  const outside = anEmployment({ inScope: false });
  const disable: LifecyclePolicy = { ...DEFAULT_POLICY, scopeExit: 'disable' };

  it('leaves somebody never in scope expected, with nothing to do', () => {
    for (const policy of [DEFAULT_POLICY, disable]) {
      expect(look(UNKNOWN, [outside], NOW, policy)).toMatchObject({ standing: { stage: 'expected' }, events: [] });
    }
    const gone = anEmployment({ inScope: false, status: 'terminated' });
    expect(look(UNKNOWN, [gone], NOW).events).toEqual([]);
  });

  it('does not take somebody for a leaver whose only running employment is out of scope when first seen', () => {
    const old = anEmployment({ id: 'B', status: 'terminated', end: '2026-11-10' });
    expect(look(UNKNOWN, [old, outside], NOW).events).toEqual([]);
  });

  it('keeps the account of somebody who leaves the scope, by the dates', () => {
    expect(look(standingAt('active'), [outside], NOW).events).toEqual([]);
    const ended = anEmployment({ inScope: false, status: 'terminated' });
    expect(look(standingAt('active'), [ended], NOW).standing.stage).toBe('left');
  });

  it('takes leaving the scope as an inferred leave where the mapping says disable, and heals when it returns', () => {
    const left = look(standingAt('active'), [outside], NOW, disable);
    expect(left.standing).toMatchObject({ stage: 'left', facts: { leaveKind: 'inferred' } });
    const back = look(
      left.standing,
      [anEmployment({ asOf: '2026-11-23T05:00:00Z' })],
      at('2026-11-23T06:00:00Z'),
      disable,
    );
    expect(back).toMatchObject({ standing: { stage: 'active' }, transitions: ['rescind'] });
  });

  it('infers the leave where one employment ended by the record but another only left the scope', () => {
    const ended = anEmployment({ id: 'B', status: 'terminated', end: '2026-11-20' });
    expect(look(standingAt('active'), [ended, outside], NOW, disable).standing.facts.leaveKind).toBe('inferred');
  });

  it('withdraws somebody preboarding who leaves the scope where the mapping says disable', () => {
    const hire = anEmployment({ start: '2026-11-25', inScope: false });
    expect(look(standingAt('preboarding'), [hire], NOW, disable)).toMatchObject({ transitions: ['withdraw'] });
    expect(look(standingAt('preboarding'), [hire], NOW).events).toEqual([]);
  });

  it('does not rehire into an employment outside the scope', () => {
    expect(
      look(standingAt('left', LEFT), [anEmployment({ id: 'B', inScope: false, asOf: NEWER })], NOW).events,
    ).toEqual([]);
  });
});

describe('outside the scope beside inside', () => {
  const outside = anEmployment({ id: 'X', inScope: false });

  it('begins nothing: somebody preboarding waits for the employment inside the scope', () => {
    const both = [outside, anEmployment({ start: '2026-11-25' })];
    expect(look(standingAt('preboarding'), both, NOW).events).toEqual([]);
    expect(look(standingAt('preboarding'), both, at('2026-11-24T23:00:00Z')).standing.stage).toBe('active');
  });

  it('keeps somebody at work whose employment inside the scope ended, and the worker is no leaver', () => {
    const both = [outside, anEmployment({ status: 'terminated', end: '2026-11-10' })];
    expect(look(standingAt('active'), both, NOW).events).toEqual([]);
  });

  it('does not decide whether the worker is on leave, nor the attributes', () => {
    const both = [outside, anEmployment({ status: 'leave' })];
    const truth = truthOf(standingAt('active'), both, NOW, DEFAULT_POLICY);
    expect(truth).toMatchObject({ stage: 'onLeave', primary: { id: 'A' } });
  });

  it('prefers the start inside the scope when the one at work is withdrawn', () => {
    const both = [
      anEmployment({ id: 'X', start: '2026-11-25', inScope: false }),
      anEmployment({ start: '2027-02-01' }),
    ];
    expect(look(standingAt('active'), both, NOW).standing.stage).toBe('expected');
  });
});

describe('nothing older undoes a leave', () => {
  it('takes a termination back when newer facts say so', () => {
    expect(look(standingAt('left', LEFT), [anEmployment({ asOf: NEWER })], NOW)).toMatchObject({
      standing: { stage: 'active', facts: { leaveSeenAt: null } },
      transitions: ['rescind'],
      operations: ['updateAccount', 'enableAccount'],
    });
  });

  it('leaves the worker in left when the facts are older than the moment the leave was seen', () => {
    const old = [anEmployment({ asOf: OLDER })];
    expect(look(standingAt('left', LEFT), old, NOW).events).toEqual([]);
    expect(truthOf(standingAt('left', LEFT), old, NOW, DEFAULT_POLICY)).toMatchObject({
      stage: 'left',
      blocked: 'older',
      alerts: [BLOCKED_ALERTS.older],
    });
  });

  it('refuses the event in the chart too, at the very moment of the leave and before', () => {
    const begins = { employmentId: 'A', employmentStart: null, startsAt: null, approved: false, now: NOW };
    for (const [asOf, answer] of [
      [OLDER as Instant, 'refused'],
      [LEAVE, 'refused'],
      [at('2026-11-10T09:00:00.001Z'), 'accepted'],
    ] as const) {
      expect(decide(standingAt('left', LEFT), { type: 'terminationRescinded', ...begins, asOf }).kind).toBe(answer);
    }
  });

  it('does not let an older running employment that turns up late bring somebody back', () => {
    const late = [anEmployment({ status: 'terminated' }), anEmployment({ id: 'B', asOf: OLDER })];
    expect(look(standingAt('left', LEFT), late, NOW).events).toEqual([]);
  });

  it('never enables because of a change of zone alone', () => {
    const words = { status: 'terminated', end: '2026-11-22', zone: 'Pacific/Auckland' } as const;
    const left = look(standingAt('active'), [anEmployment(words)], at('2026-11-22T11:00:00Z'));
    expect(left.standing).toMatchObject({ stage: 'left', facts: { endedEnd: '2026-11-22' } });
    const now = at('2026-11-22T12:00:00Z');
    const moved = { ...words, zone: 'Pacific/Honolulu', asOf: '2026-11-22T11:30:00Z' };
    expect(look(left.standing, [anEmployment(moved)], now).events).toEqual([]);
    expect(look(left.standing, [anEmployment({ ...moved, status: 'active' })], now).events).toEqual([]);
    expect(truthOf(left.standing, [anEmployment(moved)], now, DEFAULT_POLICY).alerts).toContain(ZONE_ALERT);
    const extended = anEmployment({ ...moved, end: '2026-11-30' });
    expect(look(left.standing, [extended], now).transitions).toEqual(['rescind']);
  });

  it('asks for an approval before a feed takes back a leave for cause, and follows it once given', () => {
    const standing = standingAt('left', FOR_CAUSE);
    const seen = look(standing, [anEmployment({ asOf: NEWER })], NOW);
    expect(seen).toMatchObject({ standing, refusals: ['protected-leave'] });
    const approved = seen.events.map((event) => ('approved' in event ? { ...event, approved: true } : event));
    expect(takeAll(standing, approved).standing.stage).toBe('active');
    expect(detect(standing, [anEmployment({ asOf: NEWER })], NOW, DEFAULT_POLICY).truth.blocked).toBe('protected');
  });

  it('rehires after a leave for cause only with a start after the leave and newer facts', () => {
    const rehire = (words: object) =>
      look(standingAt('left', FOR_CAUSE), [anEmployment({ id: 'B', start: '2026-11-16', asOf: NEWER, ...words })], NOW);
    expect(rehire({}).transitions).toEqual(['rehire']);
    expect(rehire({ start: '2026-11-25' }).transitions).toEqual(['rehire']);
    expect(rehire({ start: '2026-11-05' }).refusals).toEqual(['protected-leave']);
    expect(rehire({ asOf: OLDER }).events).toEqual([]);
    expect(rehire({ start: '2026-11-25', asOf: OLDER }).events).toEqual([]);
    expect(rehire({ id: 'A' }).transitions).toEqual(['rehire']);
  });

  it('keeps the protection while an announced rehire has not begun', () => {
    const announced = look(
      standingAt('left', FOR_CAUSE),
      [anEmployment({ id: 'B', start: '2026-11-25', asOf: NEWER })],
      NOW,
    ).standing;
    expect(announced).toMatchObject({ stage: 'preboarding', facts: { leaveBy: 'endsNow' } });
    const back = look(announced, [anEmployment({ asOf: NEWER }), anEmployment({ id: 'B', start: '2026-11-25' })], NOW);
    expect(back.refusals).toEqual(['protected-leave']);
    const fallen = look(
      announced,
      [anEmployment({ id: 'B', status: 'terminated', start: '2026-11-25' })],
      NOW,
    ).standing;
    expect(fallen).toMatchObject({ stage: 'left', facts: { leaveBy: 'endsNow' } });
  });

  it('protects a leave by the feed from the moment a record says for cause', () => {
    const seen = look(standingAt('left', LEFT), [anEmployment({ status: 'terminated', endsNow: true })], NOW);
    expect(seen.standing).toMatchObject({ stage: 'left', facts: { leaveBy: 'endsNow', leaveSeenAt: LEAVE } });
    expect(seen.operations).toEqual([]);
  });

  it('rehires under another id or with a later start, and rescinds the same term', () => {
    const transitions = (words: object) =>
      look(standingAt('left', LEFT), [anEmployment({ asOf: NEWER, ...words })], NOW).transitions;
    expect(transitions({})).toEqual(['rescind']);
    expect(transitions({ id: 'B' })).toEqual(['rehire']);
    expect(transitions({ start: '2026-11-16' })).toEqual(['rehire']);
    expect(transitions({ start: '2026-11-16', status: 'leave' })).toEqual(['rehire', 'leave']);
  });

  it('stays in left when HR goes back to expected for a term that had ended', () => {
    expect(look(standingAt('left', LEFT), [anEmployment({ status: 'expected', asOf: NEWER })], NOW).events).toEqual([]);
  });
});

describe('emergency leave', () => {
  const order = { type: 'emergencyLeaveOrdered', by: 'operator', now: NOW, asOf: NOW } as const;
  const lift = {
    type: 'emergencyLeaveLifted',
    now: at('2026-11-23T08:00:00Z'),
    asOf: at('2026-11-23T08:00:00Z'),
  } as const;
  const later = at('2026-11-23T09:00:00Z');
  const employed = [anEmployment({ asOf: '2026-11-23T05:00:00Z' })];

  it('takes access away in every stage that has an account or may have one', () => {
    for (const stage of ['expected', 'preboarding', 'active', 'onLeave', 'left'] as const) {
      const decision = decide(standingAt(stage), order);
      expect(decision).toMatchObject({ kind: 'accepted', to: { stage: 'left', facts: { sticky: true } } });
      expect(decision.kind === 'accepted' && decision.operations).toContain('disableAccount');
    }
  });

  it('stands against newer facts, rehires and approvals until it is lifted', () => {
    const { standing } = takeAll(standingAt('active'), [order]);
    expect(look(standing, employed, later).events).toEqual([]);
    expect(truthOf(standing, employed, later, DEFAULT_POLICY)).toMatchObject({ stage: 'left', blocked: 'sticky' });
    const begins = {
      employmentId: 'B',
      employmentStart: '2026-11-23' as CalendarDate,
      startsAt: later,
      now: later,
      asOf: later,
    };
    for (const type of ['employmentStarted', 'terminationRescinded', 'rehireAnnounced'] as const) {
      expect(decide(standing, { type, ...begins, approved: true })).toMatchObject({ code: 'sticky-leave' });
    }
  });

  it('lets the facts decide again once it is lifted, whatever their age', () => {
    const ordered = takeAll(standingAt('active'), [order]).standing;
    const lifted = takeAll(ordered, [lift]);
    expect(lifted).toMatchObject({ standing: { stage: 'left', facts: { sticky: false } }, operations: [] });
    expect(look(lifted.standing, [anEmployment({ asOf: OLDER })], later).transitions).toEqual(['rescind']);
    expect(look(lifted.standing, [anEmployment({ status: 'terminated' })], later).events).toEqual([]);
  });

  it('asks the target again when it is ordered again, and changes nothing else', () => {
    const { standing } = takeAll(standingAt('active'), [order]);
    const again = decide({ ...standing, delivery: 'delivering' }, { ...order, now: later });
    expect(again).toMatchObject({
      kind: 'accepted',
      changed: false,
      operations: ['disableAccount', 'revokeMemberships', 'revokeSessions'],
    });
  });

  it('is remembered for a purged account and stops the rehire', () => {
    const { standing, operations } = takeAll(standingAt('purged', LEFT), [order]);
    expect(standing).toMatchObject({ stage: 'purged', facts: { sticky: true, endedEmployment: 'A' } });
    expect(operations).toEqual([]);
    expect(look(standing, employed, later).events).toEqual([]);
    expect(look(takeAll(standing, [lift]).standing, employed, later).operations).toContain('createAccount');
  });
});

describe('retention', () => {
  const policy: LifecyclePolicy = { ...DEFAULT_POLICY, deleteAfterDays: 10 };
  const gone = anEmployment({ status: 'terminated', end: '2026-11-09' });
  const over = at('2026-11-20T09:00:00Z');

  it('deletes when it is over, and not a moment before', () => {
    const before = truthOf(standingAt('left', LEFT), [gone], at('2026-11-20T08:59:59Z'), policy);
    expect(before).toMatchObject({ stage: 'left', dueAt: over });
    expect(look(standingAt('left', LEFT), [gone], over, policy)).toMatchObject({
      standing: { stage: 'purged' },
      transitions: ['purge'],
      operations: ['deleteAccount'],
    });
  });

  it('never deletes unless the connection says so', () => {
    const truth = truthOf(standingAt('left', LEFT), [gone], at('2036-01-01T00:00:00Z'), DEFAULT_POLICY);
    expect(truth).toMatchObject({ stage: 'left', dueAt: null });
  });

  it('is paused by a known rehire, and by an employment that runs although the leave stands', () => {
    const rehire = anEmployment({ id: 'B', start: '2027-02-01' });
    expect(look(standingAt('left', LEFT), [gone, rehire], NOW, policy).events).toEqual([]);
    expect(look(standingAt('left', LEFT), [anEmployment({ asOf: OLDER })], NOW, policy).events).toEqual([]);
  });

  it('creates the account anew when a purged worker is hired again', () => {
    const rehire = (start: string) => look(standingAt('purged', LEFT), [gone, anEmployment({ id: 'B', start })], NOW);
    expect(rehire('2026-11-25')).toMatchObject({ standing: { stage: 'preboarding' }, operations: ['createAccount'] });
    expect(rehire('2026-11-16')).toMatchObject({
      standing: { stage: 'active' },
      operations: ['createAccount', 'enableAccount'],
    });
    expect(rehire('2027-02-01').events).toEqual([]);
  });
});

describe('dates count when first seen', () => {
  const leaver = (end: string | null) => [anEmployment({ end })];

  it('names a last day inside the horizon once, and not again while it stays', () => {
    const seen = look(standingAt('active'), leaver('2026-12-04'), NOW);
    expect(seen.events).toMatchObject([{ type: 'endDateSeen', endDate: '2026-12-04' }]);
    expect(seen.standing.facts.guardedEnd).toBe('2026-12-04');
    expect(look(seen.standing, leaver('2026-12-04'), NOW).events).toEqual([]);
  });

  it('waits with a last day beyond the horizon until the day it comes inside', () => {
    const truth = truthOf(standingAt('active'), leaver('2027-01-31'), NOW, DEFAULT_POLICY);
    expect(truth).toMatchObject({ endInSight: null, nextEnd: '2027-01-31', dueAt: '2026-12-31T23:00:00.000Z' });
    expect(look(standingAt('active'), leaver('2027-01-31'), NOW).events).toEqual([]);
    const inside = look(standingAt('active'), leaver('2027-01-31'), at('2026-12-31T23:00:00Z'));
    expect(inside.events).toMatchObject([{ type: 'endDateSeen', endDate: '2027-01-31' }]);
  });

  it('names a last day that moves, and takes it back when it goes', () => {
    const standing = standingAt('active', { guardedEnd: calendarDate('2026-12-04') });
    expect(look(standing, leaver('2026-12-01'), NOW).events).toMatchObject([{ endDate: '2026-12-01' }]);
    for (const end of [null, '2027-06-30']) {
      const cleared = look(standing, leaver(end), NOW);
      expect(cleared.events).toMatchObject([{ type: 'endDateSeen', endDate: null }]);
      expect(cleared.standing.facts.guardedEnd).toBe(null);
    }
  });

  it('comes before the change of stage for somebody with an account, and after it for somebody who arrives', () => {
    const away = [anEmployment({ status: 'leave', end: '2026-12-04' })];
    expect(look(standingAt('active'), away, NOW).events.map(({ type }) => type)).toEqual([
      'endDateSeen',
      'leaveOfAbsenceBegan',
    ]);
    expect(look(UNKNOWN, away, NOW).events.map(({ type }) => type)).toEqual([
      'employmentStarted',
      'leaveOfAbsenceBegan',
      'endDateSeen',
    ]);
  });

  it('begins anew after a leave', () => {
    const standing = standingAt('left', { ...LEFT, guardedEnd: null });
    const back = look(standing, [anEmployment({ end: '2026-12-04', asOf: NEWER })], NOW);
    expect(back.standing.facts.guardedEnd).toBe('2026-12-04');
  });
});
