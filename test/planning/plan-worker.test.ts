import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { NO_FACTS } from '../../src/lifecycle/standing.ts';
import type { ListedAccount } from '../../src/mapping/bound-mapping.ts';
import type { AccountPayload, AccountState, OpenOperation, Situation } from '../../src/planning/changeset.ts';
import { complete, type PlanRules, prepare, type WorkerPlan } from '../../src/planning/plan-worker.ts';
import { unitName, workplace } from '../../src/planning/unit.ts';
import {
  account,
  answer,
  desiredAttributes,
  employed,
  GROUPED,
  guarded,
  harms,
  kinds,
  mapping,
  mappingOf,
  NOW,
  nobody,
  payloadOf,
  planned,
  rulesWith,
  working,
} from '../support/worker-plans.ts';

describe('the plan for one worker', () => {
  it('makes an account with its groups for a joiner and harms nobody', () => {
    const plan = planned(nobody, [employed()]);
    expect(plan.transitions).toEqual(['joiner']);
    expect(kinds(plan)).toEqual(['create', 'addMember', 'addMember']);
    expect(plan.harms).toEqual([]);
    expect(plan.change?.standing).toMatchObject({ stage: 'active', delivery: 'delivering' });
  });

  it('stores somebody who starts far ahead without asking anything of a target', () => {
    const plan = planned(nobody, [employed({ Start: '2027-06-01', Status: 'P' })]);
    expect(kinds(plan)).toEqual([]);
    expect(plan.change).toMatchObject({ standing: { stage: 'expected' }, dueAt: '2027-05-24T22:00:00.000Z' });
  });

  it('has nothing to store when the same facts are read again', () => {
    expect(planned(working({ dueAt: null }), [employed()]).change).toBeNull();
  });

  it('plans one update for a changed attribute and counts it as that attribute’s change', () => {
    const plan = planned(working(), [employed({ Title: 'Head Clerk' })]);
    expect(plan.transitions).toEqual(['mover']);
    expect(kinds(plan)).toEqual(['update']);
    expect(plan.harms).toMatchObject([
      { kind: 'attributeChanged', attribute: 'title', before: 'Clerk', after: 'Head Clerk' },
    ]);
  });

  it('moves the membership with the department and counts what is taken away', () => {
    const plan = planned(working(), [employed({ Dept: 'Research' })]);
    expect(kinds(plan)).toEqual(['update', 'addMember', 'removeMember']);
    expect(harms(plan).sort()).toEqual(['attributeChanged', 'membershipRemoved']);
  });

  it('counts a value that would be blanked', () => {
    expect(harms(planned(working(), [employed({ Title: '' })]))).toEqual(['valueBlanked']);
  });

  it('keeps a generated name when the person is renamed', () => {
    const plan = planned(working(), [employed({ Last: 'Brandt' })]);
    expect(payloadOf(plan).userName).toBe('zoe.okafor@example.com');
    expect(harms(plan)).not.toContain('rename');
  });

  it('disables first, takes every membership and does not touch attributes when somebody leaves', () => {
    const plan = planned(working(), [employed({ Status: 'T', Title: 'Gone' })]);
    expect(plan.transitions).toEqual(['leaver']);
    expect(kinds(plan)).toEqual(['disable', 'removeMember', 'removeMember']);
    expect(plan.change?.operations.every(({ lane }) => lane === 'leaver')).toBe(true);
    expect(harms(plan)).toEqual(['explicitLeaver']);
  });

  it('sends leavers before joiners who are due, movers, and the bulk of a first load', () => {
    const laneOf = (plan: WorkerPlan) => plan.change?.operations[0]?.lane;
    const at = (stage: Situation['standing']['stage'], change: Partial<Situation> = {}) =>
      working({ standing: { stage, delivery: 'settled', facts: NO_FACTS }, ...change });
    const suspending: PlanRules = { ...rulesWith(mapping), policy: { ...DEFAULT_POLICY, onLeave: 'suspend' } };
    const suspended = at('onLeave', { accounts: [account({ active: false, groups: [] })] });
    expect(laneOf(planned(working(), [employed({ Status: 'T' })]))).toBe('leaver');
    expect(laneOf(planned(nobody, [employed({ Start: '2026-11-23' })]))).toBe('joiner');
    expect(laneOf(planned(nobody, [employed()]))).toBe('backfill');
    expect(laneOf(planned(working(), [employed({ Title: 'Chief' })]))).toBe('mover');
    expect(laneOf(planned(working(), [employed({ Status: 'L', Title: 'Chief' })]))).toBe('mover');
    // Back from a leave of absence after years of work: they wait at their desk.
    expect(laneOf(planned(suspended, [employed()], answer(), suspending))).toBe('joiner');
  });

  it('disables even an account that is believed to be inactive already', () => {
    const plan = planned(working({ accounts: [account({ active: false, groups: [] })] }), [employed({ Status: 'T' })]);
    expect(kinds(plan)[0]).toBe('disable');
  });

  it('replaces work that was not sent yet by the newer wish, and waits behind what is in flight', () => {
    const payload = planned(working(), [employed({ Title: 'Second' })]).change?.operations[0]
      ?.payload as AccountPayload;
    const open = (state: OpenOperation['state']): Situation =>
      working({
        employments: [employed({ Title: 'Second' }, instantOf('2026-11-21T00:00:00Z'))],
        operations: [{ id: 9, target: 'idp', kind: 'update', lane: 'mover', state, payload }],
      });
    const replaced = planned(open('queued'), [employed({ Title: 'Third' })]);
    expect(replaced.change).toMatchObject({ supersedes: [9], operations: [{ kind: 'update' }] });
    const behind = planned(open('sending'), [employed({ Title: 'Third' })]);
    expect(behind.change).toMatchObject({ supersedes: [], operations: [{ kind: 'update' }] });
    expect(
      planned({ ...open('queued'), standing: { ...working().standing, delivery: 'delivering' } }, [
        employed({ Title: 'Second' }),
      ]).change?.operations ?? [],
    ).toEqual([]);
  });

  it('switches the account itself where it replaces the enable that has not been sent', () => {
    const inactive = working({ accounts: [account({ active: false })] });
    const enabled = planned(inactive, [employed()]).change?.operations[0];
    expect(enabled?.kind).toBe('enable');
    const enable: OpenOperation = {
      id: 9,
      target: 'idp',
      kind: 'enable',
      lane: 'joiner',
      state: 'queued',
      payload: enabled?.payload as AccountPayload,
    };
    const seen = [employed({ Title: 'Second' })];
    const replaced = planned({ ...inactive, operations: [enable] }, seen);
    expect(replaced.change).toMatchObject({
      supersedes: [9],
      operations: [{ kind: 'enable', payload: { active: true } }],
    });
    const behind = planned({ ...inactive, operations: [{ ...enable, state: 'sending' }] }, seen);
    expect(behind.change).toMatchObject({ supersedes: [], operations: [{ kind: 'update' }] });
  });

  it('takes the manager away itself where it replaces the change that was to do so', () => {
    const managed = working({ accounts: [account({ managerKnown: '7' })] });
    const cleared = planned(managed, [employed()]).change?.operations[0];
    expect(cleared?.payload).toMatchObject({ managerKey: '' });
    const clearing: OpenOperation = {
      id: 9,
      target: 'idp',
      kind: 'update',
      lane: 'mover',
      state: 'queued',
      payload: cleared?.payload as AccountPayload,
    };
    const seen = [employed({ Title: 'Second' })];
    const replaced = planned({ ...managed, operations: [clearing] }, seen);
    expect(replaced.change).toMatchObject({ supersedes: [9], operations: [{ payload: { managerKey: '' } }] });
    const behind = planned({ ...managed, operations: [{ ...clearing, state: 'sending' }] }, seen);
    expect(behind.change).toMatchObject({ supersedes: [], operations: [{ payload: { managerKey: null } }] });
  });

  it('sends what has changed besides after the disable of somebody who keeps the account', () => {
    const suspending: PlanRules = { ...rulesWith(mapping), policy: { ...DEFAULT_POLICY, onLeave: 'suspend' } };
    const suspended = (change: Partial<Record<string, string>>) =>
      planned(working(), [employed({ Status: 'L', ...change })], answer(), suspending);
    expect(kinds(suspended({}))).not.toContain('update');
    const changed = suspended({ Title: 'Second' });
    expect(kinds(changed).slice(0, 2)).toEqual(['disable', 'update']);
    expect(changed.change?.operations[1]?.payload).toMatchObject({ active: false, attributes: { title: 'Second' } });
  });

  it('undoes a membership change that may have taken effect, and forgets one that has not left', () => {
    const membership = (kind: 'addMember' | 'removeMember', group: string, ambiguous: boolean): OpenOperation => ({
      id: 9,
      target: 'idp',
      kind,
      lane: 'mover',
      state: 'queued',
      payload: { group, create: true, computed: true, authority: 'additive' },
      ambiguous,
    });
    const groups = (plan: WorkerPlan) =>
      plan.change?.operations.flatMap(({ kind, payload }) => ('group' in payload ? [`${kind} ${payload.group}`] : []));
    const leaving = (ambiguous: boolean) =>
      planned(working({ operations: [membership('addMember', 'Dept Research', ambiguous)] }), [
        employed({ Status: 'T' }),
      ]);
    expect(groups(leaving(true))).toContain('removeMember Dept Research');
    // Also while a guard lets nothing of a leaver pass but the disable: nobody would ask for this one again.
    const undoing = leaving(true).change?.operations.filter(({ undoes }) => undoes === true);
    expect(undoing).toMatchObject([{ payload: { group: 'Dept Research' } }]);
    expect(groups(leaving(false))).not.toContain('removeMember Dept Research');
    const moved = working({
      employments: [employed({ Dept: 'Research' }, instantOf('2026-11-21T00:00:00Z'))],
      accounts: [account({ known: desiredAttributes(employed({ Dept: 'Research' })) })],
    });
    const back = (ambiguous: boolean) =>
      planned({ ...moved, operations: [membership('removeMember', 'Dept Sales', ambiguous)] }, [employed()]);
    expect(groups(back(true))).toEqual(['addMember Dept Sales']);
    expect(groups(back(false))).toEqual([]);
    expect(back(true).change?.supersedes).toEqual([9]);
  });

  it('owes a manager whose account does not exist yet and sends the reference once it does', () => {
    const owing = planned(nobody, [employed({ Manager: '7' })]);
    expect(owing.change?.accounts[0]).toMatchObject({ managerOwed: '7' });
    expect(payloadOf(owing).managerKey).toBeNull();
    const paying = planned(
      working({ employments: [employed({ Manager: '7' })], accounts: [account({ managerOwed: '7' })] }),
      [],
      answer({ managerReady: true }),
    );
    expect(paying.change).toMatchObject({
      accounts: [{ managerOwed: '' }],
      operations: [{ kind: 'update', payload: { managerKey: '7' } }],
    });
  });

  it('adopts an account that agrees only with a person’s approval, and takes what it holds as known', () => {
    const found: ListedAccount = {
      remoteId: 'r-9',
      externalId: null,
      userName: 'z.okafor',
      active: true,
      resource: { userName: 'z.okafor', title: 'Clerk' },
    };
    const plan = planned(nobody, [employed()], answer({ matches: [found] }));
    expect(harms(plan)).toEqual(['adoption']);
    expect(plan.change?.accounts[0]).toMatchObject({
      remoteId: 'r-9',
      userName: 'z.okafor',
      origin: 'adopted',
      known: { title: 'Clerk' },
    });
    expect(kinds(plan)).toEqual(['update', 'addMember', 'addMember']);
  });

  it.each([
    ['two accounts match', { matches: ['r-1', 'r-2'] }, 'ambiguous-match'],
    ['the account is somebody else’s', { matches: ['r-1'], ownedElsewhere: ['r-1'] }, 'already-owned'],
    ['no name is free', { userName: null }, 'name-taken'],
  ])('fails visibly and sends nothing when %s', (_why, words, code) => {
    const {
      matches = [],
      ownedElsewhere = [],
      ...rest
    } = words as { matches?: string[]; ownedElsewhere?: string[]; userName?: null };
    const listed = matches.map((remoteId) => ({
      remoteId,
      externalId: null,
      userName: remoteId,
      active: true,
      resource: {},
    }));
    const plan = planned(
      nobody,
      [employed()],
      answer({ matches: listed, ownedElsewhere: new Set(ownedElsewhere), ...rest }),
    );
    expect(plan.change?.operations).toMatchObject([{ kind: 'create', refused: { code, class: 'permanent' } }]);
    expect(plan.change?.standing.delivery).toBe('failed');
  });

  it('never plans a write for a protected account, whatever HR says', () => {
    const mix = { left: 0, present: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom('A', 'L', 'T', 'P'),
        fc.constantFrom('', '2026-01-01', '2027-01-01'),
        fc.boolean(),
        (Status, End, active) => {
          const service: ListedAccount = {
            remoteId: 'r-0',
            externalId: '104',
            userName: 'svc-backup',
            active,
            resource: { userName: 'svc-backup' },
          };
          const plan = planned(nobody, [employed({ Status, End })], answer({ matches: [service] }), rulesWith(guarded));
          mix[plan.to === 'left' ? 'left' : 'present'] += 1;
          expect(plan.change?.operations.filter(({ refused }) => refused === undefined) ?? []).toEqual([]);
        },
      ),
    );
    expect(Math.min(mix.left, mix.present)).toBeGreaterThan(5);
  });
});

describe('the sessions of somebody who leaves', () => {
  const ending: PlanRules = { ...rulesWith(mapping), sessionTargets: new Set(['idp']) };
  const endingFor = (situation: Situation, change: Partial<Record<string, string>>, rules = ending): WorkerPlan =>
    planned(situation, [employed(change)], answer(), rules);
  const revocation = (state: OpenOperation['state'], id = 9): OpenOperation => ({
    id,
    target: 'idp',
    kind: 'revokeSessions',
    lane: 'leaver',
    state,
    payload: payloadOf(planned(working(), [employed({ Status: 'T' })])),
  });
  const left = (operations: readonly OpenOperation[], change: Partial<Situation> = {}): Situation =>
    working({
      standing: {
        stage: 'left',
        delivery: 'delivering',
        facts: {
          ...NO_FACTS,
          leaveSeenAt: instantOf('2026-11-21T00:00:00Z'),
          leaveKind: 'explicit',
          leaveBy: 'feed',
          endedEmployment: '104',
          endedStart: employed().startDate,
        },
      },
      employments: [employed({ Status: 'T' }, instantOf('2026-11-21T00:00:00Z'))],
      accounts: [account({ active: false, groups: [] })],
      operations,
      ...change,
    });

  it('are ended after the disable, in the lane of leavers, where the target has a way', () => {
    const plan = endingFor(working(), { Status: 'T' });
    expect(kinds(plan)).toEqual(['disable', 'revokeSessions', 'removeMember', 'removeMember']);
    expect(plan.change?.operations[1]).toMatchObject({ lane: 'leaver', payload: { managerKey: null } });
    expect(kinds(endingFor(working(), { Status: 'T' }, rulesWith(mapping)))).not.toContain('revokeSessions');
    expect(
      kinds(endingFor(working(), { Status: 'T' }, { ...ending, sessionTargets: new Set(['elsewhere']) })),
    ).not.toContain('revokeSessions');
  });

  it('are ended in the lane of emergencies by an emergency leave, and again when that is ordered again', () => {
    const order = { type: 'emergencyLeaveOrdered' as const, now: NOW, asOf: NOW, by: 'operator' as const };
    const first = complete(prepare(working(), [], ending, [order]), answer(), ending);
    expect(first.change?.operations.slice(0, 2)).toMatchObject([
      { kind: 'disable', lane: 'emergency' },
      { kind: 'revokeSessions', lane: 'emergency' },
    ]);
    const again = complete(prepare(left([revocation('queued')]), [], ending, [order]), answer(), ending);
    expect(kinds(again)).toEqual(['disable', 'revokeSessions', 'removeMember']);
    expect(again.change?.supersedes).toEqual([9]);
  });

  it('stay for a leave of absence, a withdrawn start, and everybody whose account is only changed', () => {
    const suspending: PlanRules = { ...ending, policy: { ...DEFAULT_POLICY, onLeave: 'suspend' } };
    const suspended = kinds(endingFor(working(), { Status: 'L' }, suspending));
    expect(suspended).toContain('disable');
    expect(suspended).not.toContain('revokeSessions');
    expect(kinds(endingFor(working(), { Start: '2027-05-06' }))).toEqual(['disable', 'removeMember', 'removeMember']);
    expect(kinds(endingFor(working(), { Title: 'Chief' }))).toEqual(['update']);
  });

  it('are not asked for again while that is under way, and cause no second disable', () => {
    for (const state of ['queued', 'sending', 'failed'] as const) {
      const plan = endingFor(left([revocation(state)]), { Status: 'T' });
      expect(plan.change?.operations ?? [], state).toEqual([]);
      expect(plan.change?.supersedes ?? [], state).toEqual([]);
    }
  });

  it('end once more when the account of somebody who left is found active', () => {
    const plan = endingFor(left([], { accounts: [account({ active: true, groups: [] })] }), { Status: 'T' });
    expect(kinds(plan)).toEqual(['disable', 'revokeSessions']);
  });

  it('are left alone by a rehire: what was not sent yet is cancelled', () => {
    const back = { Status: 'A', Start: '2026-11-22' };
    const plan = endingFor(left([revocation('queued')]), back);
    expect(plan.transitions).toEqual(['rehire']);
    expect(kinds(plan)).toContain('enable');
    expect(plan.change?.supersedes).toEqual([9]);
    // What is under way ends by itself; the enable follows it.
    expect(endingFor(left([revocation('sending')]), back).change?.supersedes).toEqual([]);
  });

  it('still end while a rehire is only announced, although the account changes', () => {
    const plan = endingFor(left([revocation('queued')]), { Status: 'P', Start: '2026-11-27', Title: 'Chief' });
    expect(plan.to).toBe('preboarding');
    expect(kinds(plan)).toContain('update');
    expect(plan.change?.supersedes).toEqual([]);
  });

  it('of a protected account are nobody’s to end', () => {
    const service = working({ accounts: [account({ userName: 'svc-backup' })] });
    const plan = endingFor(service, { Status: 'T' }, { ...rulesWith(guarded), sessionTargets: new Set(['idp']) });
    expect(plan.change?.operations.filter(({ refused }) => refused === undefined)).toEqual([]);
  });

  it('go with the account when that is deleted after retention', () => {
    const rules: PlanRules = {
      ...ending,
      mapping: mappingOf(GROUPED.replace('  - name: idp\n', '  - name: idp\n    deletes: true\n')),
      now: instantOf('2027-11-23T11:00:00Z'),
      policy: { ...DEFAULT_POLICY, deleteAfterDays: 30 },
    };
    const plan = planned(left([revocation('queued')]), [], answer(), rules);
    expect(kinds(plan)).toEqual(['delete']);
    expect(plan.change?.supersedes).toEqual([9]);
  });

  it('is never deleted where the file does not say that accounts may be', () => {
    const rules: PlanRules = {
      ...ending,
      now: instantOf('2027-11-23T11:00:00Z'),
      policy: { ...DEFAULT_POLICY, deleteAfterDays: 30 },
    };
    const plan = planned(left([]), [], answer(), rules);
    expect(kinds(plan)).not.toContain('delete');
    expect(plan.harms).toEqual([]);
  });
});

describe('an account of somebody who left that the target shows as active', () => {
  const gone = (account_: Partial<AccountState>, operations: readonly OpenOperation[] = []): Situation =>
    working({
      standing: {
        stage: 'left',
        delivery: 'settled',
        facts: {
          ...NO_FACTS,
          leaveSeenAt: instantOf('2026-11-21T00:00:00Z'),
          leaveKind: 'explicit',
          leaveBy: 'feed',
          endedEmployment: '104',
          endedStart: employed().startDate,
        },
      },
      employments: [employed({ Status: 'T' }, instantOf('2026-11-21T00:00:00Z'))],
      accounts: [account({ active: true, groups: [], ...account_ })],
      operations,
    });
  const open = (kind: OpenOperation['kind']): OpenOperation => ({
    id: 7,
    target: 'idp',
    kind,
    lane: 'leaver',
    state: 'sending',
    payload: {
      userName: '',
      externalId: '',
      active: true,
      attributes: {},
      onCreateOnly: [],
      keepWhenBlank: [],
      managerKey: null,
    },
  });

  it('is disabled again, and counts as an explicit leaver for the guard', () => {
    const plan = planned(gone({}), []);
    expect(kinds(plan)).toEqual(['disable']);
    expect(plan.harms).toMatchObject([
      { kind: 'explicitLeaver', target: 'idp', operation: 'disable again', before: 'active', after: 'left' },
    ]);
  });

  it('counts nothing where nobody found it so, where it was never there, or where work of ours explains it', () => {
    expect(harms(planned(gone({ active: null }), []))).toEqual([]);
    expect(kinds(planned(gone({ active: null }), []))).toEqual(['disable']);
    expect(harms(planned(gone({ remoteId: null }), []))).toEqual([]);
    expect(harms(planned(gone({}, [open('enable')]), []))).toEqual([]);
    expect(kinds(planned(gone({}, [open('enable')]), []))).toEqual(['disable']);
    const underWay = planned(gone({}, [open('disable')]), []);
    expect([kinds(underWay), harms(underWay)]).toEqual([[], []]);
  });
});

describe('the unit in which somebody works', () => {
  const per = { ...rulesWith(mapping), limitsPer: { attribute: 'department', only: null } };

  it('is the one on file, whatever the feed says now, and is told of those alone who are harmed', () => {
    expect(planned(working(), [employed({ Dept: 'Legal' })], answer(), per).unit).toBe('department Sales');
    expect(planned(working(), [employed()], answer(), per).unit).toBeUndefined();
    expect(planned(working(), [employed({ Dept: 'Legal' })]).unit).toBeUndefined();
  });

  it('is that of the employment that counts where there are several, and none where nothing says it', () => {
    const [first] = working().employments;
    const over = { ...employed({ ID: '90', Dept: 'Plant', End: '2021-01-31', Status: 'T' }), personId: '104' };
    const two = working({ employments: first === undefined ? [] : [over, first] });
    expect(planned(two, [employed({ Title: 'Chief' })], answer(), per).unit).toBe('department Sales');
    const blank = working({ employments: [employed({ Dept: '' }, instantOf('2026-11-20T00:00:00Z'))] });
    expect(planned(blank, [employed({ Dept: '', Title: 'Chief' })], answer(), per).unit).toBeUndefined();
    expect(unitName('department', null)).toBeNull();
    expect(workplace(working().standing, [], NOW, DEFAULT_POLICY)).toBeNull();
  });
});

it('a suspension takes no group away that is still granted, and no queued membership with it', () => {
  const suspending = { ...rulesWith(mapping), policy: { ...DEFAULT_POLICY, onLeave: 'suspend' as const } };
  const plan = planned(working(), [employed({ Status: 'L' })], answer(), suspending);
  expect(kinds(plan)).toEqual(['disable']);
  expect(harms(plan)).toEqual(['inferredLeaver']);
  const joining: OpenOperation = {
    id: 9,
    target: 'idp',
    kind: 'addMember',
    lane: 'mover',
    state: 'queued',
    payload: { group: 'Dept Sales', create: true, computed: true, authority: 'additive' },
  };
  const waiting = working({ accounts: [account({ groups: ['All staff'] })], operations: [joining] });
  expect(planned(waiting, [employed({ Status: 'L' })], answer(), suspending).change?.supersedes).toEqual([]);
});
