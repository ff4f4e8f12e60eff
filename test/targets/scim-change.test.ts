import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/base/json.ts';
import { PROFILES } from '../../src/targets/scim/profiles.ts';
import { type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import {
  ALICE,
  accountOf,
  ENTERPRISE,
  membership,
  noAccount,
  openDesk,
  operation,
  resourceOf,
  TOKEN,
} from '../support/scim-desk.ts';

const open = async (options: FakeIdpOptions = {}) => {
  const users = options.users ?? [{ ...resourceOf(ALICE), id: 'a1' }];
  const idp = await startFakeIdp({ token: TOKEN, ...options, users });
  return { idp, desk: openDesk(idp.url) };
};
const ACCOUNT = accountOf(ALICE, 'a1');
const MOVED = {
  ...ALICE,
  attributes: { ...ALICE.attributes, [ENTERPRISE]: { employeeNumber: '007', department: 'Marketing' } },
};
const operationsSent = (body: string | undefined) => (JSON.parse(body ?? '{}') as { Operations: unknown }).Operations;

describe('changing an account', () => {
  test('a mover is one PATCH of what differs', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('update', MOVED, ACCOUNT));
    expect(outcome).toMatchObject({ class: 'done', status: 200 });
    expect(idp.log).toHaveLength(1);
    expect(operationsSent(idp.log[0]?.body)).toEqual([
      { op: 'replace', path: `${ENTERPRISE}:department`, value: 'Marketing' },
    ]);
    expect(account).toMatchObject({ remoteId: 'a1', active: true });
  });

  test('a 204 without a body is as good as a 200', async () => {
    const { idp, desk } = await open({ patchAnswer: 204 });
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('update', MOVED, ACCOUNT));
    expect(outcome).toMatchObject({ class: 'done', status: 204 });
    expect(account).toEqual({ remoteId: 'a1', etag: null, userName: ALICE.userName });
  });

  test('nothing that differs sends nothing', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('update', ALICE, ACCOUNT))).outcome.class).toBe('done');
    const otherCase = { ...ALICE, userName: ALICE.userName.toUpperCase() };
    expect((await desk.deliver(operation('update', otherCase, ACCOUNT))).outcome.class).toBe('done');
    expect(idp.log).toEqual([]);
  });

  test('what is sent on create only, and what a blank keeps, is left alone', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const payload = {
      ...ALICE,
      attributes: { title: 'Boss' },
      onCreateOnly: ['title'],
      keepWhenBlank: ['name', 'emails', ENTERPRISE],
    };
    expect((await desk.deliver(operation('update', payload, ACCOUNT))).outcome.code).toBe('nothing-to-send');
    expect(idp.log).toEqual([]);
  });

  test('an update never sends active, so that a late mover cannot revive a leaver', async () => {
    const { idp, desk } = await open({ users: [{ ...resourceOf({ ...ALICE, active: false }), id: 'a1' }] });
    await using _ = idp;
    await using __ = desk;
    await desk.deliver(operation('update', MOVED, ACCOUNT));
    await desk.deliver(operation('update', MOVED, ACCOUNT, { ambiguous: true }));
    expect(idp.user('007')).toMatchObject({ active: false, [ENTERPRISE]: { department: 'Marketing' } });
    for (const { body } of idp.log) expect(body).not.toContain('active');
  });

  test('an enable always sends active, with what else differs', async () => {
    const { idp, desk } = await open({ users: [{ ...resourceOf({ ...ALICE, active: false }), id: 'a1' }] });
    await using _ = idp;
    await using __ = desk;
    const { account } = await desk.deliver(operation('enable', MOVED, ACCOUNT));
    expect(account?.active).toBe(true);
    expect(idp.user('007')).toMatchObject({ active: true, [ENTERPRISE]: { department: 'Marketing' } });
    expect(idp.log).toHaveLength(1);
    await desk.deliver(operation('enable', MOVED, accountOf(MOVED, 'a1')));
    expect(operationsSent(idp.log[1]?.body)).toEqual([{ op: 'replace', path: 'active', value: true }]);
  });

  test('after a lost answer the target is read first and only what is missing is sent', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'loseReply' }, times: 1 });
    expect((await desk.deliver(operation('update', MOVED, ACCOUNT))).outcome).toMatchObject({
      class: 'ambiguous',
      status: null,
    });
    const { outcome, account } = await desk.deliver(operation('update', MOVED, ACCOUNT, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'done', code: 'nothing-to-send' });
    expect(account?.seen).toEqual(MOVED.attributes);
    expect(idp.log.map(({ method }) => method)).toEqual(['PATCH', 'GET']);
  });

  test('an added element is not added twice by a repetition', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const emails = [...(ALICE.attributes.emails as object[]), { value: 'a@home', type: 'home' }];
    const payload = { ...ALICE, attributes: { ...ALICE.attributes, emails: emails as never } };
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'loseReply' }, times: 1 });
    await desk.deliver(operation('update', payload, ACCOUNT));
    await desk.deliver(operation('update', payload, ACCOUNT, { ambiguous: true }));
    expect(idp.user('007')?.emails).toHaveLength(2);
  });

  test('elements that somebody else wrote stay', async () => {
    const theirs = { value: 'x@private', type: 'home' };
    const users = [
      { ...resourceOf(ALICE), id: 'a1', emails: [...(ALICE.attributes.emails as object[]), theirs], nickName: 'Al' },
    ];
    const { idp, desk } = await open({ users });
    await using _ = idp;
    await using __ = desk;
    const payload = {
      ...MOVED,
      attributes: { ...MOVED.attributes, emails: [{ value: 'new@example.com', type: 'work', primary: true }] },
    };
    await desk.deliver(operation('update', payload, ACCOUNT, { ambiguous: true }));
    expect(idp.user('007')).toMatchObject({ nickName: 'Al', emails: [{ value: 'new@example.com' }, theirs] });
  });

  test('an element that we believed to be there and is not is found out by reading and added', async () => {
    const { emails: _, ...without } = resourceOf(ALICE);
    const { idp, desk } = await open({ users: [{ ...without, id: 'a1' }] });
    await using __ = idp;
    await using ___ = desk;
    const payload = {
      ...ALICE,
      attributes: { ...ALICE.attributes, emails: [{ value: 'n@x', type: 'work', primary: true }] },
    };
    expect((await desk.deliver(operation('update', payload, ACCOUNT))).outcome.class).toBe('done');
    expect(idp.user('007')?.emails).toEqual([{ type: 'work', value: 'n@x', primary: true }]);
    expect(idp.log.map(({ method }) => method)).toEqual(['PATCH', 'GET', 'PATCH']);
  });

  test('an account that is gone is gone', async () => {
    const { idp, desk } = await open({ users: [] });
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('update', MOVED, ACCOUNT))).outcome).toMatchObject({
      class: 'gone',
      status: 404,
    });
    expect((await desk.deliver(operation('update', MOVED, noAccount(MOVED)))).outcome).toMatchObject({
      class: 'gone',
      code: 'no-account',
    });
    expect(idp.writes()).toHaveLength(1);
  });

  test('an account whose id we never learnt is looked up and compared with what stands there', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('update', MOVED, noAccount(MOVED)));
    expect(outcome.class).toBe('done');
    expect(account?.remoteId).toBe('a1');
    expect(operationsSent(idp.writes()[0]?.body)).toHaveLength(1);
  });

  test('a manager is set, replaced, left alone and removed', async () => {
    const { idp, desk } = await open({
      users: [
        { ...resourceOf(ALICE), id: 'a1' },
        { id: 'm1', userName: 'm1' },
        { id: 'm2', userName: 'm2' },
      ],
    });
    await using _ = idp;
    await using __ = desk;
    const manager = () => (idp.user('007')?.[ENTERPRISE] as { manager?: unknown } | undefined)?.manager;
    const steps = [
      ['M1', 'm1', '', { value: 'm1' }],
      ['M2', 'm2', 'M1', { value: 'm2' }],
      [null, null, 'M2', { value: 'm2' }],
      ['M9', null, 'M2', { value: 'm2' }],
      ['', null, 'M2', undefined],
    ] as const;
    for (const [managerKey, managerRemoteId, managerKnown, expected] of steps) {
      const account = accountOf(ALICE, 'a1', { managerKnown });
      const { outcome } = await desk.deliver(
        operation('update', { ...ALICE, managerKey }, account, { managerRemoteId }),
      );
      expect(outcome.class).toBe('done');
      expect(manager()).toEqual(expected);
    }
    expect(idp.log).toHaveLength(3);
    await desk.deliver(
      operation('update', { ...ALICE, managerKey: 'M1' }, ACCOUNT, { managerRemoteId: 'm1', ambiguous: true }),
    );
    await desk.deliver(
      operation('update', { ...ALICE, managerKey: 'M1' }, ACCOUNT, { managerRemoteId: 'm1', ambiguous: true }),
    );
    expect(idp.writes()).toHaveLength(4);
  });

  test('a renaming to a name that somebody has is a conflict, and to one that is ours by now is none', async () => {
    const { idp, desk } = await open({
      users: [
        { ...resourceOf(ALICE), id: 'a1' },
        { id: 'b1', userName: 'alice.roe@example.com' },
      ],
    });
    await using _ = idp;
    await using __ = desk;
    const renamed = { ...ALICE, userName: 'alice.roe@example.com' };
    expect((await desk.deliver(operation('update', renamed, ACCOUNT))).outcome).toMatchObject({
      class: 'conflict',
      code: 'name-taken',
    });
    idp.users.delete('b1');
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'answerAfter', status: 409 }, times: 1 });
    expect((await desk.deliver(operation('update', renamed, ACCOUNT))).outcome.class).toBe('ambiguous');
    expect((await desk.deliver(operation('update', renamed, ACCOUNT, { ambiguous: true }))).outcome.class).toBe('done');
    expect(idp.user('alice.roe@example.com')?.id).toBe('a1');
  });

  test('a change that was only taken in is done when reading shows it, and in doubt until then', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const stop = idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 202 } });
    expect((await desk.deliver(operation('update', MOVED, ACCOUNT))).outcome.class).toBe('ambiguous');
    stop();
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'answerAfter', status: 202 } });
    expect((await desk.deliver(operation('update', MOVED, ACCOUNT))).outcome.class).toBe('done');
  });

  test('with tags, a change by somebody else is read and the PATCH repeated once', async () => {
    const { idp } = await open();
    await using _ = idp;
    await using desk = openDesk(idp.url, { like: { ...PROFILES.generic, ifMatch: true } });
    const stale = accountOf(ALICE, 'a1', { etag: 'W/"0"' });
    expect((await desk.deliver(operation('update', MOVED, stale))).outcome.class).toBe('done');
    expect(idp.log.map(({ method, status }) => `${method} ${status}`)).toEqual(['PATCH 412', 'GET 200', 'PATCH 200']);
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'answer', status: 412 } });
    expect((await desk.deliver(operation('update', ALICE, accountOf(MOVED, 'a1')))).outcome).toMatchObject({
      class: 'retry',
      status: 412,
      countsAsAttempt: true,
    });
  });
});

describe('deleting an account', () => {
  test.each([[204], [200], [404], [410]])('HTTP %i is done', async (status) => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    if (status !== 204) idp.behaviours.add({ method: 'DELETE', act: { kind: 'answerAfter', status } });
    expect((await desk.deliver(operation('delete', ALICE, ACCOUNT))).outcome.class).toBe('done');
    expect(idp.users.size).toBe(0);
  });

  test('an account without an id is looked up, and nobody is nobody', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('delete', ALICE, noAccount(ALICE)))).outcome).toMatchObject({
      class: 'done',
      status: 204,
    });
    expect((await desk.deliver(operation('delete', ALICE, noAccount(ALICE)))).outcome).toMatchObject({
      class: 'done',
      code: 'nobody',
    });
  });

  test('a delete that was only taken in is done when reading finds nothing', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'DELETE', act: { kind: 'answer', status: 202 }, times: 1 });
    expect((await desk.deliver(operation('delete', ALICE, ACCOUNT))).outcome.class).toBe('retry');
    idp.behaviours.add({ method: 'DELETE', act: { kind: 'answerAfter', status: 202 }, times: 1 });
    expect((await desk.deliver(operation('delete', ALICE, ACCOUNT))).outcome.class).toBe('done');
  });
});

const KINDS = ['create', 'update', 'enable', 'disable', 'delete', 'addMember', 'removeMember'] as const;
const VALUES: readonly JsonObject[] = [
  {},
  { title: 'b"c' },
  { title: 'd\\e é', nickName: 'f', emails: [{ value: 'x', type: 'work' }] },
];
const ALL = KINDS.flatMap((kind) =>
  VALUES.flatMap((known) =>
    VALUES.flatMap((desired) =>
      [true, false].map((more) => ({ kind, known, desired, manager: more, groupKnown: more })),
    ),
  ),
);

test('what is shown beforehand is what is sent when nothing goes wrong', async () => {
  const mix = new Set<string>();
  for (const { kind, known, desired, manager, groupKnown } of ALL) {
    const present = kind === 'create' ? [] : [{ ...resourceOf({ ...ALICE, attributes: known }), id: 'a/1' }];
    const members = kind === 'removeMember' ? { members: [{ value: 'a/1' }] } : {};
    await using idp = await startFakeIdp({
      token: TOKEN,
      users: [{ id: 'm 1', userName: 'm' }, ...present],
      groups: [{ id: 'g?1', displayName: 'Staff & "Co"', ...members }],
    });
    await using desk = openDesk(idp.url);
    const payload = { ...ALICE, attributes: desired, managerKey: manager ? 'M' : null };
    const account = kind === 'create' ? noAccount(payload) : accountOf({ ...ALICE, attributes: known }, 'a/1');
    const sendable =
      kind === 'addMember' || kind === 'removeMember'
        ? membership(kind, 'Staff & "Co"', 'a/1', { groupRemoteId: groupKnown ? 'g?1' : null })
        : operation(kind, payload, account, { managerRemoteId: manager ? 'm 1' : null });
    const shown = desk.target
      .show(sendable)
      .map((request) => ({ ...request, path: request.path.replace('<id:Staff & "Co">', 'g%3F1') }));
    const { outcome } = await desk.deliver(sendable);
    expect(outcome.class).toBe('done');
    expect(idp.log.map(({ method, path, body }) => ({ method, path, body }))).toEqual(shown);
    expect(desk.intents).toEqual(shown);
    expect(desk.answers.map(({ request }) => request)).toEqual(shown);
    mix.add(`${kind} ${shown.length}`);
  }
  expect([...mix].sort()).toEqual([
    'addMember 1',
    'addMember 2',
    'create 1',
    'delete 1',
    'disable 2',
    'enable 1',
    'removeMember 1',
    'removeMember 2',
    'update 0',
    'update 1',
  ]);
});

test('ids that were not issued yet are shown as what they stand for', async () => {
  await using desk = openDesk('http://127.0.0.1:9');
  const shown = desk.target.show(operation('update', MOVED, { ...accountOf(ALICE, 'a1'), remoteId: null }));
  expect(shown.at(-1)).toMatchObject({ method: 'PATCH', path: '/Users/<id:007>' });
  expect(desk.target.show(membership('addMember', 'Staff', 'a1', { account: noAccount(ALICE) })).at(-1)).toMatchObject({
    path: '/Groups/<id:Staff>',
    body: expect.stringContaining('<id:007>'),
  });
});
