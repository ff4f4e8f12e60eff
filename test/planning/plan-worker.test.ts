import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Instant, instantOf } from '../../src/base/instant.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { NO_FACTS, UNKNOWN } from '../../src/lifecycle/standing.ts';
import type { BoundMapping, ListedAccount } from '../../src/mapping/bound-mapping.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import type { AccountPayload, AccountState, OpenOperation, Situation } from '../../src/planning/changeset.ts';
import type { TargetAnswers } from '../../src/planning/plan-account.ts';
import { complete, type PlanRules, prepare, type WorkerPlan } from '../../src/planning/plan-worker.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import type { Employment } from '../../src/worker/worker.ts';
import { mappingText } from '../support/house.ts';

const NOW = instantOf('2026-11-23T11:00:00Z');
const HEADER = ['ID', 'First', 'Last', 'Status', 'Start', 'End', 'Manager', 'Dept', 'Title'];

function mappingOf(text: string): BoundMapping {
  const read = readConnection('acme.yaml', text, { sha256 });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  const bound = read.connection.bind(HEADER);
  if ('faults' in bound) throw new Error(JSON.stringify(bound.faults));
  return bound.mapping;
}

const GROUPED = mappingText({
  '- { name: \'"All staff"\', authority: full, create: true }':
    '- { name: \'"All staff"\', authority: full, create: true }\n      - { name: \'"Dept " + worker.department\', create: true }',
});
const mapping = mappingOf(GROUPED);
const guarded = mappingOf(
  `${GROUPED}\nprotected: ['account.userName.startsWith("svc-")']\n`.replace('targets:', 'targets:'),
);

const rulesWith = (bound: BoundMapping, now: Instant = NOW): PlanRules => ({
  mapping: bound,
  policy: DEFAULT_POLICY,
  now,
  actor: 'feed',
});

function employed(change: Partial<Record<string, string>> = {}, asOf: Instant = NOW): Employment {
  const record = {
    ID: '104',
    First: 'Zoë',
    Last: 'Okafor',
    Status: 'A',
    Start: '2024-05-06',
    End: '',
    Manager: '',
    Dept: 'Sales',
    Title: 'Clerk',
    ...change,
  };
  const mapped = mapping.toEmployment(record, {}, asOf);
  if (mapped.kind !== 'employment') throw new Error(mapped.rejection.reason);
  return mapped.employment;
}

const nobody: Situation = {
  key: '104',
  revision: 0,
  standing: UNKNOWN,
  employments: [],
  accounts: [],
  operations: [],
  suspectedSince: null,
  dueAt: null,
};

const account = (change: Partial<AccountState> = {}): AccountState => ({
  target: 'idp',
  remoteId: 'r-1',
  etag: null,
  userName: 'zoe.okafor@example.com',
  externalId: '104',
  active: true,
  origin: 'created',
  known: desiredAttributes(employed()),
  managerKnown: '',
  managerOwed: '',
  groups: ['All staff', 'Dept Sales'],
  ...change,
});

function desiredAttributes(employment: Employment) {
  const [target] = mapping.targets;
  if (target === undefined) throw new Error('no target');
  return target.desired({ key: employment.personId, employments: [employment] }, employment, null).attributes;
}

const working = (change: Partial<Situation> = {}): Situation => ({
  ...nobody,
  revision: 3,
  standing: { stage: 'active', delivery: 'settled', facts: NO_FACTS },
  employments: [employed({}, instantOf('2026-11-20T00:00:00Z'))],
  accounts: [account()],
  ...change,
});

const answer = (change: Partial<TargetAnswers> = {}): ReadonlyMap<string, TargetAnswers> =>
  new Map([
    [
      'idp',
      {
        userName: 'zoe.okafor@example.com',
        matches: [],
        foundBy: null,
        ownedElsewhere: new Set(),
        managerReady: false,
        ...change,
      },
    ],
  ]);

const planned = (
  situation: Situation,
  seen: readonly Employment[],
  answers = answer(),
  rules = rulesWith(mapping),
): WorkerPlan => complete(prepare(situation, seen, rules), answers, rules);

function payloadOf(plan: WorkerPlan): AccountPayload {
  const [first] = plan.change?.operations ?? [];
  if (first === undefined) throw new Error('nothing was planned');
  return first.payload as AccountPayload;
}
const kinds = (plan: WorkerPlan) => plan.change?.operations.map(({ kind }) => kind) ?? [];
const harms = (plan: WorkerPlan) => plan.harms.map(({ kind }) => kind);

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
