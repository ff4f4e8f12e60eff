// What the decided events take from somebody, as it is told to the guard, and how urgent the work is.
import { describe, expect, it } from 'vitest';
import { type CalendarDate, plusDays } from '../../src/base/calendar-date.ts';
import { instantOf } from '../../src/base/instant.ts';
import type { LifecycleEvent } from '../../src/lifecycle/event.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { type Facts, NO_FACTS, type Stage } from '../../src/lifecycle/standing.ts';
import type { OpenOperation, Situation } from '../../src/planning/changeset.ts';
import { type PlanRules, prepare, type WorkerPlan } from '../../src/planning/plan-worker.ts';
import type { Absence, Employment } from '../../src/worker/worker.ts';
import {
  account,
  answer,
  employed,
  kinds,
  mapping,
  NOW,
  nobody,
  planned,
  rulesWith,
  working,
} from '../support/worker-plans.ts';

const SEEN = instantOf('2026-11-20T00:00:00Z');
const rules = rulesWith(mapping);
const TODAY = '2026-11-23' as CalendarDate;

const inWords = (plan: WorkerPlan): readonly string[] =>
  plan.harms.map(({ kind, operation, before, after }) => `${kind}: ${operation}, ${before} → ${after}`);
const lanes = (plan: WorkerPlan) => [...new Set(plan.change?.operations.map(({ lane }) => lane))];
const entry = (plan: WorkerPlan) => plan.change?.entries[0]?.body;
const at = (stage: Stage, facts: Partial<Facts> = {}, change: Partial<Situation> = {}): Situation =>
  working({ standing: { stage, delivery: 'settled', facts: { ...NO_FACTS, ...facts } }, ...change });
const ordered = (by: 'operator' | 'webhook'): LifecycleEvent => ({
  type: 'emergencyLeaveOrdered',
  by,
  now: NOW,
  asOf: NOW,
});
const absence = (strong: boolean): Absence => ({
  since: instantOf('2026-11-21T08:00:00Z'),
  asOf: instantOf('2026-11-22T08:00:00Z'),
  strong,
});
const gone = (strong: boolean): Employment => ({ ...employed({}, SEEN), absent: absence(strong) });
const suspending: PlanRules = { ...rules, policy: { ...DEFAULT_POLICY, onLeave: 'suspend' } };

describe('the guard is told', () => {
  it.each<[string, () => WorkerPlan, readonly string[]]>([
    [
      'of a termination',
      () => planned(working(), [employed({ Status: 'T' })]),
      ['explicitLeaver: disable, active → left'],
    ],
    [
      'of a last day that is over',
      () => planned(working(), [employed({ End: '2026-11-20' })]),
      ['inferredLeaver: disable, active → left, last day 2026-11-20'],
    ],
    [
      'of a last day that comes, once it is in sight',
      () => planned(working(), [employed({ End: '2026-12-01' })]),
      ['explicitLeaver: last day, active → last day 2026-12-01'],
    ],
    [
      'of nothing where a last day goes',
      () => planned(at('active', { guardedEnd: '2026-12-01' as CalendarDate }), [employed()]),
      [],
    ],
    [
      'of nothing where the last day has met it before',
      () => planned(at('active', { guardedEnd: '2026-11-20' as CalendarDate }), [employed({ End: '2026-11-20' })]),
      [],
    ],
    [
      'of a last day that is over where another one has met it',
      () => planned(at('active', { guardedEnd: '2026-11-19' as CalendarDate }), [employed({ End: '2026-11-20' })]),
      ['inferredLeaver: disable, active → left, last day 2026-11-20'],
    ],
    [
      'of a start that moves ahead of somebody at work',
      () => planned(working(), [employed({ Start: '2027-06-01', Status: 'P' })]),
      ['inferredLeaver: disable, active → expected'],
    ],
    [
      'of a leave of absence that suspends',
      () => planned(working(), [employed({ Status: 'L' })], answer(), suspending),
      ['inferredLeaver: suspend, active → onLeave'],
    ],
    [
      'of nothing where a leave of absence keeps the account',
      () => planned(working(), [employed({ Status: 'L' })]),
      [],
    ],
    [
      'of whom snapshots prove gone',
      () => planned(working(), [gone(true)]),
      ['inferredLeaver: disable, active → left, absent since 2026-11-21'],
    ],
    [
      'of whom nothing proves gone, as one item that a person has to approve',
      () => planned(working(), [gone(false)]),
      ['absence: disable, active → left, absent since 2026-11-21'],
    ],
    [
      'of nothing new where the absence is on file already',
      () => planned(at('active', {}, { employments: [gone(false)] }), [gone(false)]),
      ['inferredLeaver: disable, active → left'],
    ],
    [
      'of a webhook’s order',
      () => planned(working(), [], answer(), rules, [ordered('webhook')]),
      ['emergencyLeaver: disable, active → left'],
    ],
    [
      'of nothing where an operator orders it',
      () => planned(working(), [], answer(), rules, [ordered('operator')]),
      [],
    ],
    ['of nothing where nobody has access yet', () => planned(nobody, [employed({ Status: 'T' })]), []],
    [
      'of an active account of somebody who should have none',
      () => planned(at('expected', {}, { accounts: [account()] }), [employed({ Status: 'T' })]),
      ['explicitLeaver: disable, expected → left'],
    ],
    [
      'of nothing where the account of somebody expected is inactive',
      () => planned(at('expected', {}, { accounts: [account({ active: false })] }), [employed({ Status: 'T' })]),
      [],
    ],
    [
      'of a start that goes for want of proof, of somebody who waits for it',
      () =>
        planned(
          at('expected', {}, { accounts: [], employments: [employed({ Start: '2027-06-01', Status: 'P' }, SEEN)] }),
          [{ ...employed({ Start: '2027-06-01', Status: 'P' }, SEEN), absent: absence(false) }],
        ),
      ['absence: disable, expected → left, absent since 2026-11-21'],
    ],
  ])('%s', (_, plan, told) => {
    expect(inWords(plan())).toEqual(told);
  });

  it('of each kind once, by the worker and not by the target', () => {
    const two = planned(
      working({ employments: [employed({}, SEEN)] }),
      [employed({ End: '2026-12-01' })],
      answer(),
      rules,
      [{ type: 'endDateSeen', endDate: '2026-12-02' as CalendarDate, now: NOW, asOf: NOW }],
    );
    expect(two.harms).toMatchObject([{ kind: 'explicitLeaver', workerKey: '104', target: null, attribute: null }]);
  });
});

describe('a leave that was ordered', () => {
  const LEFT: Partial<Facts> = {
    leaveSeenAt: instantOf('2026-11-21T00:00:00Z'),
    leaveKind: 'explicit',
    leaveBy: 'endsNow',
    endedEmployment: '104',
    endedStart: employed().startDate,
  };
  const out = (facts: Partial<Facts> = {}) =>
    at(
      'left',
      { ...LEFT, ...facts },
      { accounts: [account({ active: false, groups: [] })], employments: [employed({ Status: 'T' }, SEEN)] },
    );

  it('is taken back by a feed only with a person’s approval', () => {
    const back = planned(out(), [employed()]);
    expect(inWords(back)[0]).toBe('protectedRescind: undo an ordered leave, left → active');
    expect(back).toMatchObject({ to: 'active', refusals: [] });
    expect(kinds(back)[0]).toBe('enable');
  });

  it('of an emergency is taken back by nobody, and that is said', () => {
    const stays = planned(out({ sticky: true, leaveBy: 'operator' }), [employed()]);
    expect(stays).toMatchObject({ to: 'left', blocked: true });
    expect(stays.alerts).toEqual(['an emergency leave stands although HR says that the worker is employed']);
    expect(kinds(stays)).toEqual([]);
  });

  it('that is lifted by nobody’s need is refused with its reason', () => {
    const lift: LifecycleEvent = { type: 'emergencyLeaveLifted', now: NOW, asOf: NOW };
    const plan = planned(working({ dueAt: null }), [], answer(), rules, [lift]);
    expect(plan.refusals).toHaveLength(1);
    expect(plan.refusals[0]?.reason).not.toBe('');
    expect(plan.blocked).toBe(true);
    expect(plan.change).toBeNull();
  });

  it('is carried out again when it is ordered again, and leaves the worker where they are', () => {
    const again = planned(out({ sticky: true, leaveBy: 'operator' }), [], answer(), rules, [ordered('operator')]);
    expect(kinds(again)[0]).toBe('disable');
    expect(lanes(again)).toEqual(['emergency']);
  });

  it('once the account is deleted changes nothing but what is remembered', () => {
    const purged = at(
      'purged',
      { ...LEFT, sticky: true, leaveBy: 'operator' },
      { accounts: [], employments: [employed({ Status: 'T' }, SEEN)] },
    );
    const plan = planned(purged, [], answer(), rules, [ordered('operator')]);
    expect(plan.change).toBeNull();
    expect(plan.transitions).toEqual([]);
  });
});

describe('a record that is there again', () => {
  const missed = working({ employments: [{ ...employed({}, SEEN), absent: absence(true) }] });
  const presence = instantOf('2026-11-23T10:00:00Z');

  it('counts as of the snapshot that holds it, however old it is', () => {
    const { employments } = prepare(missed, [employed({}, SEEN)], { ...rules, presence });
    expect(employments[0]?.absent).toBeUndefined();
    expect(employments[0]?.seenAgain).toBe(presence);
  });

  it('is one of those that were missed, and says so itself', () => {
    const again = { ...employed({}, SEEN), id: '105' };
    const other = prepare(missed, [again], { ...rules, presence }).employments.find(({ id }) => id === '105');
    expect(other?.seenAgain).toBeUndefined();
    const stillGone = prepare(missed, [missed.employments[0] as Employment], { ...rules, presence });
    expect(stillGone.employments[0]?.seenAgain).toBeUndefined();
    const nobodyMissed = prepare(working(), [employed()], { ...rules, presence });
    expect(nobodyMissed.employments[0]?.seenAgain).toBeUndefined();
  });

  it('ends a suspicion, and only a record does', () => {
    const suspected = working({ suspicion: { since: SEEN, lastMissedAt: SEEN, misses: 1 } as never, dueAt: null });
    expect(planned(suspected, [employed({}, SEEN)]).change).toMatchObject({ suspicion: null });
    expect(planned(suspected, []).change).toBeNull();
    expect(planned(working({ dueAt: null }), [employed({}, SEEN)]).change).toBeNull();
  });
});

describe('somebody who arrives with a last day in sight', () => {
  it('gets access first, and the day meets the guard at the next look', () => {
    const arrives = planned(nobody, [employed({ Start: '2026-11-23', End: '2026-12-01' })]);
    expect(inWords(arrives)).toEqual([]);
    expect(arrives.to).toBe('active');
    expect(arrives.change).toMatchObject({ dueAt: NOW, standing: { facts: { guardedEnd: null } } });
    const looked = planned(working({ employments: [employed({ Start: '2026-11-23', End: '2026-12-01' }, SEEN)] }), []);
    expect(inWords(looked)).toEqual(['explicitLeaver: last day, active → last day 2026-12-01']);
    expect(looked.change?.standing.facts.guardedEnd).toBe('2026-12-01');
  });

  it('who has left by it already arrives nowhere', () => {
    const late = planned(nobody, [employed({ Start: '2026-11-02', End: '2026-11-20' })]);
    expect(late.to).toBe('left');
    expect(late.change?.dueAt).not.toBe(NOW);
  });
});

describe('the lane', () => {
  const starting = (days: number, change: Partial<Employment> = {}): WorkerPlan =>
    planned(nobody, [{ ...employed({ Status: days > 0 ? 'P' : 'A' }), startDate: plusDays(TODAY, days), ...change }]);

  it('of a joiner is that of those who are due for a week around the first day', () => {
    expect(lanes(starting(6))).toEqual(['joiner']);
    expect(lanes(starting(0))).toEqual(['joiner']);
    expect(lanes(starting(-6))).toEqual(['joiner']);
    expect(lanes(starting(-8))).toEqual(['backfill']);
    expect(lanes(starting(0, { startDate: null }))).toEqual(['backfill']);
  });

  it('of an emergency comes before all, and of a leaver before joiners', () => {
    expect(lanes(planned(working(), [], answer(), rules, [ordered('webhook')]))).toEqual(['emergency']);
    expect(lanes(planned(working(), [employed({ Status: 'T' })]))).toEqual(['leaver']);
    expect(lanes(planned(working(), [employed({ Start: '2027-06-01', Status: 'P' })]))).toEqual(['leaver']);
    expect(lanes(planned(working(), [employed({ Status: 'L' })], answer(), suspending))).toEqual(['leaver']);
  });

  it('of somebody who starts today is a joiner’s, however long they were known', () => {
    const preboarded = at(
      'preboarding',
      {},
      {
        accounts: [account({ active: false, groups: [] })],
        employments: [employed({ Start: '2026-11-23', Status: 'P' }, SEEN)],
      },
    );
    expect(lanes(planned(preboarded, [employed({ Start: '2026-11-23' })]))).toEqual(['joiner']);
  });
});

describe('groups before the first day', () => {
  const early = (joinGroupsAt: 'preboarding' | 'active') =>
    kinds(
      planned(nobody, [employed({ Start: '2026-11-25', Status: 'P' })], answer(), {
        ...rules,
        policy: { ...DEFAULT_POLICY, joinGroupsAt },
      }),
    );

  it('are given where the file says so', () => {
    expect(early('preboarding')).toEqual(['create', 'addMember', 'addMember']);
    expect(early('active')).toEqual(['create']);
  });
});

describe('the audit entry', () => {
  it('says what was decided, on what, by which rules, and by whom', () => {
    const plan = planned(working(), [employed({ Status: 'T' })]);
    expect(plan.change?.entries).toMatchObject([
      {
        kind: 'decision',
        connection: 'acme',
        workerKey: '104',
        actor: 'feed',
        body: {
          asOf: NOW,
          effective: NOW,
          events: ['employmentEnded'],
          from: 'active',
          to: 'left',
          leave: 'explicit',
          mapping: mapping.digest,
          operations: ['idp:disable', 'idp:removeMember', 'idp:removeMember'],
          transitions: ['leaver'],
        },
      },
    ]);
    expect(Object.keys(entry(plan) ?? {})).not.toContain('replays');
  });

  it('keeps what is personal apart: the facts that are new, and values before and after', () => {
    const personal = (plan: WorkerPlan) => plan.change?.entries[0]?.personal;
    const moved = planned(working(), [employed({ Title: 'Chief' })]);
    expect(personal(moved)).toMatchObject({
      changes: [{ target: 'idp', path: 'title', before: 'Clerk', after: 'Chief' }],
      employments: [{ id: '104', attributes: { title: 'Chief' } }],
    });
    const blanked = planned(working(), [employed({ Title: '' })]);
    expect(personal(blanked)).toMatchObject({ changes: [{ before: 'Clerk', after: null }] });
    const first = planned(working({ accounts: [account({ known: {} })] }), []);
    expect(personal(first)?.employments).toBeUndefined();
    expect(personal(first)?.changes).toContainEqual({ target: 'idp', path: 'title', before: null, after: 'Clerk' });
    const nothing = planned(working(), [], answer(), rules, [ordered('operator')]);
    expect(personal(nothing)).toBeUndefined();
    expect(JSON.stringify(entry(moved))).not.toMatch(/Chief|Clerk|Okafor/);
  });

  it.each<[string, () => WorkerPlan, string | undefined]>([
    [
      'a last day that is over is the end of it',
      () => planned(working(), [employed({ End: '2026-11-20' })]),
      '2026-11-20T23:00:00.000Z',
    ],
    [
      'a last day that comes is the end of it',
      () => planned(working(), [employed({ End: '2026-12-01' })]),
      '2026-12-01T23:00:00.000Z',
    ],
    [
      'a termination without a date is when HR said so',
      () => planned(working(), [employed({ Status: 'T' }, SEEN)]),
      SEEN,
    ],
    ['an order is when it was given', () => planned(working(), [], answer(), rules, [ordered('operator')]), NOW],
    [
      'a start is the first moment of the day',
      () => planned(nobody, [employed({ Start: '2026-11-23' })]),
      '2026-11-22T23:00:00.000Z',
    ],
    ['a change has none', () => planned(working(), [employed({ Title: 'Chief' })]), undefined],
    [
      'a last day that goes has none',
      () => planned(at('active', { guardedEnd: '2026-12-01' as CalendarDate }), [employed()]),
      undefined,
    ],
  ])('from when on it counts: %s', (_, plan, effective) => {
    expect(entry(plan())?.effective).toBe(effective);
  });
});

describe('delivery', () => {
  const failed: OpenOperation = {
    id: 5,
    target: 'idp',
    kind: 'addMember',
    lane: 'mover',
    state: 'failed',
    payload: { group: 'All staff', create: true, computed: false, authority: 'full' },
  };
  const under = (
    delivery: 'settled' | 'delivering' | 'failed',
    operations: readonly OpenOperation[] = [],
    change: Partial<Situation> = {},
  ) =>
    planned(
      working({ standing: { stage: 'active', delivery, facts: NO_FACTS }, operations, dueAt: null, ...change }),
      [],
      answer(),
    );

  it('is settled once nothing is left, and failed while something has failed', () => {
    expect(under('delivering').change?.standing.delivery).toBe('settled');
    expect(
      under('delivering', [failed], { accounts: [account({ groups: ['Dept Sales'] })] }).change?.standing.delivery,
    ).toBe('failed');
    expect(
      under('delivering', [{ ...failed, state: 'queued' }], { accounts: [account({ groups: ['Dept Sales'] })] }).change,
    ).toBeNull();
    expect(under('failed').change).toBeNull();
    expect(under('settled').change).toBeNull();
  });

  it('goes on under what is ordered', () => {
    const settled = working({ accounts: [account({ known: {} })] });
    expect(planned(settled, []).change?.standing.delivery).toBe('delivering');
    const alreadyFailed = working({
      standing: { stage: 'active', delivery: 'failed', facts: NO_FACTS },
      accounts: [account({ known: {} })],
    });
    expect(planned(alreadyFailed, []).change?.standing.delivery).toBe('delivering');
  });
});
