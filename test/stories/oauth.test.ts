import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardedBy, secretFolder } from '../support/access-desk.ts';
import { company, people } from '../support/cli.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';
import { startTokenServer, type TokenServerOptions } from '../support/token-server.ts';

const BEARER = 'auth: { kind: bearer, token: "${env:IDP_TOKEN}" }';
const HOUR_MS = 3_600_000;

const keyPair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    public: String(publicKey.export({ type: 'spki', format: 'pem' })),
    private: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
};

async function tokenServer(options: TokenServerOptions) {
  const server = await startTokenServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const auth = (tokenUrl: string, keyPath: string): string =>
  [
    'auth:',
    '      kind: oauth2',
    `      tokenUrl: ${tokenUrl}`,
    '      clientId: rollcall',
    '      scope: scim.write',
    '      method: private_key_jwt',
    `      privateKey: "\${file:${keyPath}}"`,
  ].join('\n');

describe('a target that wants tokens for a signed assertion', () => {
  it('gets one token for many joiners, another one when it has run out, and a leave whatever became of key and token', async () => {
    const first = keyPair();
    const second = keyPair();
    const keys = [first.public];
    const folder = secretFolder();
    folder.put('key.pem', first.private);
    let nowMs = () => 0;
    const server = await tokenServer({ keys, scope: 'scim.write', now: () => nowMs() });
    const house = await openTestHouse({
      mapping: mappingText({ [BEARER]: auth(server.url, folder.path('key.pem')) }),
      idp: { token: undefined, ...guardedBy(server.takes) },
    });
    nowMs = house.clock.nowMs;
    const staff = crowd(30);
    await house.sync(feed(staff));
    expect(house.idp.users.size).toBe(30);
    expect(server.log).toHaveLength(1);

    // A day later the token is long over; nobody is told 401.
    house.clock.advance(24 * HOUR_MS);
    await house.sync(feed(staff.map((one) => ({ ...one, title: one.id < '1002' ? 'Senior' : 'Clerk' }))));
    expect(server.log.length).toBeGreaterThan(1);
    expect(house.idp.log.filter(({ status }) => status === 401)).toEqual([]);

    // The key is exchanged and every token revoked in the same moment, and somebody leaves.
    keys.splice(0, 1, second.public);
    folder.put('key.pem', second.private);
    server.revoke();
    house.clock.advance(60_000);
    const before = house.idp.log.length;
    const left = staff.map((one) => (one.id === '1003' ? { ...one, status: 'T', end: '2026-11-23' } : one));
    await house.sync(feed(left.map((one) => ({ ...one, title: one.id < '1002' ? 'Senior' : 'Clerk' }))));
    expect(house.idp.user('1003')?.active).toBe(false);
    expect(await house.stage('1003')).toBe('left/settled');
    // The 401 was answered with another token in the same exchange: the disable is the very next thing that arrived.
    expect(house.idp.log.slice(before, before + 2).map(({ method, status }) => [method, status])).toEqual([
      ['PATCH', 401],
      ['PATCH', 200],
    ]);
    expect(server.log.every(({ status }) => status === 200)).toBe(true);
  });

  it('that cannot be had keeps everybody waiting without a failed transition, and goes on by itself', async () => {
    const pair = keyPair();
    const keys: string[] = [];
    const folder = secretFolder();
    folder.put('key.pem', pair.private);
    let nowMs = () => 0;
    const server = await tokenServer({ keys, scope: 'scim.write', now: () => nowMs() });
    const house = await openTestHouse({
      mapping: mappingText({ [BEARER]: auth(server.url, folder.path('key.pem')) }),
      idp: { token: undefined, ...guardedBy(server.takes) },
    });
    nowMs = house.clock.nowMs;
    keys.push(pair.public);
    await house.sync(feed(crowd(3)));
    expect(house.idp.users.size).toBe(3);

    // The provider forgets our key, and its tokens run out.
    keys.length = 0;
    house.clock.advance(2 * HOUR_MS);
    house.deliver(feed(crowd(6)));
    await house.cycle();
    await house.settle(10 * 60_000);
    expect(house.idp.users.size).toBe(3);
    expect(new Set(server.log.slice(1).map(({ status }) => status))).toEqual(new Set([401]));
    expect(await house.stage('1005')).toBe('active/delivering');

    keys.push(pair.public);
    await house.settle(HOUR_MS);
    expect(house.idp.users.size).toBe(6);
    expect(await house.stage('1005')).toBe('active/settled');
  });
});

it('no secret of ours and no token stands in the state, the output or the plan', async () => {
  const pair = keyPair();
  const server = await tokenServer({ keys: [pair.public], scope: 'scim.write' });
  const acme = await company({ token: undefined, ...guardedBy(server.takes) });
  const folder = secretFolder();
  folder.put('key.pem', pair.private);
  const mapping = readFileSync(join(acme.mappings, 'acme.yaml'), 'utf8');
  const changed = mapping.replace(/auth: \{.*\}/, auth(server.url, folder.path('key.pem')));
  expect(changed).not.toBe(mapping);
  acme.write('mappings/acme.yaml', changed);
  acme.feed(people(5));
  const runs = [
    await acme.cli('validate'),
    await acme.cli('plan', '--requests'),
    await acme.cli('sync'),
    await acme.cli('status'),
    await acme.cli('audit', 'export'),
  ];
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  expect(acme.idp.users.size).toBe(5);
  expect(server.log.length).toBeGreaterThan(0);
  const written = readdirSync(acme.state, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(acme.state, name)).isFile())
    .map((name) => readFileSync(join(acme.state, name), 'latin1'));
  const everything = [...runs.flatMap(({ stdout, stderr }) => [stdout, stderr]), ...written].join('\n');
  expect(everything).toContain('/Users');
  const tokens = acme.idp.log.map(({ headers }) => String(headers.authorization).replace(/^Bearer /, ''));
  const assertions = server.log.map(({ fields }) => fields.client_assertion ?? '');
  const key = pair.private.split('\n')[1] ?? '';
  for (const secret of [...new Set([...tokens, ...assertions, key])]) {
    expect(secret.length).toBeGreaterThan(20);
    expect(everything).not.toContain(secret);
  }
});
