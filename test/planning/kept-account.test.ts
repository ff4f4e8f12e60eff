// An account of ours that goes on: what differs is sent once, and nothing that is under way is sent again.
import { describe, expect, it } from 'vitest';
import type { AccountInput } from '../../src/planning/plan-account.ts';
import {
  account,
  answers,
  desired,
  input,
  membership,
  open,
  openMember,
  plan,
  target,
} from '../support/account-inputs.ts';

const NOTHING = { account: null, operations: [], supersedes: [], harms: [], changes: [] };
const MANY = (title: string) => desired({ attributes: { title } });

describe('an account that is as it shall be', () => {
  it.each<[string, Partial<AccountInput>]>([
    ['nothing is under way', {}],
    [
      'the change is under way already',
      { desired: MANY('Chief'), open: [open('update', 'sending', { attributes: { title: 'Chief' } })] },
    ],
    [
      'the change has failed and waits for a person',
      { desired: MANY('Chief'), open: [open('update', 'failed', { attributes: { title: 'Chief' } })] },
    ],
    ['it is being switched on', { account: account({ active: false }), open: [open('enable')] }],
    [
      'it is being made, and nobody has asked the target yet',
      { account: account({ remoteId: null, active: null, known: {} }), open: [open('create')] },
    ],
    ['it is being switched off', { stage: 'onLeave', shallBeActive: false, open: [open('disable')] }],
    [
      'its groups stand, or are under way',
      {
        account: account({ groups: ['Staff'] }),
        desired: desired({ memberships: [membership('Staff'), membership('Sales')] }),
        open: [openMember('addMember', 'Sales')],
      },
    ],
    [
      'its name differs in case only',
      { desired: desired({ userNameGenerated: false, userNames: ['ADA@example.com'] }) },
    ],
    ['its manager is known', { account: account({ managerKnown: '3' }), desired: desired({ managerKey: '3' }) }],
    [
      'its manager is under way',
      {
        desired: desired({ managerKey: '3' }),
        answers: answers({ managerReady: true }),
        open: [open('update', 'queued', { managerKey: '3' })],
      },
    ],
    [
      'its manager is owed and known to be',
      { account: account({ managerOwed: '3' }), desired: desired({ managerKey: '3' }) },
    ],
    ['another record’s externalId is wanted: it is stable once it is ours', { account: account({ externalId: '' }) }],
  ])('is left alone: %s', (_, change) => {
    expect(plan(input(change)).all).toEqual(NOTHING);
  });

  it('is left alone by ends of memberships, sessions and accounts that are under way', () => {
    const others = [open('revokeSessions', 'sending'), open('delete', 'sending'), openMember('removeMember', 'Old')];
    expect(plan(input({ open: others })).operations).toEqual([]);
  });

  it('waits until it is known what it shall hold', () => {
    expect(plan(input({ desired: null, account: account({ active: false }) })).all).toEqual(NOTHING);
  });
});

describe('a change', () => {
  it('is one update with everything, and counts by attribute', () => {
    const { all, operations, harms } = plan(
      input({
        account: account({ known: { title: 'Clerk', nickName: 'Al', cost: 7 } }),
        desired: desired({ attributes: { title: 'Chief', cost: 8, displayName: 'Ada' } }),
      }),
    );
    expect(operations).toEqual(['update on ada@example.com {"title":"Chief","cost":8,"displayName":"Ada"}']);
    expect(harms).toEqual([
      'attributeChanged: change title (title), Clerk → Chief',
      'attributeChanged: change cost (cost), 7 → 8',
      'attributeChanged: change displayName (displayName), – → Ada',
      'valueBlanked: blank nickName (nickName), Al → –',
    ]);
    expect(all.changes.map(({ path }) => path)).toEqual(['title', 'cost', 'displayName', 'nickName']);
    expect(all.account).toBeNull();
  });

  it('of name or mail is a rename, but a first mail is none', () => {
    const mail = (value: string) => ({ emails: [{ type: 'work', value }] });
    const renamed = plan(
      input({
        account: account({ known: mail('a@example.com') }),
        desired: desired({
          userNameGenerated: false,
          userNames: ['lee@example.com'],
          attributes: mail('b@example.com'),
        }),
      }),
    );
    expect(renamed.operations).toEqual([`update on lee@example.com ${JSON.stringify(mail('b@example.com'))}`]);
    expect(renamed.harms).toEqual([
      'rename: change emails[work].value, a@example.com → b@example.com',
      'rename: change userName, ada@example.com → lee@example.com',
    ]);
    const first = plan(
      input({ account: account({ known: {} }), desired: desired({ attributes: mail('b@example.com') }) }),
    );
    expect(first.harms).toEqual([
      'attributeChanged: change emails[work].value (emails[work].value), – → b@example.com',
    ]);
    const other = plan(input({ desired: desired({ attributes: { title: 'Clerk', emailsOf: 'x', userNameOf: 'y' } }) }));
    expect(other.harms.map((words) => words.split(':')[0])).toEqual(['attributeChanged', 'attributeChanged']);
  });

  it('of a mapped name follows HR, and where the rules name none the account keeps its own', () => {
    const named = (userNames: readonly string[]) =>
      plan(input({ desired: desired({ userNameGenerated: false, userNames }) })).operations;
    expect(named(['lee@example.com'])).toEqual(['update on lee@example.com {"title":"Clerk"}']);
    expect(named([])).toEqual([]);
    expect(plan(input({ desired: desired({ userNames: ['lee@example.com'] }) })).operations).toEqual([]);
  });

  it('is told in texts, whatever kind of value it is', () => {
    const { all } = plan(
      input({
        account: account({ known: { cost: 7, roles: ['a'] } }),
        desired: desired({ attributes: { cost: { centre: 8 }, roles: ['b'], flag: true } }),
      }),
    );
    expect(all.harms.map(({ attribute, before, after }) => [attribute, before, after])).toEqual([
      ['cost.centre', '', '8'],
      ['roles', '["a"]', '["b"]'],
      ['flag', '', 'true'],
      ['cost', '7', ''],
    ]);
  });

  it('harms nobody whose account was never confirmed', () => {
    const unmade = input({
      account: account({ remoteId: null, active: null }),
      open: [open('create')],
      desired: MANY('Chief'),
    });
    expect(plan(unmade).operations).toEqual(['create on ada@example.com {"title":"Chief"}']);
    expect(plan(unmade).harms).toEqual([]);
  });

  it('replaces what is not confirmed, sent or not, and waits behind what is being sent', () => {
    for (const state of ['queued', 'failed', 'accepted'] as const) {
      const old = open('update', state, { attributes: { title: 'Second' } });
      const replaced = plan(input({ open: [old], desired: MANY('Third') }));
      expect(replaced.supersedes).toEqual([old.id]);
      expect(replaced.operations).toEqual(['update on ada@example.com {"title":"Third"}']);
      expect(replaced.harms).toEqual(['attributeChanged: change title (title), Second → Third']);
    }
    const sent = open('update', 'sending', { attributes: { title: 'Second' } });
    expect(plan(input({ open: [sent], desired: MANY('Third') })).supersedes).toEqual([]);
  });

  it('leaves memberships that wait where they are', () => {
    const waiting = openMember('addMember', 'Staff');
    const changed = plan(
      input({
        open: [waiting],
        desired: desired({ attributes: { title: 'Chief' }, memberships: [membership('Staff')] }),
      }),
    );
    expect(changed.supersedes).toEqual([]);
    expect(changed.operations).toEqual(['update on ada@example.com {"title":"Chief"}']);
  });

  it('of somebody who works here again leaves the sessions alone, and of somebody who does not lets them end', () => {
    const revoking = open('revokeSessions');
    expect(plan(input({ open: [revoking], desired: MANY('Chief') })).supersedes).toEqual([revoking.id]);
    const inactive = { account: account({ active: false }), stage: 'preboarding', shallBeActive: false } as const;
    expect(plan(input({ ...inactive, open: [revoking], desired: MANY('Chief') })).supersedes).toEqual([]);
  });
});

describe('a name that was given to somebody else before', () => {
  const renaming = (change: Partial<AccountInput> = {}, title = 'Clerk'): AccountInput =>
    input({
      answers: answers({ nameHeld: true }),
      desired: desired({ userNameGenerated: false, userNames: ['lee@example.com'], attributes: { title } }),
      ...change,
    });

  it('waits for a person, and nothing else is to be sent', () => {
    const { all, operations } = plan(renaming());
    expect(operations).toEqual(['update on lee@example.com {"title":"Clerk"} REFUSED name-taken']);
    expect(all.operations[0]?.refused).toEqual({
      class: 'permanent',
      status: null,
      code: 'name-taken',
      detail: 'the userName was given to somebody else before; no name is given to two people',
      retryAfterMs: null,
      countsAsAttempt: true,
    });
  });

  it.each<[string, AccountInput, string]>([
    ['attributes', renaming({}, 'Chief'), 'update on ada@example.com {"title":"Chief"}'],
    ['the switch', renaming({ account: account({ active: false }) }), 'enable on ada@example.com {"title":"Clerk"}'],
    [
      'the manager',
      renaming({ account: account({ managerKnown: '3' }) }),
      'update on ada@example.com manager= {"title":"Clerk"}',
    ],
    ['what it replaces', renaming({ open: [open('update', 'queued')] }), 'update on ada@example.com {"title":"Clerk"}'],
  ])('does not keep %s from being sent under the old name', (_, of, sent) => {
    expect(plan(of).operations[0]).toBe(sent);
    expect(plan(of).operations.at(-1)).toMatch(/REFUSED name-taken$/);
    expect(plan(of).operations).toHaveLength(2);
  });

  it('is no matter where the account has it, in whatever case', () => {
    const changed = plan(renaming({ account: account({ userName: 'LEE@example.com' }) }, 'Chief'));
    expect(changed.operations).toEqual(['update on lee@example.com {"title":"Chief"}']);
    expect(plan(renaming({ account: account({ userName: 'LEE@example.com' }) })).operations).toEqual([]);
  });
});

describe('the switch', () => {
  const suspended = { stage: 'onLeave', shallBeActive: false } as const;

  it('is thrown by what brings the account on or off', () => {
    expect(plan(input({ account: account({ active: false }) })).operations).toEqual([
      'enable on ada@example.com {"title":"Clerk"}',
    ]);
    expect(plan(input(suspended)).operations).toEqual(['disable off ada@example.com {"title":"Clerk"}']);
  });

  it('is thrown where nobody knows how the account stands and it is not being made', () => {
    expect(plan(input({ account: account({ active: null }) })).operations).toEqual([
      'enable on ada@example.com {"title":"Clerk"}',
    ]);
  });

  it('off is harm where no record of this worker says so', () => {
    expect(plan(input(suspended)).harms).toEqual(['inferredLeaver: disable, active → onLeave']);
    expect(plan(input({ ...suspended, leaving: true })).harms).toEqual([]);
    expect(plan(input({ ...suspended, account: account({ active: null }) })).harms).toEqual([]);
    expect(plan(input({ account: account({ active: false }) })).harms).toEqual([]);
    expect(plan(input({ ...suspended, open: [open('disable', 'sending')] })).harms).toEqual([]);
  });

  it('goes ahead of whatever else changes', () => {
    const more = plan(input({ ...suspended, desired: MANY('Chief') }));
    expect(more.operations).toEqual([
      'disable off ada@example.com {"title":"Chief"}',
      'update off ada@example.com {"title":"Chief"}',
    ]);
    const managed = plan(input({ ...suspended, account: account({ managerKnown: '3' }) }));
    expect(managed.operations).toEqual([
      'disable off ada@example.com manager= {"title":"Clerk"}',
      'update off ada@example.com manager= {"title":"Clerk"}',
    ]);
  });

  it('goes ahead of what it replaces, and makes the account where it may come to find none', () => {
    const replaced = plan(input({ ...suspended, open: [open('update', 'queued')] }));
    expect(replaced.operations).toEqual([
      'disable off ada@example.com {"title":"Clerk"}',
      'update off ada@example.com {"title":"Clerk"}',
    ]);
    const unmade = account({ remoteId: null, active: null, known: {} });
    const making = plan(
      input({ ...suspended, account: unmade, open: [open('create', 'sending'), open('update', 'queued')] }),
    );
    expect(making.operations).toEqual([
      'disable off ada@example.com {"title":"Clerk"}',
      'create off ada@example.com {"title":"Clerk"}',
    ]);
  });

  it('is thrown anew by what replaces it unsent', () => {
    const enabling = open('enable', 'queued');
    const inactive = { account: account({ active: false }), desired: MANY('Chief') };
    expect(plan(input({ ...inactive, open: [enabling] })).operations).toEqual([
      'enable on ada@example.com {"title":"Chief"}',
    ]);
    expect(plan(input({ ...inactive, open: [open('enable', 'sending')] })).operations).toEqual([
      'update on ada@example.com {"title":"Chief"}',
    ]);
  });

  it('is part of making the account as long as it is not made', () => {
    const unmade = account({ remoteId: null, active: null, known: {} });
    for (const state of ['queued', 'failed', 'accepted'] as const) {
      const failed = open('create', state);
      const again = plan(input({ account: unmade, open: [failed], desired: MANY('Chief') }));
      expect(again.operations).toEqual(['create on ada@example.com {"title":"Chief"}']);
      expect(again.supersedes).toEqual([failed.id]);
    }
    expect(
      plan(input({ account: unmade, open: [open('create', 'sending')], desired: MANY('Chief') })).operations,
    ).toEqual(['update on ada@example.com {"title":"Chief"}']);
    expect(
      plan(input({ account: unmade, open: [open('update', 'sending')], desired: MANY('Chief') })).operations,
    ).toEqual(['create on ada@example.com {"title":"Chief"}']);
  });
});

describe('the manager', () => {
  const managed = (known: string, wanted: string, change: Partial<AccountInput> = {}, owed = ''): AccountInput =>
    input({
      account: account({ managerKnown: known, managerOwed: owed }),
      desired: desired({ managerKey: wanted }),
      ...change,
    });
  const ready = answers({ managerReady: true });

  it('is sent once the account is there, and owed until then', () => {
    const sent = plan(managed('', '3', { answers: ready }, '3'));
    expect(sent.operations).toEqual(['update on ada@example.com manager=3 {"title":"Clerk"}']);
    expect(sent.row).toEqual(account({ managerOwed: '' }));
    const owed = plan(managed('', '3'));
    expect(owed.operations).toEqual([]);
    expect(owed.row).toEqual(account({ managerOwed: '3' }));
  });

  it('that is taken away is a value blanked, and one that is replaced a changed one', () => {
    const cleared = plan(managed('3', ''));
    expect(cleared.operations).toEqual(['update on ada@example.com manager= {"title":"Clerk"}']);
    expect(cleared.harms).toEqual(['valueBlanked: blank manager (manager), 3 → –']);
    expect(cleared.row).toBeNull();
    const replaced = plan(managed('3', '4', { answers: ready }));
    expect(replaced.operations).toEqual(['update on ada@example.com manager=4 {"title":"Clerk"}']);
    expect(replaced.harms).toEqual(['attributeChanged: change manager (manager), 3 → 4']);
  });

  it('that is replaced by a debt harms when the debt arises, and not when it is paid', () => {
    expect(plan(managed('3', '4')).harms).toEqual(['attributeChanged: change manager (manager), 3 → 4']);
    expect(plan(managed('3', '4', { answers: ready }, '4')).harms).toEqual([]);
    expect(plan(managed('', '4', { answers: ready })).harms).toEqual([]);
  });

  it('is sent again by what replaces an unsent change that carried it', () => {
    const carrying = (state: 'queued' | 'sending') => open('update', state, { managerKey: '3' });
    const replaced = plan(
      managed('', '3', {
        open: [carrying('queued')],
        desired: desired({ managerKey: '3', attributes: { title: 'Chief' } }),
        answers: ready,
      }),
    );
    expect(replaced.operations).toEqual(['update on ada@example.com manager=3 {"title":"Chief"}']);
    const behind = plan(
      managed('', '3', {
        open: [carrying('sending')],
        desired: desired({ managerKey: '3', attributes: { title: 'Chief' } }),
        answers: ready,
      }),
    );
    // Sent once more, it says nothing that is not so.
    expect(behind.operations).toEqual(['update on ada@example.com manager=3 {"title":"Chief"}']);
  });

  it('is left alone by a change of somebody who never had one', () => {
    expect(plan(managed('', '', { desired: MANY('Chief') })).operations).toEqual([
      'update on ada@example.com {"title":"Chief"}',
    ]);
  });

  it('that is owed is not sent along with another change', () => {
    const owing = plan(managed('', '3', { desired: desired({ managerKey: '3', attributes: { title: 'Chief' } }) }));
    expect(owing.operations).toEqual(['update on ada@example.com {"title":"Chief"}']);
  });

  it('is taken away again where a try that is replaced may have written one', () => {
    const doubtful = (ambiguous: boolean, managerKey: string | null) => [
      open('update', 'queued', { managerKey }, ambiguous),
      open('update', 'queued', { managerKey: '' }),
    ];
    const sent = (operations: AccountInput['open']) =>
      plan(managed('', '', { open: operations, desired: MANY('Chief') })).operations;
    expect(sent(doubtful(true, '3'))).toEqual(['update on ada@example.com manager= {"title":"Chief"}']);
    expect(sent(doubtful(false, '3'))).toEqual(['update on ada@example.com {"title":"Chief"}']);
    expect(sent(doubtful(true, null))).toEqual(['update on ada@example.com {"title":"Chief"}']);
    expect(sent([open('revokeSessions', 'queued', { managerKey: '3' }, true)])).toEqual([
      'update on ada@example.com {"title":"Chief"}',
    ]);
  });
});

describe('groups', () => {
  const grouped = (
    groups: readonly string[],
    wanted: readonly string[],
    change: Partial<AccountInput> = {},
  ): AccountInput =>
    input({
      account: account({ groups }),
      desired: desired({ memberships: wanted.map((group) => membership(group)) }),
      ...change,
    });

  it('are joined and left as the rules say, and what is taken away counts', () => {
    const moved = plan(grouped(['Staff', 'Sales'], ['Staff', 'Plant']));
    expect(moved.operations).toEqual(['addMember Plant', 'removeMember Sales']);
    expect(moved.harms).toEqual(['membershipRemoved: leave group Sales (Sales), Sales → –']);
    expect(moved.all.operations[1]?.payload).toEqual({
      group: 'Sales',
      create: false,
      computed: false,
      authority: 'additive',
    });
  });

  it('are left with the authority that we have over them', () => {
    const of = grouped(['Sales'], [], { target: target({ fullGroups: ['Sales', 'Other'] }) });
    expect(plan(of).all.operations.map(({ payload }) => payload)).toEqual([
      { group: 'Sales', create: false, computed: false, authority: 'full' },
    ]);
  });

  it('are left at a stage that gives none', () => {
    expect(plan(grouped(['Sales'], ['Sales'], { shallHaveGroups: false })).operations).toEqual(['removeMember Sales']);
  });

  it('whose change waits and is not wanted any more is forgotten', () => {
    const joining = openMember('addMember', 'Plant');
    const forgotten = plan(grouped([], [], { open: [joining] }));
    expect([forgotten.operations, forgotten.supersedes]).toEqual([[], [joining.id]]);
    const leaving = openMember('removeMember', 'Sales', 'failed');
    const kept = plan(grouped(['Sales'], ['Sales'], { open: [leaving] }));
    expect([kept.operations, kept.supersedes]).toEqual([[], [leaving.id]]);
  });

  it('whose change has left is undone by its opposite', () => {
    const sent = plan(grouped([], [], { open: [openMember('addMember', 'Plant', 'sending')] }));
    expect([sent.operations, sent.supersedes]).toEqual([['removeMember Plant'], []]);
    const back = plan(grouped(['Sales'], ['Sales'], { open: [openMember('removeMember', 'Sales', 'sending')] }));
    expect([back.operations, back.supersedes]).toEqual([['addMember Sales'], []]);
  });

  it('whose change may have taken effect are put right, wanted or not', () => {
    const joined = openMember('addMember', 'Plant', 'queued', true);
    const undone = plan(grouped([], [], { open: [joined] }));
    expect([undone.operations, undone.supersedes]).toEqual([['removeMember Plant undoes'], [joined.id]]);
    const left = openMember('removeMember', 'Sales', 'queued', true);
    const again = plan(grouped(['Sales'], ['Sales'], { open: [left] }));
    expect([again.operations, again.supersedes]).toEqual([['addMember Sales'], [left.id]]);
  });

  it('whose change is wanted still are left to it', () => {
    const waiting = [openMember('addMember', 'Plant'), openMember('removeMember', 'Sales')];
    expect(plan(grouped(['Sales'], ['Plant'], { open: waiting })).all).toEqual(NOTHING);
  });

  it('whose change is replayed go the way the rules say', () => {
    const replayed = (
      kind: 'addMember' | 'removeMember',
      groups: readonly string[],
      wanted: readonly string[],
      ambiguous = false,
    ) => plan(grouped(groups, wanted, { replayed: [openMember(kind, 'Sales', 'failed', ambiguous)] })).operations;
    expect(replayed('addMember', [], ['Sales'])).toEqual(['addMember Sales']);
    expect(replayed('addMember', [], [])).toEqual([]);
    expect(replayed('addMember', [], [], true)).toEqual(['removeMember Sales undoes']);
    expect(replayed('addMember', ['Sales'], ['Sales'], true)).toEqual([]);
    expect(replayed('removeMember', [], [])).toEqual(['removeMember Sales']);
    expect(replayed('removeMember', ['Sales'], ['Sales'])).toEqual([]);
    expect(replayed('removeMember', ['Sales'], ['Sales'], true)).toEqual(['addMember Sales']);
  });

  it('of a suspended worker stay, also those that wait', () => {
    const waiting = openMember('addMember', 'Plant');
    const suspended = plan(
      grouped(['Sales'], ['Sales', 'Plant'], {
        stage: 'onLeave',
        shallBeActive: false,
        leaving: true,
        open: [waiting],
        target: target({ fullGroups: ['Staff'] }),
      }),
    );
    expect(suspended.operations).toEqual(['disable off ada@example.com {"title":"Clerk"}']);
    expect(suspended.supersedes).toEqual([]);
  });
});
