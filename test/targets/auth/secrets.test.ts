import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { basic, bearer } from '../../../src/runtime/access/credentials.ts';
import { secretReader } from '../../../src/runtime/secrets.ts';
import { ALWAYS, accessTo, guardedBy, literal, secretFolder } from '../../support/access-desk.ts';
import { startFakeIdp } from '../../support/fake-idp.ts';
import { ALICE, accountOf, openDesk, operation, resourceOf } from '../../support/scim-desk.ts';

const create = (n: number) =>
  operation('create', { ...ALICE, externalId: `n${n}`, userName: `n${n}@example.com` }, undefined, { id: n });

describe('a secret file', () => {
  test('that is replaced counts with the next request', async () => {
    const folder = secretFolder();
    const token = folder.put('token', 'one');
    const seen: (string | undefined)[] = [];
    await using idp = await startFakeIdp(guardedBy((authorization) => seen.push(authorization) > 0));
    await using desk = openDesk(idp.url, { access: accessTo({ auth: { kind: 'bearer', token } }) });
    await desk.deliver(create(1));
    folder.put('token', 'two');
    await desk.deliver(create(2));
    expect(seen).toEqual(['Bearer one', 'Bearer two']);
  });

  test('that is gone, empty or half written for a moment costs no call', () => {
    const folder = secretFolder();
    const read = secretReader(folder.put('token', 'one'), {});
    expect(read()).toBe('one');
    folder.overwrite('token', '');
    expect(read()).toBe('one');
    rmSync(folder.path('token'));
    expect([read(), read(true)]).toEqual(['one', 'one']);
    folder.put('token', 'two\n');
    expect(read()).toBe('two');
  });

  test('that was never there is a problem that names it', () => {
    const folder = secretFolder();
    const read = secretReader({ kind: 'file', path: folder.path('nothing') }, {});
    expect(() => read()).toThrow(/nothing cannot be read or is empty/);
    folder.put('empty', ' \n');
    expect(() => secretReader({ kind: 'file', path: folder.path('empty') }, {})()).toThrow(/is empty/);
  });

  test('is read again when asked for, however quickly it changed', () => {
    const folder = secretFolder();
    const read = secretReader(folder.put('token', 'v000'), {});
    for (let n = 1; n <= 200; n += 1) {
      const value = `v${String(n).padStart(3, '0')}`;
      folder.overwrite('token', value);
      expect(read(true)).toBe(value);
    }
  });
});

describe('HTTP 401', () => {
  /** What a file system shows that hides a change: the old text, unless it is read again. */
  const hidden = (before: string, after: string) => {
    let known = before;
    return (fresh = false) => {
      if (fresh) known = after;
      return known;
    };
  };

  test('with a changed secret repeats the request once, and counts as no attempt', async () => {
    await using idp = await startFakeIdp(guardedBy((authorization) => authorization === 'Bearer new'));
    await using desk = openDesk(idp.url, { token: hidden('old', 'new') });
    const { outcome } = await desk.deliver(operation('create', ALICE));
    expect(outcome).toMatchObject({ class: 'done', status: 201 });
    expect(idp.log.map(({ status, headers }) => [status, headers.authorization])).toEqual([
      [401, 'Bearer old'],
      [201, 'Bearer new'],
    ]);
    // Both requests have their intent and their answer in the journal.
    expect(desk.intents).toHaveLength(2);
    expect(desk.answers.map(({ outcome }) => [outcome.class, outcome.countsAsAttempt])).toEqual([
      ['refreshCredentials', false],
      ['done', true],
    ]);
    expect(idp.users.size).toBe(1);
  });

  test('a second time is the outcome, and is not repeated', async () => {
    await using idp = await startFakeIdp(guardedBy(() => false));
    await using desk = openDesk(idp.url, { token: hidden('old', 'new') });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'refreshCredentials',
      status: 401,
      countsAsAttempt: false,
    });
    expect(idp.log).toHaveLength(2);
  });

  test('with the same secret as before is not repeated', async () => {
    await using idp = await startFakeIdp(guardedBy(() => false));
    await using desk = openDesk(idp.url);
    await desk.deliver(operation('create', ALICE));
    expect(idp.log).toHaveLength(1);
  });

  test('in the middle of an operation repeats that request alone', async () => {
    let taken = 0;
    const takes = (authorization: string | undefined) => {
      const good = authorization === (taken < 2 ? 'Bearer old' : 'Bearer new');
      taken += good ? 1 : 0;
      return good;
    };
    await using idp = await startFakeIdp({ ...guardedBy(takes), users: [{ ...resourceOf(ALICE), id: 'a1' }] });
    await using desk = openDesk(idp.url, { token: hidden('old', 'new') });
    const leaver = { ...ALICE, active: false };
    await desk.deliver(operation('disable', leaver, accountOf(ALICE, 'a1')));
    await desk.deliver(operation('disable', leaver, accountOf(ALICE, 'a1')));
    expect(idp.log.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'PATCH 200',
      'GET 200',
      'PATCH 401',
      'PATCH 200',
      'GET 200',
    ]);
  });
});

describe('Basic', () => {
  test('sends user and password as RFC 7617 writes them, and both follow their files', async () => {
    const folder = secretFolder();
    const password = folder.put('password', 'pässword: with colon');
    const { credentials } = accessTo({ auth: { kind: 'basic', user: literal('rollcall'), password } });
    const shown = await credentials.headers(ALWAYS);
    expect(shown).toEqual({
      headers: { authorization: `Basic ${Buffer.from('rollcall:pässword: with colon', 'utf8').toString('base64')}` },
    });
    expect(await credentials.headers(ALWAYS)).toBe(shown);
    folder.put('password', 'other');
    expect(await credentials.headers(ALWAYS)).toEqual({ headers: { authorization: 'Basic cm9sbGNhbGw6b3RoZXI=' } });
  });

  test.each([
    ['a colon in the name', 'a:b', 'x'],
    ['a line break', 'a', 'x\r\ny: z'],
  ])('%s cannot be carried', async (_what, user, password) => {
    const { headers } = basic(
      () => user,
      () => password,
    );
    expect(await headers(ALWAYS)).toMatchObject({ fault: 'no-token' });
  });
});

test('a fault names the reference of a missing secret and never a value', async () => {
  const folder = secretFolder();
  const { credentials } = accessTo({ auth: { kind: 'bearer', token: { kind: 'file', path: folder.path('gone') } } });
  expect(await credentials.headers(ALWAYS)).toEqual({
    fault: 'no-token',
    detail: expect.stringContaining(folder.path('gone')),
    retryAfterMs: null,
  });
  const bad = bearer(() => 'sec ret');
  expect(JSON.stringify(await bad.headers(ALWAYS))).not.toContain('sec ret');
});
