import { describe, expect, test } from 'vitest';
import { Gathering, together } from '../../src/pipeline/together.ts';
import type { ClaimedOperation } from '../../src/store/store.ts';
import { ALICE, accountOf, noAccount } from '../support/scim-desk.ts';

let lastId = 0;
const claimed = (change: Partial<ClaimedOperation> = {}): ClaimedOperation => {
  lastId += 1;
  return {
    id: lastId,
    workerKey: `w${lastId}`,
    connection: 'acme',
    target: 'idp',
    kind: 'create',
    lane: 'joiner',
    payload: ALICE,
    attempts: 0,
    ambiguous: false,
    account: noAccount(ALICE),
    managerRemoteId: null,
    groupRemoteId: null,
    transition: 'joiner',
    firstSentAt: '2026-11-23T11:00:00.000Z' as ClaimedOperation['firstSentAt'],
    createdAt: '2026-11-23T11:00:00.000Z' as ClaimedOperation['createdAt'],
    ...change,
  };
};
const present = accountOf(ALICE, 'u1');
const member = (group: string, change: Partial<ClaimedOperation> = {}) =>
  claimed({
    kind: 'addMember',
    account: present,
    payload: { group, create: false, computed: false, authority: 'full' },
    ...change,
  });
const shape = (loads: readonly (readonly ClaimedOperation[])[]) => loads.map(({ length }) => length);

describe('together', () => {
  test('travel creates, updates and enables, at most as many as the target takes, in the order of their claim', () => {
    const all = [
      claimed(),
      claimed({ kind: 'update', account: present }),
      claimed({ kind: 'enable', account: present }),
    ];
    expect(together(all, 3)).toEqual([all]);
    expect(together([...all, claimed()], 3).map((load) => load.map(({ kind }) => kind))).toEqual([
      ['create', 'update', 'enable'],
      ['create'],
    ]);
  });

  test('travels nothing but memberships where the target takes one at a time', () => {
    expect(shape(together([claimed(), claimed(), member('All'), member('All')], null))).toEqual([1, 1, 2]);
  });

  test.each<[string, Partial<ClaimedOperation>]>([
    ['is in doubt and looks first', { ambiguous: true }],
    ['is a create of somebody who is there', { account: present }],
    ['is an update of somebody whose id is unknown', { kind: 'update' }],
    ['is a disable', { kind: 'disable', lane: 'leaver', account: present }],
    ['is a disable in the lane of movers', { kind: 'disable', lane: 'mover', account: present }],
    ['is a delete', { kind: 'delete', account: present }],
    ['ends sessions', { kind: 'revokeSessions', account: present }],
    ['belongs to a leaver', { kind: 'update', lane: 'emergency', account: present }],
  ])('does not travel what %s', (_name, change) => {
    expect(shape(together([claimed(), claimed(change), claimed()], 100))).toEqual([2, 1]);
  });

  test('travel memberships of one kind and group, those of leavers apart', () => {
    const all = [
      member('All'),
      member('Lab'),
      member('All', { kind: 'removeMember', lane: 'mover' }),
      member('All', { kind: 'removeMember', lane: 'leaver' }),
      member('All', { kind: 'removeMember', lane: 'emergency' }),
      member('All', { lane: 'mover' }),
    ];
    expect(together(all, 100).map((load) => load.map(({ id }) => all.findIndex((one) => one.id === id)))).toEqual([
      [0, 5],
      [1],
      [2],
      [3, 4],
    ]);
  });
});

describe('gathering memberships', () => {
  const makes = { urgent: false, operations: [claimed()] };
  const joins = { urgent: false, operations: [member('All')] };

  test('waits for nothing while no account is being made', () => {
    const gathering = new Gathering(0);
    expect(gathering.next([], 1)).toMatchObject({ which: 'idle', busy: [] });
    expect(gathering.next([joins, { urgent: true, operations: [claimed()] }], 2)).toMatchObject({
      which: 'idle',
      busy: ['All'],
    });
  });

  test('looks for full batches now and then while accounts are being made, and takes all of them after a minute', () => {
    const gathering = new Gathering(0);
    const at = (ms: number) => gathering.next([makes], ms).which;
    expect([at(0), at(100), at(249), at(250), at(400)]).toEqual(['full', 'none', 'none', 'full', 'none']);
    expect([at(59_999), at(60_000), at(60_100), at(119_999), at(120_000)]).toEqual([
      'full',
      'any',
      'none',
      'full',
      'any',
    ]);
  });

  test('counts the minute from when nothing was being made, and survives a clock that was set back', () => {
    const gathering = new Gathering(0);
    gathering.next([], 1_000_000);
    expect(gathering.next([makes], 1_059_999).which).toBe('full');
    expect(gathering.next([makes], 5).which).toBe('any');
    expect(gathering.next([makes], 6).which).toBe('full');
  });
});
