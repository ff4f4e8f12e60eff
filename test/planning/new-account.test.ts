// Somebody who has no account of ours at a target: one is made, an existing one is taken over, or a person has to look.
import { describe, expect, it } from 'vitest';
import type { AccountInput } from '../../src/planning/plan-account.ts';
import {
  account,
  answers,
  desired,
  gone,
  input,
  listed,
  membership,
  NOW,
  open,
  openMember,
  payload,
  plan,
  target,
} from '../support/account-inputs.ts';

const NOTHING = { account: null, operations: [], supersedes: [], harms: [], changes: [] };
const fresh = (change: Partial<AccountInput> = {}): AccountInput =>
  input({ account: null, lane: 'joiner', transition: 'joiner', ...change });
const leftUnseen = (change: Partial<AccountInput> = {}): AccountInput =>
  gone({ account: null, desired: desired(), ...change });

describe('a new account', () => {
  it('is made with all that it shall hold, in the lane and under the transition of the decision', () => {
    const { all } = plan(fresh({ desired: desired({ onCreateOnly: ['title'], keepWhenBlank: ['nickName'] }) }));
    expect(all).toEqual({
      account: account({ remoteId: null, active: null, known: {} }),
      operations: [
        {
          target: 'idp',
          kind: 'create',
          lane: 'joiner',
          transition: 'joiner',
          notBefore: NOW,
          payload: payload({ onCreateOnly: ['title'], keepWhenBlank: ['nickName'] }),
        },
      ],
      supersedes: [],
      harms: [],
      changes: [],
    });
  });

  it('gets the name that was found free, inactive where it shall be', () => {
    const made = plan(
      fresh({ stage: 'preboarding', shallBeActive: false, answers: answers({ userName: 'ada2@example.com' }) }),
    );
    expect(made.operations).toEqual(['create off ada2@example.com {"title":"Clerk"}']);
    expect(made.row?.userName).toBe('ada2@example.com');
  });

  it('waits for a person beside an account that was taken from the worker', () => {
    const { all, harms } = plan(fresh({ answers: answers({ unpaired: ['ada@example.com', 'ada.l@example.com'] }) }));
    expect(all.operations).toHaveLength(1);
    expect(harms).toEqual([
      expect.stringMatching(/^adoption: create another account, ada@example\.com, ada\.l@example\.com → /),
    ]);
  });

  it('joins the groups that nothing under way joins already, where groups are given at this stage', () => {
    const wanted = desired({
      memberships: [membership('Staff'), membership('Sales', { authority: 'full', computed: true })],
    });
    const joined = plan(fresh({ desired: wanted }));
    expect(joined.operations.slice(1)).toEqual(['addMember Staff', 'addMember Sales']);
    expect(joined.all.operations[2]?.payload).toEqual(membership('Sales', { authority: 'full', computed: true }));
    expect(plan(fresh({ desired: wanted, open: [openMember('addMember', 'Staff')] })).operations.slice(1)).toEqual([
      'addMember Sales',
    ]);
    expect(plan(fresh({ desired: wanted, open: [openMember('removeMember', 'Staff')] })).operations.slice(1)).toEqual([
      'addMember Staff',
      'addMember Sales',
    ]);
    expect(plan(fresh({ desired: wanted, shallHaveGroups: false })).operations).toHaveLength(1);
  });

  it('refers to a manager whose account is there, and owes one whose account is not', () => {
    const managed = (managerReady: boolean, managerKey = '3') =>
      plan(fresh({ desired: desired({ managerKey }), answers: answers({ managerReady }) }));
    expect(managed(true).operations).toEqual(['create on ada@example.com manager=3 {"title":"Clerk"}']);
    expect(managed(true).row).toMatchObject({ managerKnown: '', managerOwed: '' });
    expect(managed(false).operations).toEqual(['create on ada@example.com {"title":"Clerk"}']);
    expect(managed(false).row).toMatchObject({ managerKnown: '', managerOwed: '3' });
    expect(managed(true, '').operations).toEqual(['create on ada@example.com {"title":"Clerk"}']);
  });

  it('is not made where no name is free: that is a failure people see', () => {
    const { all } = plan(fresh({ answers: answers({ userName: null }) }));
    expect(all).toEqual({
      ...NOTHING,
      operations: [
        {
          target: 'idp',
          kind: 'create',
          lane: 'joiner',
          transition: 'joiner',
          notBefore: NOW,
          payload: payload({ userName: '' }),
          refused: {
            class: 'permanent',
            status: null,
            code: 'name-taken',
            detail: 'every candidate for the userName belongs to somebody else',
            retryAfterMs: null,
            countsAsAttempt: true,
          },
        },
      ],
    });
  });

  it('is not refused a second time while the refusal stands', () => {
    const refused = (operations: AccountInput['open']) =>
      plan(fresh({ answers: answers({ userName: null }), open: operations })).operations;
    expect(refused([open('create', 'failed')])).toEqual([]);
    expect(refused([open('create', 'queued')])).toHaveLength(1);
    expect(refused([open('disable', 'failed')])).toHaveLength(1);
  });

  it.each(['expected', 'purged'] as const)('is nobody’s at stage %s, even where one is found', (stage) => {
    expect(plan(fresh({ stage, answers: answers({ matches: [listed()] }) })).all).toEqual(NOTHING);
  });

  it('waits until it is known what it shall hold', () => {
    expect(plan(fresh({ desired: null, answers: answers({ matches: [listed()] }) })).all).toEqual(NOTHING);
    expect(
      plan(fresh({ desired: null, answers: answers({ matches: [listed({ userName: 'svc-ada' })] }) })).all,
    ).toEqual(NOTHING);
  });
});

describe('an existing account', () => {
  it('of somebody at work is taken over as it stands, with a person’s approval and nothing to send', () => {
    const { all } = plan(fresh({ answers: answers({ matches: [listed()] }) }));
    expect(all.account).toEqual(account({ remoteId: 'r-9', origin: 'adopted' }));
    expect(all.operations).toEqual([]);
    expect(all.harms).toEqual([
      {
        kind: 'adoption',
        workerKey: '7',
        target: 'idp',
        operation: 'adopt r-9',
        attribute: null,
        before: 'ada@example.com',
        after: '',
      },
    ]);
  });

  it('is approved for the very values that would be sent', () => {
    const found = listed({ externalId: null, userName: 'al', resource: { title: 'Baron', nickName: 'Al' } });
    const wanted = desired({ userNameGenerated: false, attributes: { title: 'Clerk', cost: { centre: 7 } } });
    const adopted = plan(fresh({ desired: wanted, answers: answers({ matches: [found], foundBy: 'externalId' }) }));
    expect(adopted.operations).toEqual(['update on ada@example.com {"title":"Clerk","cost":{"centre":7}}']);
    expect(adopted.harms).toEqual([
      'adoption: adopt r-9, al → cost.centre=7, externalId=7, title=Clerk, userName=ada@example.com',
    ]);
    expect(adopted.row).toMatchObject({ userName: 'al', externalId: '', known: { title: 'Baron' }, groups: [] });
  });

  it('without a name keeps none, whose generated name nobody else gets', () => {
    const adopted = plan(fresh({ answers: answers({ matches: [listed({ userName: null })] }) }));
    expect(adopted.row?.userName).toBe('');
    expect(adopted.harms).toEqual(['adoption: adopt r-9, – → –']);
  });

  it('joins the groups and gets the manager after approval', () => {
    const wanted = desired({ memberships: [membership('Staff')], managerKey: '3' });
    const ready = plan(fresh({ desired: wanted, answers: answers({ matches: [listed()], managerReady: true }) }));
    expect(ready.operations).toEqual(['update on ada@example.com manager=3 {"title":"Clerk"}', 'addMember Staff']);
    const owed = plan(fresh({ desired: wanted, answers: answers({ matches: [listed()] }) }));
    expect(owed.operations).toEqual(['addMember Staff']);
    expect(owed.row).toMatchObject({ remoteId: 'r-9', managerOwed: '3' });
  });

  it('that shall not be active yet is switched off, which is harm of its own', () => {
    const preboarding = { stage: 'preboarding', shallBeActive: false } as const;
    const off = plan(
      fresh({ ...preboarding, answers: answers({ matches: [listed({ resource: { title: 'Baron' } })] }) }),
    );
    expect(off.operations).toEqual([
      'disable off ada@example.com {"title":"Clerk"}',
      'update off ada@example.com {"title":"Clerk"}',
    ]);
    expect(off.harms).toEqual([
      'adoption: adopt r-9, ada@example.com → disable, title=Clerk',
      'inferredLeaver: disable, active → preboarding',
    ]);
    const inactive = plan(fresh({ ...preboarding, answers: answers({ matches: [listed({ active: false })] }) }));
    expect(inactive.operations).toEqual([]);
    expect(inactive.harms).toHaveLength(1);
  });

  it('that is inactive is switched on for somebody at work', () => {
    const on = plan(fresh({ answers: answers({ matches: [listed({ active: false })] }) }));
    expect(on.operations).toEqual(['enable on ada@example.com {"title":"Clerk"}']);
    expect(on.row?.active).toBe(false);
  });

  it('beside another one is nobody’s until a person has paired the right one', () => {
    const two = plan(fresh({ answers: answers({ matches: [listed(), listed({ remoteId: 'r-8' })] }) }));
    expect(two.operations).toEqual(['create on {"title":"Clerk"} REFUSED ambiguous-match']);
    expect(two.all.operations[0]?.refused?.detail).toMatch(/^2 existing accounts match: "r-9", "r-8"; /);
    expect(two.row).toBeNull();
  });

  it('that may not be taken over is a failure people see', () => {
    const found = plan(fresh({ answers: answers({ matches: [listed({ externalId: '8' })] }) }));
    expect(found.operations).toEqual(['create on {"title":"Clerk"} REFUSED foreign-account']);
    expect(found.all.operations[0]?.refused?.detail).toBe(
      'the matching account carries the externalId of somebody else',
    );
  });

  it('that is protected is touched by nobody: visible at work, and left alone otherwise', () => {
    const service = listed({ userName: 'svc-backup' });
    for (const matches of [[service], [listed(), service]]) {
      const found = plan(fresh({ answers: answers({ matches }) }));
      expect(found.operations).toEqual(['create on {"title":"Clerk"} REFUSED protected-account']);
      expect(found.all.operations[0]?.refused?.detail).toBe('the matching account is protected');
      expect(plan(leftUnseen({ answers: answers({ matches }) })).all).toEqual(NOTHING);
    }
  });
});

describe('somebody who had left before they were ever seen', () => {
  it('loses the account that is found active, once a person approves', () => {
    const found = plan(leftUnseen({ answers: answers({ matches: [listed({ resource: { title: 'Baron' } })] }) }));
    expect(found.operations).toEqual(['disable off ada@example.com']);
    expect(found.harms).toEqual(['adoption: adopt r-9, ada@example.com → disable']);
    expect(found.row).toEqual(account({ remoteId: 'r-9', origin: 'adopted', known: {} }));
  });

  it('also leaves the groups that are ours in full, and their sessions end', () => {
    const found = plan(
      leftUnseen({
        target: target({ fullGroups: ['Staff'] }),
        endsSessions: true,
        answers: answers({ matches: [listed()] }),
      }),
    );
    expect(found.operations).toEqual([
      'disable off ada@example.com',
      'revokeSessions off ada@example.com',
      'removeMember Staff',
    ]);
  });

  it.each([
    ['nothing is found', leftUnseen()],
    ['it is inactive', leftUnseen({ answers: answers({ matches: [listed({ active: false })] }) })],
    [
      'it is another worker’s',
      leftUnseen({ answers: answers({ matches: [listed()], ownedElsewhere: new Set(['r-9']) }) }),
    ],
    ['it carries somebody else’s id', leftUnseen({ answers: answers({ matches: [listed({ externalId: '8' })] }) })],
    ['nobody knows what it would hold', leftUnseen({ desired: null, answers: answers({ matches: [listed()] }) })],
    [
      'the active one of two is another worker’s',
      leftUnseen({
        answers: answers({
          matches: [listed(), listed({ remoteId: 'r-8', active: false })],
          ownedElsewhere: new Set(['r-9']),
        }),
      }),
    ],
  ])('is left alone where %s', (_, of) => {
    expect(plan(of).all).toEqual(NOTHING);
  });

  it('is a failure people see where several match and one is active', () => {
    const matches = [listed({ active: false }), listed({ remoteId: 'r-8' })];
    const two = plan(leftUnseen({ answers: answers({ matches }) }));
    expect(two.operations).toEqual(['disable off {"title":"Clerk"} REFUSED ambiguous-match']);
    expect(two.all.operations[0]?.refused?.detail).toMatch(
      /^2 existing accounts match somebody who has left: "r-9", "r-8"; /,
    );
    expect(plan(leftUnseen({ open: [open('disable', 'failed')], answers: answers({ matches }) })).all).toEqual(NOTHING);
    expect(
      plan(leftUnseen({ open: [open('create', 'failed')], answers: answers({ matches }) })).operations,
    ).toHaveLength(1);
  });
});
