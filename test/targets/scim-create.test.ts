import { describe, expect, test } from 'vitest';
import { RANDOM_PASSWORD } from '../../src/base/password-marker.ts';
import { type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import {
  ALICE,
  accountOf,
  ENTERPRISE,
  noAccount,
  openDesk,
  operation,
  resourceOf,
  TOKEN,
} from '../support/scim-desk.ts';

const open = async (options: FakeIdpOptions = {}) => {
  const idp = await startFakeIdp({ token: TOKEN, ...options });
  return { idp, desk: openDesk(idp.url) };
};
const posts = (idp: Awaited<ReturnType<typeof open>>['idp']) =>
  idp.log.filter(({ method, path }) => method === 'POST' && path === '/Users');

describe('creating an account', () => {
  test('sends one request with externalId, active and all schemas, and reports id, tag and name', async () => {
    const { idp, desk } = await open({ users: [{ id: 'boss', userName: 'boss' }] });
    await using _ = idp;
    await using __ = desk;
    const manager = 'boss';
    const { outcome, account } = await desk.deliver(
      operation('create', { ...ALICE, active: false, managerKey: '1' }, undefined, { managerRemoteId: manager }),
    );
    expect(outcome).toMatchObject({ class: 'done', status: 201 });
    const stored = idp.user('007');
    expect(stored).toMatchObject({
      userName: ALICE.userName,
      externalId: '007',
      active: false,
      name: { givenName: 'Alice', familyName: 'Doe' },
      [ENTERPRISE]: { employeeNumber: '007', department: 'Sales', manager: { value: manager } },
    });
    expect(account).toMatchObject({ remoteId: stored?.id, active: false, userName: ALICE.userName });
    expect(account?.etag).toMatch(/^W\//);
    const sent = posts(idp).at(-1);
    expect(sent?.headers).toMatchObject({
      'content-type': 'application/scim+json',
      accept: 'application/scim+json, application/json',
      authorization: `Bearer ${TOKEN}`,
      'user-agent': 'Rollcall/test',
    });
    expect(desk.intents).toHaveLength(1);
  });

  test.each([
    ['the reply is lost', { kind: 'loseReply' }],
    ['the server says 500 after applying', { kind: 'answerAfter', status: 500 }],
    ['a gateway says 504 after applying', { kind: 'answerAfter', status: 504, body: '<html>gateway</html>' }],
    ['the answer is a bare 409 to our own success', { kind: 'answerAfter', status: 409 }],
    ['the answer is 201 without a body and without Location', { kind: 'answerAfter', status: 201 }],
    ['the answer is 202', { kind: 'answerAfter', status: 202 }],
    [
      'the answer redirects the reader to a Location',
      { kind: 'answerAfter', status: 200, body: '{}', headers: { location: '/scim/v2/Users/u-1' } },
    ],
  ] as const)('does not double when %s', async (_name, act) => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'POST', act, times: 1 });
    const { outcome, account } = await desk.deliver(operation('create', ALICE));
    expect(outcome.class).toBe('done');
    expect(account?.remoteId).toBe(idp.user('007')?.id);
    expect(idp.users.size).toBe(1);
    expect(posts(idp)).toHaveLength(1);
  });

  test('looks up before it repeats, and repeats when nobody is there', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'POST', act: { kind: 'reset' }, times: 1 });
    const first = await desk.deliver(operation('create', ALICE));
    expect(first.outcome).toMatchObject({ class: 'ambiguous', countsAsAttempt: false });
    expect(idp.log.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    const second = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(second.outcome.class).toBe('done');
    expect(idp.log.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET', 'GET', 'GET', 'POST']);
    expect(idp.users.size).toBe(1);
  });

  test('adopts what an earlier try created, without writing', async () => {
    const { idp, desk } = await open({ users: [resourceOf(ALICE)] });
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'done', code: 'found' });
    expect(account).toMatchObject({ remoteId: idp.user('007')?.id, active: true, seen: ALICE.attributes });
    expect(idp.writes()).toEqual([]);
  });

  test('finishes what an earlier try left otherwise than wanted', async () => {
    const older = { ...ALICE, active: false, attributes: { ...ALICE.attributes, title: 'Trainee' } };
    const { idp, desk } = await open({ users: [resourceOf(older)] });
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome.class).toBe('done');
    expect(account?.active).toBe(true);
    expect(idp.user('007')).toMatchObject({ title: 'Clerk', active: true });
    expect(idp.users.size).toBe(1);
  });

  test('an account that is known already is made as wanted, not created again', async () => {
    const { idp, desk } = await open({ users: [{ ...resourceOf({ ...ALICE, active: false }), id: 'u1' }] });
    await using _ = idp;
    await using __ = desk;
    const account = { ...noAccount(ALICE), remoteId: 'u1' };
    expect((await desk.deliver(operation('create', ALICE, account))).outcome.class).toBe('done');
    expect(idp.user('007')?.active).toBe(true);
    expect(idp.writes().map(({ method }) => method)).toEqual(['PATCH']);
  });

  test('a later visible account is not doubled: the second 409 is looked up as well', async () => {
    const { idp, desk } = await open({ lateVisibility: 4 });
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'POST', act: { kind: 'loseReply' }, times: 1 });
    const classes: string[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: tries > 0 }));
      classes.push(outcome.class);
      if (outcome.class === 'done') break;
    }
    expect(classes.at(0)).toBe('ambiguous');
    expect(classes.at(-1)).toBe('done');
    expect(idp.users.size).toBe(1);
  });
});

describe('a name that is taken', () => {
  test('by somebody else’s account is a conflict that asks for the next name', async () => {
    const { idp, desk } = await open({ users: [resourceOf({ ...ALICE, externalId: '999' })] });
    await using _ = idp;
    await using __ = desk;
    const { outcome } = await desk.deliver(operation('create', ALICE));
    expect(outcome).toMatchObject({ class: 'conflict', code: 'name-taken', status: 409, countsAsAttempt: true });
    expect(idp.writes()).toHaveLength(1);
  });

  test('in other letters is taken all the same', async () => {
    const { idp, desk } = await open({
      users: [resourceOf({ ...ALICE, userName: 'ALICE.DOE@example.com', externalId: '999' })],
    });
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('create', ALICE))).outcome.code).toBe('name-taken');
  });

  test('by an account without externalId is not ours when we never sent this create before', async () => {
    const { externalId: _, ...bare } = resourceOf(ALICE);
    const { idp, desk } = await open({ users: [bare] });
    await using __ = idp;
    await using ___ = desk;
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'conflict',
      code: 'name-taken',
    });
    expect(idp.user(ALICE.userName)?.externalId).toBeUndefined();
  });

  test('by an account without externalId is ours when we sent this create before and its attributes agree', async () => {
    const { externalId: _, ...bare } = resourceOf(ALICE);
    const { idp, desk } = await open({ users: [bare] });
    await using __ = idp;
    await using ___ = desk;
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome.class).toBe('done');
    expect(idp.user(ALICE.userName)?.externalId).toBe('007');
    expect(idp.users.size).toBe(1);
  });

  test('by an account without externalId whose attributes disagree is never ours, and no other one is made beside it', async () => {
    const { externalId: _, ...bare } = resourceOf({ ...ALICE, attributes: { ...ALICE.attributes, title: 'Director' } });
    const { idp, desk } = await open({ users: [bare] });
    await using __ = idp;
    await using ___ = desk;
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'ambiguous', code: 'holder-unproven', countsAsAttempt: true });
    expect(idp.writes()).toEqual([]);
  });

  test('a 409 that nobody explains stays in doubt and counts as an attempt', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'POST', act: { kind: 'answer', status: 409 } });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'ambiguous',
      status: 409,
      countsAsAttempt: true,
    });
  });

  test('two accounts with our externalId stop every write', async () => {
    const { idp, desk } = await open({ users: [resourceOf(ALICE), resourceOf({ ...ALICE, userName: 'other' })] });
    await using _ = idp;
    await using __ = desk;
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'permanent', code: 'ambiguous-match' });
    expect(idp.writes()).toEqual([]);
  });

  test('a provider that ignores the filter and lists everybody gives nobody away', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const everybody = JSON.stringify({
      totalResults: 1,
      Resources: [{ id: 'x', userName: 'someone', externalId: '1' }],
    });
    idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 200, body: everybody } });
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'done', status: 201 });
  });

  test('a provider that ignores the filter and shows only some of everybody has not answered', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const page = JSON.stringify({ totalResults: 2, Resources: [{ id: 'x', userName: 'someone', externalId: '1' }] });
    idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 200, body: page } });
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'ambiguous', code: 'unreadable-answer' });
    expect(idp.writes()).toEqual([]);
  });
});

describe('what stands in the way of a create', () => {
  test.each([
    [429, 'retry', 7_000],
    [401, 'refreshCredentials', null],
    [400, 'permanent', null],
    [403, 'permanent', null],
    [404, 'targetDown', null],
  ] as const)('HTTP %i ends it at once as %s', async (status, class_, retryAfterMs) => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const headers = retryAfterMs === null ? {} : { 'retry-after': '7' };
    idp.behaviours.add({ method: 'POST', act: { kind: 'answer', status, headers, body: '{"detail":"no"}' } });
    const { outcome } = await desk.deliver(operation('create', ALICE));
    expect(outcome).toMatchObject({ class: class_, status, retryAfterMs, detail: 'no' });
    expect(idp.log).toHaveLength(1);
  });

  test('a 503 in between does not end the doubt an earlier try left, and hands on the patience asked for', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const later = new Date(Date.now() + 20_000).toUTCString();
    idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 503, headers: { 'retry-after': later } } });
    const { outcome } = await desk.deliver(operation('create', ALICE, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'ambiguous', status: 503, countsAsAttempt: false });
    expect(outcome.retryAfterMs).toBeGreaterThan(15_000);
    expect(outcome.retryAfterMs).toBeLessThanOrEqual(21_000);
    expect(idp.writes()).toEqual([]);
  });

  test('a filter value is escaped and encoded once', async () => {
    const nasty = { ...ALICE, externalId: 'a"b\\c & d=é+%', userName: 'w" or userName pr' };
    const { idp, desk } = await open({ users: [resourceOf(nasty)] });
    await using _ = idp;
    await using __ = desk;
    const { outcome } = await desk.deliver(operation('create', nasty, undefined, { ambiguous: true }));
    expect(outcome).toMatchObject({ class: 'done', code: 'found' });
    expect(idp.log[0]?.path).not.toMatch(/[ "\\]/);
  });

  test('a password marker is resolved when sent and shown as stars', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const payload = { ...ALICE, attributes: { ...ALICE.attributes, password: RANDOM_PASSWORD } };
    await desk.deliver(operation('create', payload));
    const sent = JSON.parse(posts(idp)[0]?.body ?? '{}') as { password: string };
    expect(sent.password).toMatch(/^\S{28}$/);
    expect(desk.intents[0]?.body).toContain('"password":"***"');
    expect(JSON.stringify([desk.intents, desk.answers])).not.toContain(sent.password);
    const again = operation('create', payload, accountOf(payload, String(idp.user('007')?.id)), { ambiguous: true });
    expect((await desk.deliver(again)).outcome.code).toBe('nothing-to-send');
  });
});
