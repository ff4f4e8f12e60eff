// What the planner asks before it decides, and what it makes of several targets, of names, and of facts that only became newer.
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { type Facts, NO_FACTS, type Stage } from '../../src/lifecycle/standing.ts';
import type { ListedAccount } from '../../src/mapping/bound-mapping.ts';
import type { AccountPayload, AccountState, OpenOperation, Situation } from '../../src/planning/changeset.ts';
import type { TargetAnswers } from '../../src/planning/plan-account.ts';
import { complete, type PreparedTarget, prepare, type WorkerPlan } from '../../src/planning/plan-worker.ts';
import type { Absence, Employment } from '../../src/worker/worker.ts';
import { mappingText } from '../support/mapping-text.ts';
import {
  account,
  answer,
  employed,
  kinds,
  mapping,
  mappingOf,
  NOW,
  nobody,
  planned,
  rulesWith,
  working,
} from '../support/worker-plans.ts';

const SEEN = instantOf('2026-11-20T00:00:00Z');
const rules = rulesWith(mapping);
const at = (stage: Stage, change: Partial<Situation> = {}, facts: Partial<Facts> = {}): Situation =>
  working({ standing: { stage, delivery: 'settled', facts: { ...NO_FACTS, ...facts } }, ...change });
const asked = (situation: Situation, seen: readonly Employment[]): PreparedTarget => {
  const [target] = prepare(situation, seen, rules).targets;
  if (target === undefined) throw new Error('no target');
  return target;
};
const NUMBER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber';

describe('what is asked of a target', () => {
  it('for somebody new: a free name, an account that may be theirs, and the manager', () => {
    const { names, correlation, managerKey, desired } = asked(nobody, [employed({ Manager: '7' })]);
    expect(names.at(0)).toBe('zoe.okafor@example.com');
    expect(correlation).toEqual([
      { path: 'externalId', value: '104' },
      { path: NUMBER, value: '104' },
    ]);
    expect(managerKey).toBe('7');
    expect(desired?.userNames).toBe(names);
  });

  it('for somebody who has an account: whether a new manager has one', () => {
    const known = at('active', { accounts: [account({ managerKnown: '7' })] });
    expect(asked(known, [employed({ Manager: '7' })])).toMatchObject({ names: [], correlation: [], managerKey: '' });
    expect(asked(known, [employed({ Manager: '8' })]).managerKey).toBe('8');
    expect(asked(working(), [employed({ Manager: '7' })]).managerKey).toBe('7');
    expect(asked(working(), [employed()]).managerKey).toBe('');
  });

  it('for somebody who had left before they were seen: whether an account of theirs is there, and no name', () => {
    const late = asked(nobody, [employed({ Status: 'T' })]);
    expect(late.names).toEqual([]);
    expect(late.correlation).toHaveLength(2);
    expect(late.desired?.externalId).toBe('104');
  });

  it('nothing for somebody who left with an account, or who only starts far ahead', () => {
    const nothing = { desired: null, correlation: [], names: [], managerKey: '' };
    expect(asked(working(), [employed({ Status: 'T' })])).toMatchObject(nothing);
    expect(asked(nobody, [employed({ Status: 'P', Start: '2027-06-01', Manager: '7' })])).toMatchObject(nothing);
    expect(asked(nobody, [])).toMatchObject(nothing);
  });
});

describe('a name that is chosen', () => {
  const named = mappingOf(
    mappingText({ '      title: worker.title': `      title: worker.title\n      nickName: '"@" + userName'` }),
  );
  const nickOf = (userName: string | null, situation = nobody): unknown => {
    const plan = planned(situation, [employed()], answer({ userName }), rulesWith(named));
    return (plan.change?.operations[0]?.payload as AccountPayload | undefined)?.attributes.nickName;
  };

  it('is the one that expressions see', () => {
    expect(nickOf('zoe.okafor@example.com')).toBe('@zoe.okafor@example.com');
    expect(nickOf('zoe.okafor2@example.com')).toBe('@zoe.okafor2@example.com');
  });

  it('is the account’s own where there is one', () => {
    expect(nickOf(null, working({ accounts: [account({ userName: 'zoe@example.com' })] }))).toBe('@zoe@example.com');
  });
});

describe('several targets', () => {
  const two = mappingOf(
    `${mappingText()}  - name: other
    kind: scim
    baseUrl: "\${env:OTHER_URL}"
    auth: { kind: bearer, token: "\${env:OTHER_TOKEN}" }
    correlate: [externalId]
    user:
      userName: 'unique([slug(worker.givenName)], "@example.org")'
      title: worker.title
`,
  );
  const there: AccountState = account({
    target: 'other',
    userName: 'zoe@example.org',
    known: { title: 'Clerk' },
    groups: [],
  });
  const here = account({ known: {}, groups: ['All staff'] });
  const waiting: OpenOperation = {
    id: 9,
    target: 'other',
    kind: 'update',
    lane: 'mover',
    state: 'queued',
    payload: {
      userName: 'zoe@example.org',
      externalId: '104',
      active: true,
      attributes: { title: 'Second' },
      onCreateOnly: [],
      keepWhenBlank: [],
      managerKey: null,
    },
  };
  const both = (change: Partial<Situation>, seen: readonly Employment[] = []): WorkerPlan =>
    complete(
      prepare(working({ dueAt: null, ...change }), seen, rulesWith(two)),
      new Map<string, TargetAnswers>(),
      rulesWith(two),
    );

  it('have accounts, work and failures of their own', () => {
    const plan = both({ accounts: [here, there], operations: [waiting] });
    expect(plan.change?.operations.map(({ target, kind }) => `${target} ${kind}`)).toEqual([
      'idp update',
      'other update',
    ]);
    expect(plan.change?.supersedes).toEqual([9]);
    const settled = both({ accounts: [here, there] });
    expect(settled.change?.operations.map(({ target }) => target)).toEqual(['idp']);
    expect(settled.targets).toMatchObject([{ target: 'idp' }, { target: 'other', changes: [] }]);
  });

  it('are replayed one by one', () => {
    const failed: OpenOperation = { ...waiting, state: 'failed' };
    const situation = working({ accounts: [here, there], operations: [failed] });
    const prepared = prepare(situation, [], rulesWith(two), [], { operations: [9], transition: 'joiner' });
    const plan = complete(prepared, new Map(), rulesWith(two));
    expect(plan.change?.supersedes).toEqual([9]);
    expect(plan.change?.operations.map(({ target, transition }) => [target, transition])).toEqual([['idp', 'joiner']]);
  });
});

describe('facts', () => {
  const ending = (asOf = SEEN): Employment => employed({ End: '2026-11-22' }, asOf);

  it('that only became newer are not stored, unless something was decided on them', () => {
    const guardedEnd = ending().endDate;
    const known = at('active', { employments: [ending()], dueAt: null }, { guardedEnd });
    const left = planned(known, [ending(NOW)]);
    expect(left.to).toBe('left');
    expect(left.change?.employments).toEqual([ending(NOW)]);
    const same = planned(working({ dueAt: null }), [employed({}, NOW)]);
    expect(same.change).toBeNull();
    const stored = planned(at('active', { employments: [ending()] }, { guardedEnd }), []);
    expect(stored.change).toMatchObject({ standing: { stage: 'left' } });
    expect(stored.change).not.toHaveProperty('employments');
  });

  it('that are new are stored, and those that stayed are not', () => {
    const second = { ...employed({ Dept: 'Plant' }), id: '105' };
    const grown = planned(working(), [second]);
    expect(grown.change?.employments?.map(({ id }) => id)).toEqual(['105']);
    const changed = planned(working({ employments: [employed({}, SEEN), { ...second, asOf: SEEN }] }), [
      { ...second, attributes: { ...second.attributes, title: 'Chief' } },
    ]);
    expect(changed.change?.employments?.map(({ id }) => id)).toEqual(['105']);
    expect(planned(nobody, [employed()]).change?.employments).toHaveLength(1);
  });

  it('by which the next moment has moved are stored with it', () => {
    expect(planned(working({ dueAt: SEEN }), [employed()]).change).toMatchObject({ dueAt: null, operations: [] });
    expect(planned(working({ dueAt: null }), [employed()]).change).toBeNull();
  });

  it('of somebody new are stored although nothing follows from them', () => {
    const plan = planned(nobody, []);
    expect(plan.change).toMatchObject({ key: '104', revision: 0, operations: [] });
  });
});

describe('an absence', () => {
  const missed = (strong: boolean): Absence => ({ since: SEEN, asOf: instantOf('2026-11-22T08:00:00Z'), strong });
  const gone = (id: string, strong = false): Employment => ({ ...employed({}, SEEN), id, absent: missed(strong) });

  it('of one employment is new beside another that was on file', () => {
    const known = working({ employments: [gone('104'), { ...employed({}, SEEN), id: '105' }] });
    expect(planned(known, [gone('105')]).harms.map(({ kind }) => kind)).toEqual(['absence']);
  });

  it('of somebody whom another record ends is that leave and that absence', () => {
    const known = working({ employments: [employed({}, SEEN), { ...employed({}, SEEN), id: '105' }] });
    const plan = planned(known, [gone('104'), { ...employed({ Status: 'T' }), id: '105' }]);
    expect(plan.harms.map(({ kind }) => kind)).toContain('absence');
    expect(plan.to).toBe('left');
  });

  it('of an employment that nobody knew is new', () => {
    expect(planned(at('active', { employments: [] }), [gone('104')]).harms.map(({ kind }) => kind)).toEqual([
      'absence',
    ]);
  });
});

describe('a plan', () => {
  it('is blocked by nothing where nothing stands in the way', () => {
    expect(planned(working(), [employed({ Title: 'Chief' })])).toMatchObject({
      blocked: false,
      refusals: [],
      alerts: [],
    });
  });

  it('moves nobody by what is only stored', () => {
    const owing = planned(working({ dueAt: null }), [employed({ Manager: '7' })]);
    expect(kinds(owing)).toEqual([]);
    expect(owing.transitions).toEqual([]);
    expect(owing.change).toMatchObject({ accounts: [{ managerOwed: '7' }], standing: { delivery: 'settled' } });
  });

  it('calls what is first done for somebody on file a move, and for somebody new a joiner’s', () => {
    const transition = (plan: WorkerPlan) => plan.change?.operations[0]?.transition;
    expect(transition(planned(working(), [employed({ Title: 'Chief' })]))).toBe('mover');
    expect(transition(planned(nobody, [employed()]))).toBe('joiner');
    const unseen = { ...at('active', { accounts: [account({ known: {} })] }), revision: 0 };
    expect(transition(planned(unseen, []))).toBe('joiner');
    expect(planned(unseen, []).transitions).toEqual([]);
  });

  it('of somebody who has left is no move of theirs, whatever is still to be done', () => {
    const left = at(
      'left',
      { employments: [employed({ Status: 'T' }, SEEN)] },
      {
        leaveSeenAt: SEEN,
        leaveKind: 'explicit',
        leaveBy: 'feed',
        endedEmployment: '104',
        endedStart: employed().startDate,
      },
    );
    const plan = planned(left, []);
    expect(kinds(plan)[0]).toBe('disable');
    expect(plan.transitions).toEqual([]);
    expect(plan.change?.operations[0]?.lane).toBe('leaver');
  });

  it('adopts for somebody who left unseen only what is theirs', () => {
    const found: ListedAccount = { remoteId: 'r-9', externalId: '104', userName: 'z', active: true, resource: {} };
    const plan = planned(nobody, [employed({ Status: 'T' })], answer({ matches: [found], userName: null }));
    expect(kinds(plan)).toEqual(['disable', 'removeMember']);
    expect(plan.harms.map(({ kind }) => kind)).toEqual(['adoption']);
    expect(plan.change?.operations[0]?.lane).toBe('leaver');
  });
});
