// What only Okta's identity sources can show, told with the whole house: a service application with a private key, people whom Okta
// knew before, somebody reactivated behind our back, the time before the first day.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { type FakeOkta, type FakeOktaOptions, startFakeOkta } from '../support/fake-okta.ts';
import { heldClock } from '../support/held-clock.ts';
import { crowd, feed, mappingText, NOON, openTestHouse, type Person, type TestHouse } from '../support/house.ts';
import { oktaYaml } from '../support/stage-okta.ts';
import { startTokenServer } from '../support/token-server.ts';

const SCOPE = 'okta.identitySources.manage okta.users.manage';
const DAY_MS = 24 * 3_600_000;
const ended = (people: readonly Person[], id: string): readonly Person[] =>
  people.map((one) => (one.id === id ? { ...one, status: 'T', end: '2026-11-20' } : one));

async function stage(
  options: {
    readonly fake?: Partial<FakeOktaOptions>;
    readonly okta?: string;
    readonly before?: (okta: FakeOkta) => void;
  } = {},
): Promise<{
  readonly okta: FakeOkta;
  readonly test: TestHouse;
  readonly sync: (people: readonly Person[]) => Promise<void>;
}> {
  const clock = heldClock(NOON);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const tokens = await startTokenServer({ clientId: '0oa1', keys: [pem], scope: SCOPE, now: clock.nowMs });
  const okta = await startFakeOkta({
    now: clock.nowMs,
    takes: tokens.takes,
    scopes: SCOPE.split(' '),
    ...options.fake,
  });
  onTestFinished(async () => {
    await okta.close();
    await tokens[Symbol.asyncDispose]();
  });
  options.before?.(okta);
  const head = mappingText();
  const yaml = oktaYaml(options.okta).replace(
    /auth: .*/,
    `auth: { kind: oauth2, tokenUrl: "\${env:TOKEN_URL}", clientId: 0oa1, method: private_key_jwt, privateKey: "\${env:OKTA_KEY}", scope: ${SCOPE} }`,
  );
  const test = await openTestHouse({
    clock,
    mapping: `${head.slice(0, head.indexOf('  - name: idp'))}${yaml}`,
    environment: {
      OKTA_URL: okta.url,
      TOKEN_URL: tokens.url,
      OKTA_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    traffic: () => ({ arrived: okta.log.length, open: okta.open() }),
  });
  return {
    okta,
    test,
    sync: async (people) => {
      test.deliver(feed(people));
      await test.cycle();
      await test.settle(3 * 3_600_000);
    },
  };
}

describe('a service application of Okta', () => {
  it('proves itself with its private key, and a leaver loses access, groups, sessions and tokens', async () => {
    const { okta, test, sync } = await stage();
    const people = crowd(12);
    await sync(people);
    expect(okta.state.groups.get('All staff')?.members.size).toBe(12);
    await sync(ended(people, '1003'));
    const user = okta.state.coreOf('1003');
    expect(user).toMatchObject({ status: 'DEPROVISIONED', revoked: 1 });
    expect(okta.state.groups.get('All staff')?.members.has('1003')).toBe(false);
    expect(await test.stage('1003')).toBe('left/settled');
    expect(okta.violations).toEqual([]);
    // The audit names nobody: what was asked of Okta stands there without a login.
    const entries = await test.house.store.audit.entriesOf('acme', '1003');
    const asked = entries.filter(({ kind }) => kind === 'intent').map(({ body }) => JSON.stringify(body));
    expect(asked.length).toBeGreaterThan(3);
    for (const text of asked) expect(text).not.toMatch(/last1003/i);
  });

  it('without the scope is a target that is down: nobody fails for it, and nobody is lost', async () => {
    const { okta, test } = await stage({ fake: { scopes: ['okta.users.manage'] } });
    test.deliver(feed(crowd(12)));
    await test.cycle();
    await test.settle(120_000);
    expect(okta.state.core.size).toBe(0);
    expect(await test.stage('1003')).toBe('active/delivering');
  });
});

describe('people whom Okta knew before', () => {
  it('are found by the attribute that carries the external id, and held until a person has said yes', async () => {
    const { okta, test, sync } = await stage({
      before: (fake) => {
        fake.state.core.set('00u-old', {
          id: '00u-old',
          status: 'ACTIVE',
          shownStatus: 'ACTIVE',
          settlesMs: 0,
          profile: { login: 'old.name@example.com', email: 'old.name@example.com', employeeNumber: '1003' },
          revoked: 0,
        });
      },
    });
    await sync(crowd(12));
    expect(okta.state.core.size).toBe(12);
    expect(okta.state.core.get('00u-old')?.profile.title).toBeUndefined();
    await test.approveAll();
    await sync(crowd(12));
    expect(okta.state.core.size).toBe(12);
    expect(okta.state.core.get('00u-old')?.profile.title).toBe('Clerk');
    expect(await test.stage('1003')).toBe('active/settled');
  });
});

describe('somebody whom another administrator activates again', () => {
  it('is found by a reconciliation, and deactivated again', async () => {
    const { okta, test, sync } = await stage();
    const people = crowd(12);
    await sync(people);
    await sync(ended(people, '1003'));
    const user = okta.state.coreOf('1003');
    if (user === null) throw new Error('1003 is at Okta');
    okta.state.setStatus(user, 'ACTIVE');
    const [target] = test.live.targets.values();
    if (target === undefined) throw new Error('there is a target');
    const signal = new AbortController().signal;
    const report = await reconcile(test.house, test.live, target, {
      repair: ['zombies'],
      actor: 'operator:tester',
      signal,
    });
    expect(report.counts.zombie).toBe(1);
    expect(report.counts.drifted ?? 0).toBe(0);
    await test.settle(3_600_000);
    expect(okta.state.coreOf('1003')?.status).toBe('DEPROVISIONED');
  });
});

describe('a joiner before the first day', () => {
  it('is not at Okta, and is there and active when the day begins', async () => {
    const { okta, test, sync } = await stage();
    const people = [...crowd(11), { id: '2000', start: '2026-11-27' }];
    await sync(people);
    expect(await test.stage('2000')).toBe('preboarding/settled');
    expect(okta.state.coreOf('2000')).toBeNull();
    test.clock.advance(4 * DAY_MS);
    await test.settle(3 * 3_600_000);
    expect(await test.stage('2000')).toBe('active/settled');
    expect(okta.state.coreOf('2000')?.status).toBe('ACTIVE');
    expect(okta.state.groups.get('All staff')?.members.has('2000')).toBe(true);
  });
});

it('what was loaded and not started takes no effect while writes are stopped', async () => {
  const { okta, test } = await stage();
  let stopping: Promise<unknown> | null = null;
  okta.onAnswered = ({ path }) => {
    if (path.endsWith('bulk-upsert')) stopping ??= test.act('stop-writes', {});
  };
  test.deliver(feed(crowd(20)));
  await test.cycle();
  await test.settle(600_000);
  expect(await stopping).toMatchObject({ ok: true });
  expect(okta.state.core.size).toBe(0);
  expect(okta.log.some(({ path }) => path.endsWith('start-import'))).toBe(false);
  await test.act('resume-writes', {});
  await test.settle(3 * 3_600_000);
  expect(okta.state.core.size).toBe(20);
  expect(okta.violations).toEqual([]);
});
