// Failed operations that are asked for again: planned as though they had never been, never against newer facts.
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { DEFAULT_POLICY } from '../../src/lifecycle/policy.ts';
import { NO_FACTS, type Standing } from '../../src/lifecycle/standing.ts';
import type { BoundMapping } from '../../src/mapping/bound-mapping.ts';
import { readConnection } from '../../src/mapping/connection-file.ts';
import type {
  AccountPayload,
  AccountState,
  OpenOperation,
  OperationKind,
  OperationPayload,
  OperationState,
  Situation,
} from '../../src/planning/changeset.ts';
import { causeOf, commonWords } from '../../src/planning/failure-cause.ts';
import { complete, type PlanRules, prepare, type WorkerPlan } from '../../src/planning/plan-worker.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import { mappingText } from '../support/mapping-text.ts';

const NOW = instantOf('2026-11-23T11:00:00Z');
const SEEN = instantOf('2026-11-20T00:00:00Z');
const HEADER = ['ID', 'First', 'Last', 'Status', 'Start', 'End', 'Manager', 'Dept', 'Title'];

function mappingOf(text: string): BoundMapping {
  const read = readConnection('acme.yaml', text, { sha256 });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  const bound = read.connection.bind(HEADER);
  if ('faults' in bound) throw new Error(JSON.stringify(bound.faults));
  return bound.mapping;
}
const mapping = mappingOf(mappingText());
const guarded = mappingOf(`${mappingText()}protected: ['account.userName.startsWith("ada.")']\n`);
const purging = mappingOf(
  mappingText({
    '    limits: { concurrency: 8, perSecond: null }':
      '    limits: { concurrency: 8, perSecond: null }\n    deletes: true',
  }),
);

const employment = (() => {
  const record = {
    ID: '7',
    First: 'Ada',
    Last: 'Okoro',
    Status: 'A',
    Start: '2020-01-01',
    End: '',
    Manager: '',
    Dept: 'Sales',
    Title: 'Clerk',
  };
  const mapped = mapping.toEmployment(record, {}, SEEN);
  if (mapped.kind !== 'employment') throw new Error(mapped.rejection.reason);
  return mapped.employment;
})();
const [target] = mapping.targets;
if (target === undefined) throw new Error('no target');
const desired = target.desired({ key: '7', employments: [employment] }, employment, null);
const wanted: AccountPayload = {
  userName: 'ada.okoro@example.com',
  externalId: '7',
  active: true,
  attributes: desired.attributes,
  onCreateOnly: [],
  keepWhenBlank: [],
  managerKey: null,
};

const account = (change: Partial<AccountState> = {}): AccountState => ({
  target: 'idp',
  remoteId: 'r-1',
  etag: null,
  userName: 'ada.okoro@example.com',
  externalId: '7',
  active: true,
  origin: 'created',
  known: desired.attributes,
  managerKnown: '',
  managerOwed: '',
  groups: ['All staff'],
  ...change,
});
const stuck = (
  kind: OperationKind,
  payload: OperationPayload = wanted,
  state: OperationState = 'failed',
  more: Partial<OpenOperation> = {},
): OpenOperation => ({ id: 31, target: 'idp', kind, lane: 'mover', state, payload, ...more });
const member = { group: 'All staff', create: true, computed: false, authority: 'full' as const };

const situation = (operations: readonly OpenOperation[], change: Partial<Situation> = {}): Situation => ({
  key: '7',
  revision: 3,
  standing: { stage: 'active', delivery: 'failed', facts: NO_FACTS },
  employments: [employment],
  accounts: [account()],
  operations,
  suspicion: null,
  dueAt: null,
  ...change,
});
const gone: Standing = {
  stage: 'left',
  delivery: 'failed',
  facts: { ...NO_FACTS, leaveSeenAt: SEEN, leaveKind: 'explicit', leaveBy: 'feed', endedEmployment: '7' },
};
const leaver = (operations: readonly OpenOperation[], change: Partial<Situation> = {}): Situation =>
  situation(operations, { standing: gone, employments: [{ ...employment, status: 'terminated' }], ...change });

const rules = (bound = mapping): PlanRules => ({
  mapping: bound,
  policy: DEFAULT_POLICY,
  now: NOW,
  actor: 'operator:oncall',
  sessionTargets: new Set(['idp']),
});
const replay = (on: Situation, { ids = [31], bound = mapping, transition = 'mover' as const } = {}): WorkerPlan =>
  complete(prepare(on, [], rules(bound), [], { operations: ids, transition }), new Map(), rules(bound));
const orders = (plan: WorkerPlan) => plan.change?.operations.map(({ kind, lane }) => `${kind} ${lane}`);

describe('a replayed failure', () => {
  it('of a change is ordered anew in the lane of replays, under its old transition, and harms nobody a second time', () => {
    const plan = replay(situation([stuck('update')], { accounts: [account({ known: {} })] }));
    expect(orders(plan)).toEqual(['update replay']);
    expect(plan.change).toMatchObject({ supersedes: [31], standing: { stage: 'active', delivery: 'delivering' } });
    expect(plan.change?.operations[0]?.transition).toBe('mover');
    expect(plan.change?.entries[0]?.body.replays).toEqual([31]);
    expect(plan.harms).toEqual([]);
    expect(plan.transitions).toEqual([]);
  });

  it('of a change that would be another one now is judged as new', () => {
    const other = { ...wanted, attributes: { title: 'Duke' } };
    const plan = replay(situation([stuck('update', other)], { accounts: [account({ known: { title: 'Baron' } })] }));
    expect(orders(plan)).toEqual(['update replay']);
    expect(plan.harms.length).toBeGreaterThan(0);
  });

  it('that would now take a manager away, or write another one, is judged as new', () => {
    const managed = account({ known: {}, managerKnown: 'boss' });
    for (const managerKey of [null, 'boss', 'chief']) {
      const plan = replay(situation([stuck('update', { ...wanted, managerKey })], { accounts: [managed] }));
      expect(plan.change?.operations).toMatchObject([{ kind: 'update', payload: { managerKey: '' } }]);
      expect(plan.harms.map(({ kind, attribute }) => [kind, attribute])).toContainEqual(['valueBlanked', 'manager']);
    }
    const asked = replay(situation([stuck('update', { ...wanted, managerKey: '' })], { accounts: [managed] }));
    expect(asked.harms).toEqual([]);
  });

  it('of which nothing is left to do ends, and the worker is settled', () => {
    const plan = replay(situation([stuck('update')]));
    expect(plan.change).toMatchObject({ operations: [], supersedes: [31], standing: { delivery: 'settled' } });
  });

  it('ends alone: what else has failed keeps the worker failed', () => {
    const plan = replay(situation([stuck('update'), stuck('addMember', member, 'failed', { id: 32 })]));
    expect(plan.change).toMatchObject({ operations: [], supersedes: [31], standing: { delivery: 'failed' } });
  });

  it('that has not failed is left alone', () => {
    for (const state of ['queued', 'sending', 'accepted'] as const) {
      const plan = replay(
        situation([stuck('update', wanted, state)], {
          standing: { ...situation([]).standing, delivery: 'delivering' },
        }),
      );
      expect(plan.change).toBeNull();
    }
    expect(replay(situation([stuck('update')]), { ids: [99] }).change).toBeNull();
  });

  it('of a membership is ordered anew', () => {
    const plan = replay(situation([stuck('addMember', member)], { accounts: [account({ groups: [] })] }));
    expect(orders(plan)).toEqual(['addMember replay']);
  });

  it('of a membership that may have been given, and is not wanted any more, is taken back', () => {
    const other = { ...member, group: 'Dept Sales', authority: 'additive' as const };
    const doubtful = replay(situation([stuck('addMember', other, 'failed', { ambiguous: true })]));
    expect(orders(doubtful)).toEqual(['removeMember replay']);
    expect(orders(replay(situation([stuck('addMember', other)])))).toEqual([]);
    const wantedAgain = replay(
      situation([stuck('addMember', member, 'failed', { ambiguous: true })], { accounts: [account({ groups: [] })] }),
    );
    expect(orders(wantedAgain)).toEqual(['addMember replay']);
  });

  it('of a membership to be taken is taken, even where nobody knows of it here', () => {
    const plan = replay(
      leaver([stuck('removeMember', member)], { accounts: [account({ active: false, groups: [] })] }),
    );
    expect(orders(plan)).toEqual(['removeMember leaver']);
    expect(orders(replay(situation([stuck('removeMember', member)])))).toEqual([]);
  });

  it('of a disable asks the target again, whatever is believed, and ends the sessions after it', () => {
    for (const state of ['failed', 'queued'] as const) {
      const plan = replay(
        leaver([stuck('disable', wanted, state)], { accounts: [account({ active: false, groups: [] })] }),
      );
      expect(orders(plan)).toEqual(['disable leaver', 'revokeSessions leaver']);
      expect(plan.change?.supersedes).toEqual([31]);
    }
  });

  it('of ended sessions ends them again', () => {
    const plan = replay(
      leaver([stuck('revokeSessions', wanted, 'queued')], { accounts: [account({ active: false, groups: [] })] }),
    );
    expect(orders(plan)).toEqual(['revokeSessions leaver']);
  });

  it('of a disable of somebody who works here again disables nobody', () => {
    const plan = replay(situation([stuck('disable')]));
    expect(plan.change).toMatchObject({ operations: [], supersedes: [31] });
  });

  it('of an account that is protected now stays failed, where people see it', () => {
    const update = replay(situation([stuck('update')], { accounts: [account({ known: {} })] }), { bound: guarded });
    expect(update.change?.operations).toMatchObject([{ kind: 'update', refused: { code: 'protected-account' } }]);
    expect(update.change?.standing.delivery).toBe('failed');
    const disable = replay(leaver([stuck('disable')]), { bound: guarded });
    expect(disable.change?.operations, 'looks whether it was done by hand').toMatchObject([{ kind: 'disable' }]);
    expect(disable.change?.operations[0]?.refused).toBeUndefined();
  });

  it('of a deletion is deleted where the target may, and the guard does not count it twice', () => {
    const on = leaver([stuck('delete')], {
      standing: { ...gone, stage: 'purged' },
      accounts: [account({ active: false, groups: [] })],
    });
    const plan = replay(on, { bound: purging });
    expect(orders(plan)).toEqual(['delete leaver']);
    expect(plan.harms).toEqual([]);
    expect(orders(replay(on))).toEqual([]);
  });

  it('of somebody who was never made is made', () => {
    const never = account({ remoteId: null, active: null, known: {}, groups: [] });
    const plan = replay(
      situation([stuck('create'), stuck('addMember', member, 'failed', { id: 32 })], { accounts: [never] }),
      {
        ids: [31, 32],
      },
    );
    expect(orders(plan)).toEqual(['create replay', 'addMember replay']);
    expect(plan.harms).toEqual([]);
  });
});

describe('the cause of a failure', () => {
  const outcome = (detail: string) => ({
    class: 'permanent' as const,
    status: 400,
    code: 'invalidValue',
    detail,
    retryAfterMs: null,
    countsAsAttempt: true,
  });

  it.each([
    ['user "ada" exists', 'user … exists'],
    ["value 'Ada Okoro' of title", 'value … of title'],
    ['ada.okoro@example.com is taken by 2819c223-7f76', '… is taken by …'],
    ['since 2026-11-23T11:00:00Z, at row 17', 'since …, at row …'],
    ['the password is too short.', 'the password is too short.'],
    ['  two\n lines ', 'two lines'],
  ])('leaves out of %j what names one person', (detail, words) => {
    expect(commonWords(detail)).toBe(words);
  });

  it('is one for two people and another for another target, status, code or reason', () => {
    const id = (name: string, detail: string, change = {}) =>
      causeOf(name, { ...outcome(detail), ...change }, sha256).id;
    const first = id('idp', 'user "ada" exists');
    expect(first).toMatch(/^[0-9a-f]{8}$/);
    expect(id('idp', 'user "bo" exists')).toBe(first);
    const others = [
      id('other', 'user "ada" exists'),
      id('idp', 'user "ada" is gone'),
      id('idp', 'user "ada" exists', { status: 409 }),
      id('idp', 'user "ada" exists', { code: 'uniqueness' }),
      causeOf('idp', null, sha256).id,
    ];
    expect(new Set([first, ...others]).size).toBe(6);
    expect(causeOf('idp', null, sha256)).toMatchObject({ status: null, code: 'no-answer', words: '' });
  });
});
