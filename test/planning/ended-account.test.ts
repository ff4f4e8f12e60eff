// An account whose access ends, which is protected, or which is deleted: whoever has left gets out, and nobody else does.
import { describe, expect, it } from 'vitest';
import type { AccountInput } from '../../src/planning/plan-account.ts';
import {
  account,
  desired,
  gone,
  input,
  NOW,
  open,
  openMember,
  payload,
  plan,
  target,
} from '../support/account-inputs.ts';

const NOTHING = { account: null, operations: [], supersedes: [], harms: [], changes: [] };

describe('whoever leaves', () => {
  it.each([true, false, null])('is disabled even where the account is believed to be active=%s', (active) => {
    const left = plan(gone({ leaving: true, account: account({ active }) }));
    expect(left.operations).toEqual(['disable off ada@example.com {"title":"Clerk"}']);
    expect(left.harms).toEqual([]);
    expect(left.row).toBeNull();
  });

  it('is disabled by an operation that changes nothing but the access', () => {
    const [operation] = plan(gone({ leaving: true })).all.operations;
    expect(operation).toEqual({
      target: 'idp',
      kind: 'disable',
      lane: 'leaver',
      transition: 'mover',
      notBefore: NOW,
      payload: payload({ active: false }),
    });
  });

  it('takes everything with them but what is being sent, also what is not confirmed, and tells all that may stand', () => {
    const waiting = [open('update', 'queued'), open('enable', 'failed'), open('disable', 'queued')];
    const taken = open('create', 'accepted', { attributes: { title: 'Taken in' } });
    const flying = open('update', 'sending', { attributes: { title: 'Flying' } });
    const left = plan(gone({ leaving: true, open: [...waiting, taken, flying] }));
    expect(left.supersedes).toEqual([...waiting, taken].map(({ id }) => id));
    expect(left.operations).toEqual(['disable off ada@example.com {"title":"Flying"}']);
    expect(plan(gone({ leaving: true, open: [...waiting, taken] })).operations).toEqual([
      'disable off ada@example.com {"title":"Taken in"}',
    ]);
  });

  it('loses the sessions that are open after the disable, once, and only where that is asked for', () => {
    const waiting = open('revokeSessions', 'queued');
    const ending = plan(gone({ leaving: true, endsSessions: true, open: [waiting] }));
    expect(ending.operations).toEqual([
      'disable off ada@example.com {"title":"Clerk"}',
      'revokeSessions off ada@example.com',
    ]);
    expect(ending.supersedes).toEqual([waiting.id]);
    expect(plan(gone({ leaving: true, open: [waiting] })).supersedes).toEqual([]);
    const other = openMember('removeMember', 'Old');
    expect(plan(gone({ endsSessions: true, open: [other] })).supersedes).toEqual([]);
    const expected = plan(gone({ leaving: true, endsSessions: true, stage: 'expected', open: [waiting] }));
    expect(expected.operations).toEqual(['disable off ada@example.com {"title":"Clerk"}']);
    expect(expected.supersedes).toEqual([]);
  });

  it('leaves every group of ours, and those that are ours in full whoever added them', () => {
    const left = plan(
      gone({
        leaving: true,
        account: account({ groups: ['Sales'] }),
        target: target({ fullGroups: ['Staff', 'Sales'] }),
      }),
    );
    expect(left.operations.slice(1)).toEqual(['removeMember Sales', 'removeMember Staff']);
    expect(left.all.operations.slice(1).map(({ payload: what }) => 'authority' in what && what.authority)).toEqual([
      'full',
      'full',
    ]);
    expect(left.harms).toEqual([]);
    // Which of them somebody else gave is remembered with the row: only the disable may go on.
    expect(left.row).toEqual(account({ groups: ['Sales'] }));
    expect(plan(gone({ leaving: true, account: account({ groups: ['Sales'] }) })).row).toBeNull();
  });

  it('leaves no group of an account that was never made', () => {
    const unmade = account({ remoteId: null, active: null });
    const of = { leaving: true, account: unmade, target: target({ fullGroups: ['Staff'] }) };
    expect(plan(gone(of)).operations).toEqual(['disable off ada@example.com {"title":"Clerk"}']);
    expect(plan(gone({ ...of, open: [open('create', 'queued')] })).operations).toHaveLength(1);
    expect(plan(gone({ ...of, open: [open('create', 'sending')] })).operations).toHaveLength(2);
    expect(plan(gone({ ...of, open: [open('create', 'accepted')] })).operations).toHaveLength(2);
    expect(plan(gone({ ...of, open: [open('update', 'sending')] })).operations).toHaveLength(1);
  });

  it('has removals that waited travel as a leaver’s', () => {
    const waiting = openMember('removeMember', 'Sales');
    const flying = openMember('removeMember', 'Plant', 'sending');
    const left = plan(
      gone({ leaving: true, open: [waiting, flying], account: account({ groups: ['Sales', 'Plant'] }) }),
    );
    expect(left.operations.slice(1)).toEqual(['removeMember Sales']);
    expect(left.supersedes).toEqual([waiting.id]);
    const doubtful = openMember('removeMember', 'Sales', 'queued', true);
    const again = plan(gone({ leaving: true, open: [doubtful], account: account({ groups: [] }) }));
    expect(again.operations.slice(1)).toEqual(['removeMember Sales']);
    const later = plan(gone({ account: account({ active: false, groups: ['Sales'] }), open: [waiting] }));
    expect([later.operations, later.supersedes]).toEqual([[], []]);
  });

  it('owes no manager any more', () => {
    const left = plan(gone({ leaving: true, account: account({ managerOwed: '3' }) }));
    expect(left.row).toEqual(account({ managerOwed: '' }));
  });
});

describe('whoever has left', () => {
  it('is left in peace once the account is inactive', () => {
    expect(plan(gone({ account: account({ active: false }) })).all).toEqual(NOTHING);
    expect(plan(gone({ endsSessions: true, account: account({ active: false }) })).all).toEqual(NOTHING);
  });

  it('is disabled again where the account is found active, and that is counted as a leaver’s', () => {
    const found = plan(gone({ endsSessions: true }));
    expect(found.operations).toEqual([
      'disable off ada@example.com {"title":"Clerk"}',
      'revokeSessions off ada@example.com',
    ]);
    expect(found.harms).toEqual(['explicitLeaver: disable again, active → left']);
  });

  it.each<[string, Partial<AccountInput>]>([
    ['this decision is the leave', { leaving: true }],
    ['nobody knows whether it is active', { account: account({ active: null }) }],
    ['it was never made', { account: account({ remoteId: null }) }],
    ['our own change comes after the disable', { open: [open('enable', 'sending')] }],
  ])('counts for nobody where %s', (_, change) => {
    expect(plan(gone(change)).operations[0]).toBe('disable off ada@example.com {"title":"Clerk"}');
    expect(plan(gone(change)).harms).toEqual([]);
  });

  it.each([
    ['purged', 'explicitLeaver: disable again, active → purged'],
    ['expected', 'inferredLeaver: disable, active → expected'],
  ] as const)('counts where somebody else gave access to one who is %s', (stage, harm) => {
    expect(plan(gone({ stage })).operations[0]).toBe('disable off ada@example.com {"title":"Clerk"}');
    expect(plan(gone({ stage })).harms).toEqual([harm]);
  });

  it('is not disabled twice while a disable is under way, unless something comes after it', () => {
    for (const state of ['queued', 'sending', 'accepted'] as const) {
      expect(plan(gone({ open: [open('disable', state)] })).operations).toEqual([]);
    }
    expect(plan(gone({ open: [open('disable', 'failed')] })).operations).toHaveLength(1);
    expect(plan(gone({ open: [open('disable', 'sending'), open('enable', 'sending')] })).operations).toHaveLength(1);
    // What has failed does not come after it, nor do sessions and memberships.
    expect(plan(gone({ open: [open('disable', 'sending'), open('enable', 'failed')] })).operations).toEqual([]);
    expect(plan(gone({ open: [open('disable', 'sending'), open('revokeSessions', 'queued')] })).operations).toEqual([]);
  });

  it('is disabled although the end of a membership or of the sessions is under way', () => {
    for (const other of [openMember('removeMember', 'Old'), open('revokeSessions', 'queued')]) {
      const found = plan(gone({ open: [other] }));
      expect(found.operations).toEqual(['disable off ada@example.com {"title":"Clerk"}']);
      expect(found.supersedes).toEqual([]);
    }
  });

  it('is disabled after a change that is under way, although the account is inactive now', () => {
    const inactive = account({ active: false });
    expect(plan(gone({ account: inactive, open: [open('enable', 'sending')] })).operations).toHaveLength(1);
    expect(plan(gone({ account: inactive, open: [open('enable', 'failed')] })).operations).toEqual([]);
    expect(plan(gone({ account: inactive, open: [openMember('removeMember', 'Old')] })).operations).toEqual([]);
  });

  it('whose failed disable or end of sessions is asked for again is asked for again', () => {
    const inactive = account({ active: false });
    expect(
      plan(gone({ account: inactive, endsSessions: true, replayed: [open('disable', 'failed')] })).operations,
    ).toEqual(['disable off ada@example.com {"title":"Clerk"}', 'revokeSessions off ada@example.com']);
    expect(
      plan(gone({ account: inactive, endsSessions: true, replayed: [open('revokeSessions', 'failed')] })).operations,
    ).toEqual(['revokeSessions off ada@example.com']);
    expect(
      plan(gone({ account: inactive, endsSessions: true, replayed: [open('update', 'failed')] })).operations,
    ).toEqual([]);
  });
});

describe('an account that a rule protects', () => {
  const service = account({ userName: 'svc-ada', active: true });
  const unsafe = { account: service, target: target() };

  it('is not written to: what waits ends as one failure that people see', () => {
    const waiting = [open('update', 'queued'), open('enable', 'queued', { attributes: { title: 'Chief' } })];
    const kept = plan(input({ ...unsafe, open: waiting, desired: desired({ attributes: { title: 'Chief' } }) }));
    expect(kept.operations).toEqual(['enable on ada@example.com {"title":"Chief"} REFUSED protected-account']);
    expect(kept.all.operations[0]?.refused?.detail).toBe(
      'the account is protected: what it needs is to be done by hand',
    );
    expect(kept.supersedes).toEqual(waiting.map(({ id }) => id));
  });

  it('is left alone where nothing waits, whatever has failed or is under way', () => {
    const others = [open('update', 'failed'), open('update', 'sending'), open('update', 'accepted')];
    expect(plan(input({ ...unsafe, open: others, desired: desired({ attributes: { title: 'Chief' } }) })).all).toEqual(
      NOTHING,
    );
  });

  it('of a leaver is a failure that people see, whatever waits', () => {
    const left = plan(gone({ ...unsafe, leaving: true, open: [open('update', 'queued')] }));
    expect(left.operations).toEqual(['disable off svc-ada REFUSED protected-account']);
    expect(left.supersedes).toHaveLength(1);
    expect(plan(gone({ ...unsafe, leaving: true })).operations).toHaveLength(1);
    expect(plan(gone(unsafe)).all).toEqual(NOTHING);
  });

  it('is not written to by a replay either', () => {
    const again = plan(input({ ...unsafe, replayed: [open('update', 'failed'), open('enable', 'failed')] }));
    expect(again.operations).toEqual(['enable on ada@example.com {"title":"Clerk"} REFUSED protected-account']);
  });

  it('is never deleted', () => {
    expect(plan(gone({ ...unsafe, stage: 'purged', purging: true, target: target({ deletes: true }) })).all).toEqual(
      NOTHING,
    );
  });

  it('is judged by what we know of it', () => {
    const seen: unknown[] = [];
    const watching = target({
      isProtected: (one) => {
        seen.push(one);
        return false;
      },
    });
    plan(input({ target: watching, account: account({ remoteId: null, active: null }) }));
    plan(input({ target: watching }));
    expect(seen).toEqual([
      { remoteId: '', externalId: '7', userName: 'ada@example.com', active: false, resource: { title: 'Clerk' } },
      { remoteId: 'r-7', externalId: '7', userName: 'ada@example.com', active: true, resource: { title: 'Clerk' } },
    ]);
  });
});

describe('an account whose time is over', () => {
  const deleting = target({ deletes: true });
  const over = (change: Partial<AccountInput> = {}): AccountInput =>
    gone({ stage: 'purged', purging: true, target: deleting, account: account({ active: false }), ...change });

  it('is deleted with everything that waits, and every deletion counts', () => {
    const waiting = [open('disable', 'queued'), openMember('removeMember', 'Old', 'failed'), open('update', 'sending')];
    const deleted = plan(over({ open: waiting }));
    expect(deleted.operations).toEqual(['delete off ada@example.com']);
    expect(deleted.supersedes).toEqual(waiting.slice(0, 2).map(({ id }) => id));
    expect(deleted.harms).toEqual(['delete: delete, ada@example.com → deleted']);
    expect(deleted.row).toBeNull();
  });

  it('has nothing to delete where it was never made', () => {
    expect(plan(over({ account: account({ remoteId: null }) })).all).toEqual(NOTHING);
  });

  it('stays where the target may not delete', () => {
    expect(plan(over({ target: target() })).operations).toEqual([]);
  });

  it('is deleted when a failed deletion is asked for again, and only at the stage of deletion', () => {
    const replayed = [open('delete', 'failed')];
    expect(plan(over({ purging: false, replayed })).operations).toEqual(['delete off ada@example.com']);
    expect(plan(over({ purging: false })).operations).toEqual([]);
    expect(plan(over({ purging: false, replayed: [open('disable', 'failed')] })).operations).not.toContain(
      'delete off ada@example.com',
    );
    expect(plan(over({ purging: false, replayed, stage: 'left' })).operations).toEqual([]);
  });
});
