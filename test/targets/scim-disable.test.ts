import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../src/targets/scim/profiles.ts';
import { type Doorman, type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import { ALICE, accountOf, noAccount, openDesk, operation, resourceOf, TOKEN } from '../support/scim-desk.ts';

const open = async (options: FakeIdpOptions = {}) => {
  const users = options.users ?? [{ ...resourceOf(ALICE), id: 'a1' }];
  const idp = await startFakeIdp({ token: TOKEN, ...options, users });
  return { idp, desk: openDesk(idp.url) };
};
const LEAVER = { ...ALICE, active: false };
const ACCOUNT = accountOf(ALICE, 'a1');
const steps = (idp: Awaited<ReturnType<typeof open>>['idp']) =>
  idp.log.map(({ method, path }) => `${method} ${path.split('?')[0]}`);

describe('disabling an account', () => {
  test('is one PATCH and one reading that proves it', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('disable', LEAVER, ACCOUNT));
    expect(outcome.class).toBe('done');
    expect(account).toMatchObject({ remoteId: 'a1', active: false });
    expect(steps(idp)).toEqual(['PATCH /Users/a1', 'GET /Users/a1']);
    expect(idp.user('007')?.active).toBe(false);
  });

  test('is sent although we believe the account to be inactive', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    await desk.deliver(operation('disable', LEAVER, accountOf(LEAVER, 'a1', { active: false })));
    expect(idp.user('007')?.active).toBe(false);
  });

  test('is not done when the target took it and did not apply it', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'pretend' }, times: 1 });
    const first = await desk.deliver(operation('disable', LEAVER, ACCOUNT));
    expect(first.outcome).toMatchObject({ class: 'retry', code: 'not-applied', countsAsAttempt: false });
    expect(first.account).toEqual({ active: true });
    expect(idp.user('007')?.active).toBe(true);
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('done');
    expect(idp.user('007')?.active).toBe(false);
  });

  test('is not done when the target does not say whether the account is active', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'GET', act: { kind: 'answer', status: 200, body: '{"id":"a1"}' } });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome).toMatchObject({
      class: 'retry',
      code: 'not-applied',
    });
  });

  test('reads an inactive account that is described in text', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({
      method: 'GET',
      act: {
        kind: 'answer',
        status: 200,
        body: '{"ID":"a1","Active":"False"}',
        headers: { 'content-type': 'text/html' },
      },
    });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('done');
  });

  test.each([
    ['the answer to the PATCH is lost', { kind: 'loseReply' }],
    ['the PATCH is answered 500 after applying', { kind: 'answerAfter', status: 500 }],
    ['the PATCH is answered 202', { kind: 'answerAfter', status: 202 }],
    ['the PATCH is answered 400 although it was applied', { kind: 'answerAfter', status: 400 }],
  ] as const)('is done by its reading when %s', async (_name, act) => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'PATCH', act });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('done');
  });

  test.each([
    ['lost before it arrived', { kind: 'reset' }, 'ambiguous'],
    ['refused', { kind: 'answer', status: 403, body: '{"detail":"synced from a directory"}' }, 'permanent'],
    ['throttled', { kind: 'answer', status: 429, headers: { 'retry-after': '2' } }, 'retry'],
    ['unauthorized', { kind: 'answer', status: 401 }, 'refreshCredentials'],
  ] as const)('stays undone when the PATCH is %s', async (_name, act, class_) => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'PATCH', act });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe(class_);
    expect(idp.user('007')?.active).toBe(true);
  });

  test('is repeated when the reading fails', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ method: 'GET', act: { kind: 'reset' } });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('retry');
  });

  test('needs no reading where the profile says that the echo is the truth', async () => {
    const { idp } = await open();
    await using _ = idp;
    await using desk = openDesk(idp.url, { like: { ...PROFILES.generic, echoIsTruth: true } });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('done');
    expect(idp.log).toHaveLength(1);
  });
});

describe('disabling an account that is not where we left it', () => {
  test('404 settles only after the account cannot be read and a look-up finds nobody', async () => {
    const { idp, desk } = await open({ users: [] });
    await using _ = idp;
    await using __ = desk;
    const { outcome } = await desk.deliver(operation('disable', LEAVER, ACCOUNT));
    expect(outcome).toMatchObject({ class: 'done', code: 'nobody' });
    expect(steps(idp)).toEqual(['PATCH /Users/a1', 'GET /Users/a1', 'GET /Users', 'GET /Users']);
  });

  test('404 on an old id disables the account that carries our externalId now', async () => {
    const { idp, desk } = await open({ users: [{ ...resourceOf(ALICE), id: 'new' }] });
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('disable', LEAVER, ACCOUNT));
    expect(outcome.class).toBe('done');
    expect(account).toMatchObject({ remoteId: 'new', active: false });
    expect(idp.user('007')?.active).toBe(false);
  });

  test('a look-up that is not answered settles nothing', async () => {
    const { idp, desk } = await open({ users: [] });
    await using _ = idp;
    await using __ = desk;
    idp.behaviours.add({ path: '/Users?', act: { kind: 'answer', status: 503 } });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('retry');
    idp.behaviours.clear();
    idp.behaviours.add({ path: '/Users?', act: { kind: 'answer', status: 200, body: '<html>sign in</html>' } });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome).toMatchObject({
      class: 'retry',
      code: 'unreadable-answer',
    });
    idp.behaviours.clear();
    idp.behaviours.add({ path: '/Users?', act: { kind: 'answer', status: 404 } });
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('targetDown');
  });

  test('an account whose id we never learnt is found by externalId', async () => {
    const { idp, desk } = await open();
    await using _ = idp;
    await using __ = desk;
    const { outcome, account } = await desk.deliver(operation('disable', LEAVER, noAccount(LEAVER)));
    expect(outcome.class).toBe('done');
    expect(account?.remoteId).toBe('a1');
    expect(idp.user('007')?.active).toBe(false);
  });

  test('somebody else who has our name is left alone, and one of unknown origin is not taken for nobody', async () => {
    const { idp, desk } = await open({
      users: [
        { ...resourceOf({ ...ALICE, externalId: '999' }), id: 'x' },
        { userName: 'bare', id: 'y' },
      ],
    });
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('disable', LEAVER, noAccount(LEAVER)))).outcome.code).toBe('nobody');
    const bare = { ...LEAVER, userName: 'bare', attributes: {} };
    expect((await desk.deliver(operation('disable', bare, noAccount(bare)))).outcome.code).toBe('nobody');
    const doubtful = operation('disable', bare, noAccount(bare), { ambiguous: true });
    expect((await desk.deliver(doubtful)).outcome).toMatchObject({ class: 'permanent', code: 'holder-unproven' });
    expect(idp.writes()).toEqual([]);
  });

  test('two accounts with our externalId are for a person to tell apart', async () => {
    const { idp, desk } = await open({ users: [resourceOf(ALICE), resourceOf({ ...ALICE, userName: 'other' })] });
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('disable', LEAVER, noAccount(LEAVER)))).outcome).toMatchObject({
      class: 'permanent',
      code: 'ambiguous-match',
    });
    expect(idp.writes()).toEqual([]);
  });
});

describe('an endpoint that changes nothing without a tag', () => {
  /** RFC 6585 section 3. */
  const demanding: Doorman = (asked, ask) =>
    asked.method === 'GET' || asked.headers['if-match'] !== undefined ? ask(asked) : { status: 428 };
  const written = (idp: Awaited<ReturnType<typeof open>>['idp']) =>
    idp.log.map(
      ({ method, status, headers }) => `${method} ${headers['if-match'] === undefined ? '' : 'tagged '}${status}`,
    );

  test('is shown the one it has, and the account is disabled', async () => {
    const { idp, desk } = await open({ doorman: demanding });
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome.class).toBe('done');
    expect(idp.user('007')?.active).toBe(false);
    expect(written(idp)).toEqual(['PATCH 428', 'GET 200', 'PATCH tagged 200', 'GET 200']);
    expect(desk.intents, 'every write has its intent').toHaveLength(4);
  });

  test('is asked again where somebody else changed the account in between, and a stale tag of ours is never in the way', async () => {
    let others = 2;
    const racing: Doorman = (asked, ask, kept) => {
      const user = kept.users.get('a1');
      if (asked.method === 'PATCH' && asked.headers['if-match'] !== undefined && others > 0 && user !== undefined) {
        others -= 1;
        ask({
          ...asked,
          headers: {},
          body: asked.body.replace('"path":"active","value":false', `"path":"title","value":"x${others}"`),
        });
      }
      return demanding(asked, ask, kept);
    };
    const { idp, desk } = await open({ doorman: racing });
    await using _ = idp;
    await using __ = desk;
    const stale = accountOf(ALICE, 'a1', { etag: 'W/"stale"' });
    expect((await desk.deliver(operation('disable', LEAVER, stale))).outcome.class).toBe('done');
    expect(idp.user('007')?.active).toBe(false);
    expect(written(idp).filter((one) => one === 'PATCH tagged 412')).toHaveLength(2);
  });

  test('and shows none is a refusal that says so', async () => {
    const tagless: Doorman = (asked, ask, kept) => {
      const { status, body } = demanding(asked, ask, kept);
      return {
        status,
        ...(body === undefined ? {} : { body: body.replace(/"version":"[^"]*(?:\\"[^"]*)*"/, '"v":""') }),
      };
    };
    const { idp, desk } = await open({ doorman: tagless });
    await using _ = idp;
    await using __ = desk;
    expect((await desk.deliver(operation('disable', LEAVER, ACCOUNT))).outcome).toMatchObject({
      class: 'permanent',
      status: 428,
    });
  });
});
