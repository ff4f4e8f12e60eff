import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { instantOf } from '../../../src/base/instant.ts';
import type { ClientProof, OAuth2Settings } from '../../../src/mapping/auth-settings.ts';
import type { Access } from '../../../src/runtime/access/access.ts';
import type { Shown } from '../../../src/runtime/access/credentials.ts';
import type { Fault } from '../../../src/runtime/access/faults.ts';
import { ALWAYS, accessTo, guardedBy, literal, secretFolder } from '../../support/access-desk.ts';
import { startFakeIdp } from '../../support/fake-idp.ts';
import { heldClock } from '../../support/held-clock.ts';
import { ALICE, openDesk, operation } from '../../support/scim-desk.ts';
import { startTokenServer, type TokenServer } from '../../support/token-server.ts';
import { certificate } from '../../support/wire.ts';

const NOON = instantOf('2026-11-23T11:00:00Z');
const SECRET = 's3cret of the client: ä&=%+';
const MINUTE = 60_000;

interface Changes {
  readonly method?: 'client_secret_basic' | 'client_secret_post';
  readonly proof?: ClientProof;
  readonly scope?: string;
  readonly form?: OAuth2Settings['form'];
}

function client(server: { readonly url: string }, changes: Changes = {}, now: () => number = Date.now) {
  const folder = secretFolder();
  const secret = folder.put('secret', SECRET);
  const proof = changes.proof ?? { method: changes.method ?? 'client_secret_basic', secret };
  const { scope = '', form = {} } = changes;
  const auth: OAuth2Settings = {
    kind: 'oauth2',
    tokenUrl: literal(server.url),
    clientId: literal('rollcall'),
    scope,
    form,
    proof,
  };
  return { folder, access: accessTo({ auth }, now) };
}

const authorization = (shown: Shown | Fault): string =>
  'fault' in shown ? `${shown.fault}: ${shown.detail}` : (shown.headers.authorization ?? '');

/** Waits until the fetch in the background, the `count`th in all, is over: to ask for another token is to join it. */
async function over(
  server: TokenServer,
  count: number,
  { credentials }: Access,
  shown: Shown | Fault,
): Promise<boolean> {
  await server.arrivals(count);
  return credentials.refused(shown as Shown, ALWAYS);
}

describe('a client', () => {
  test.each(['client_secret_basic', 'client_secret_post'] as const)(
    'proves itself with %s in one way alone, with every character of its secret',
    async (method) => {
      await using server = await startTokenServer({ secrets: [SECRET], scope: 'a b' });
      const { access } = client(server, { method, scope: 'a b', form: { resource: literal('urn:x y') } });
      expect(server.takes(authorization(await access.credentials.headers(ALWAYS)))).toBe(true);
      const [request] = server.log;
      expect(request?.fields).toMatchObject({ grant_type: 'client_credentials', scope: 'a b', resource: 'urn:x y' });
      expect(request?.fields.client_secret).toBe(method === 'client_secret_post' ? SECRET : undefined);
      expect(request?.headers.accept).toBe('application/json');
    },
  );

  test.each([
    ['rsa', 'RS256', undefined, 'pem'],
    ['rsa', 'RS512', 'RS512', 'pem'],
    ['rsa', 'PS256', 'PS256', 'jwk'],
    ['P-256', 'ES256', undefined, 'pem'],
    ['P-384', 'ES384', undefined, 'jwk'],
    ['P-521', 'ES512', undefined, 'pem'],
  ] as const)(
    'signs its assertion with a key of %s as %s (asked for: %s, as %s)',
    async (kind, alg, algorithm, form) => {
      const pair =
        kind === 'rsa'
          ? generateKeyPairSync('rsa', { modulusLength: 2048 })
          : generateKeyPairSync('ec', { namedCurve: kind });
      const pem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
      const clock = heldClock(NOON);
      await using server = await startTokenServer({ keys: [pem], now: clock.nowMs });
      const folder = secretFolder();
      const text =
        form === 'pem'
          ? String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
          : JSON.stringify({ ...pair.privateKey.export({ format: 'jwk' }), kid: 'from-the-jwk' });
      const proof: ClientProof = {
        method: 'private_key_jwt',
        key: folder.put('key', text),
        ...(algorithm === undefined ? {} : { algorithm }),
        ...(form === 'pem' ? { keyId: literal('from-the-file') } : {}),
      };
      const { access } = client(server, { proof }, clock.nowMs);
      expect(server.takes(authorization(await access.credentials.headers(ALWAYS)))).toBe(true);
      const { header, claims } = server.log[0]?.assertion ?? { header: {}, claims: {} };
      expect(header).toEqual({ alg, typ: 'JWT', kid: form === 'pem' ? 'from-the-file' : 'from-the-jwk' });
      const seconds = clock.nowMs() / 1000;
      expect(claims).toMatchObject({
        iss: 'rollcall',
        sub: 'rollcall',
        aud: server.url,
        iat: seconds,
        exp: seconds + 300,
      });
      expect(server.log[0]?.fields.client_secret).toBeUndefined();
    },
  );

  test('signs every assertion anew, each with an id of its own', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const clock = heldClock(NOON);
    const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    await using server = await startTokenServer({ keys: [pem], now: clock.nowMs });
    const folder = secretFolder();
    const key = folder.put('key', String(privateKey.export({ type: 'sec1', format: 'pem' })));
    const { access } = client(server, { proof: { method: 'private_key_jwt', key } }, clock.nowMs);
    for (let n = 0; n < 3; n += 1) {
      expect(authorization(await access.credentials.headers(ALWAYS))).toMatch(/^Bearer /);
      clock.advance(3_600_000);
    }
    // The server refuses an id that it has seen.
    expect(new Set(server.log.map(({ assertion }) => assertion?.claims.jti)).size).toBe(3);
  });

  test('names the certificate of its key by thumbprints, and its key may be encrypted', async () => {
    const x509 = new X509Certificate(certificate('client-one.pem'));
    const pem = String(x509.publicKey.export({ type: 'spki', format: 'pem' }));
    await using server = await startTokenServer({ keys: [pem], audience: 'https://login.example.com/' });
    const folder = secretFolder();
    const proof: ClientProof = {
      method: 'private_key_jwt',
      key: folder.put('key', certificate('client-one.encrypted.key')),
      passphrase: folder.put('passphrase', 'correct-horse'),
      certificate: folder.put('certificate', certificate('client-one.pem')),
      audience: literal('https://login.example.com/'),
    };
    const { access } = client(server, { proof });
    expect(authorization(await access.credentials.headers(ALWAYS))).toMatch(/^Bearer/);
    const print = (algorithm: string) => createHash(algorithm).update(x509.raw).digest('base64url');
    expect(server.log[0]?.assertion?.header).toEqual({
      alg: 'ES256',
      typ: 'JWT',
      x5t: print('sha1'),
      'x5t#S256': print('sha256'),
    });
    folder.put('passphrase', 'wrong');
    const other = client(server, { proof });
    expect(await other.access.credentials.headers(ALWAYS)).toMatchObject({ fault: 'no-key' });
  });

  test('whose clock is wrong corrects itself by the clock of the token endpoint', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
    for (const skewMs of [-20 * MINUTE, 3 * 3_600_000]) {
      const theirs = heldClock(NOON);
      await using server = await startTokenServer({ keys: [pem], now: theirs.nowMs });
      const folder = secretFolder();
      const key = folder.put('key', String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
      const ours = () => theirs.nowMs() + skewMs;
      const { access } = client(server, { proof: { method: 'private_key_jwt', key } }, ours);
      expect(server.takes(authorization(await access.credentials.headers(ALWAYS)))).toBe(true);
      expect(server.log.map(({ status }) => status)).toEqual([401, 200]);
      // From then on at once.
      theirs.advance(3_600_000);
      await access.credentials.headers(ALWAYS);
      expect(server.log.map(({ status }) => status)).toEqual([401, 200, 200]);
    }
  });
});

describe('a token', () => {
  test('is fetched once, however many wait for it', async () => {
    await using server = await startTokenServer({ secrets: [SECRET] });
    const { access } = client(server);
    const all = await Promise.all(Array.from({ length: 200 }, () => access.credentials.headers(ALWAYS)));
    expect(new Set(all).size).toBe(1);
    expect(server.log).toHaveLength(1);
  });

  test('is replaced ahead of its end, while the old one serves', async () => {
    const clock = heldClock(NOON);
    await using server = await startTokenServer({ secrets: [SECRET], expiresIn: 3600, now: clock.nowMs });
    const { access } = client(server, {}, clock.nowMs);
    const first = await access.credentials.headers(ALWAYS);
    clock.advance(57 * MINUTE);
    expect(await access.credentials.headers(ALWAYS)).toBe(first);
    expect(server.log).toHaveLength(1);
    clock.advance(1 * MINUTE);
    // Nobody waits for the new one.
    expect(await access.credentials.headers(ALWAYS)).toBe(first);
    expect(await over(server, 2, access, first)).toBe(true);
    expect(await access.credentials.headers(ALWAYS)).not.toBe(first);
    expect(server.log).toHaveLength(2);
  });

  test('that cannot be replaced ahead of its end serves until then, with a few attempts in between', async () => {
    const clock = heldClock(NOON);
    await using server = await startTokenServer({ secrets: [SECRET], expiresIn: 3600, now: clock.nowMs });
    const { access } = client(server, {}, clock.nowMs);
    const first = await access.credentials.headers(ALWAYS);
    server.answers.push(...Array.from({ length: 100 }, () => ({ status: 503 })));
    clock.advance(58 * MINUTE);
    let attempts = 1;
    for (let second = 0; second < 114; second += 1) {
      expect(await access.credentials.headers(ALWAYS)).toBe(first);
      if (second % 10 === 0) {
        attempts += 1;
        expect(await over(server, attempts, access, first)).toBe(false);
      }
      clock.advance(1_000);
    }
    expect(server.log).toHaveLength(13);
    clock.advance(2_000);
    expect(await access.credentials.headers(ALWAYS)).toMatchObject({ fault: 'token-down' });
    server.answers.length = 0;
    clock.advance(1_000);
    expect(authorization(await access.credentials.headers(ALWAYS))).toMatch(/^Bearer issued/);
  });

  test('with a short life is not fetched with every request', async () => {
    const clock = heldClock(NOON);
    await using server = await startTokenServer({ secrets: [SECRET], expiresIn: 10, now: clock.nowMs });
    const { access } = client(server, {}, clock.nowMs);
    for (let n = 0; n < 5; n += 1) {
      await access.credentials.headers(ALWAYS);
      clock.advance(900);
    }
    expect(server.log).toHaveLength(1);
  });

  test.each([
    ['nothing', null, 5 * MINUTE],
    ['a text', '600', 10 * MINUTE],
    ['nonsense', 'soon', 5 * MINUTE],
    ['a thousand years', 31_536_000_000, 24 * 60 * MINUTE],
    ['less than nothing', -1, 1_000],
  ])('whose endpoint says %s of its life is used for a bounded time', async (_said, expiresIn, lifeMs) => {
    const clock = heldClock(NOON);
    await using server = await startTokenServer({ secrets: [SECRET], expiresIn, now: clock.nowMs });
    const { access } = client(server, {}, clock.nowMs);
    const first = await access.credentials.headers(ALWAYS);
    expect(authorization(first)).toMatch(/^Bearer/);
    clock.advance(lifeMs * 0.49);
    expect(await access.credentials.headers(ALWAYS)).toBe(first);
    clock.advance(lifeMs * 0.51);
    expect(await access.credentials.headers(ALWAYS)).not.toBe(first);
    expect(server.log).toHaveLength(2);
  });

  test('is still used when the clock is set back', async () => {
    const clock = heldClock(NOON);
    await using server = await startTokenServer({ secrets: [SECRET] });
    const { access } = client(server, {}, clock.nowMs);
    const first = await access.credentials.headers(ALWAYS);
    clock.set(instantOf('2026-11-22T00:00:00Z'));
    expect(await access.credentials.headers(ALWAYS)).toBe(first);
  });

  test('that is waited for ends the wait when its caller is stopped, and comes for the others', async () => {
    await using server = await startTokenServer({ secrets: [SECRET] });
    let release = () => {};
    const after = new Promise<void>((done) => {
      release = done;
    });
    server.answers.push({
      status: 200,
      body: JSON.stringify({ access_token: 'late', token_type: 'bearer', expires_in: 60 }),
      after,
    });
    const { access } = client(server);
    const stop = new AbortController();
    const stopped = access.credentials.headers(stop.signal);
    const patient = access.credentials.headers(ALWAYS);
    await server.arrivals(1);
    stop.abort();
    expect(await stopped).toMatchObject({ fault: 'not-sent' });
    release();
    expect(authorization(await patient)).toBe('Bearer late');
  });
});

describe('a token that the target does not take', () => {
  const guarded = async (server: TokenServer) => startFakeIdp(guardedBy(server.takes));
  const joiner = (n: number) =>
    operation('create', { ...ALICE, externalId: `n${n}`, userName: `n${n}@example.com` }, undefined, { id: n });

  test('is fetched anew once for all requests in flight, and every one of them is repeated', async () => {
    await using server = await startTokenServer({ secrets: [SECRET] });
    await using idp = await guarded(server);
    const { access } = client(server);
    await using desk = openDesk(idp.url, { access, concurrency: 16 });
    await desk.deliver(joiner(0));
    server.revoke();
    const delivered = await Promise.all(Array.from({ length: 40 }, (_, n) => desk.deliver(joiner(n + 1))));
    expect(new Set(delivered.map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
    expect(server.log).toHaveLength(2);
    expect(idp.users.size).toBe(41);
    expect(idp.log.filter(({ status }) => status === 401).length).toBeGreaterThan(0);
  });

  test('twice is the outcome, and a target that never takes one does not flood the token endpoint', async () => {
    const clock = heldClock(NOON);
    await using server = await startTokenServer({ secrets: [SECRET] });
    await using idp = await startFakeIdp(guardedBy(() => false));
    const { access } = client(server, {}, clock.nowMs);
    await using desk = openDesk(idp.url, { access });
    expect((await desk.deliver(joiner(1))).outcome).toMatchObject({
      class: 'refreshCredentials',
      countsAsAttempt: false,
    });
    expect([idp.log.length, server.log.length]).toEqual([2, 2]);
    for (let n = 2; n < 30; n += 1) await desk.deliver(joiner(n));
    expect(server.log).toHaveLength(2);
    clock.advance(5_000);
    await desk.deliver(joiner(30));
    expect(server.log).toHaveLength(3);
  });

  test('is kept when no other one can be had', async () => {
    await using server = await startTokenServer({ secrets: [SECRET] });
    await using idp = await guarded(server);
    const { access } = client(server);
    await using desk = openDesk(idp.url, { access });
    await desk.deliver(joiner(1));
    idp.behaviours.add({ times: 1, act: { kind: 'answer', status: 401 } });
    server.answers.push({ status: 503 });
    expect((await desk.deliver(joiner(2))).outcome.class).toBe('refreshCredentials');
    expect((await desk.deliver(joiner(2))).outcome.class).toBe('done');
    expect(server.log).toHaveLength(2);
  });
});

describe('the token endpoint', () => {
  const WORDS = 'the words of the token endpoint';
  const error = (code: string) => JSON.stringify({ error: code, error_description: WORDS });
  test.each([
    [{ status: 401, body: error('invalid_client') }, 'token-invalid_client', 'refreshCredentials'],
    [{ status: 400, body: error('invalid_grant') }, 'token-invalid_grant', 'refreshCredentials'],
    [{ status: 400, body: error('invalid_scope') }, 'token-invalid_scope', 'refreshCredentials'],
    [{ status: 400, body: error('invalid_target') }, 'token-invalid_target', 'refreshCredentials'],
    [{ status: 400, body: error(WORDS) }, 'token-refused', 'refreshCredentials'],
    [{ status: 403, body: WORDS }, 'token-refused', 'refreshCredentials'],
    [{ status: 404 }, 'token-refused', 'refreshCredentials'],
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/token' } }, 'token-redirect', 'refreshCredentials'],
    [{ status: 307, headers: { location: 'http://127.0.0.1:1/token' } }, 'token-redirect', 'refreshCredentials'],
    [{ status: 200, body: WORDS }, 'token-unreadable', 'refreshCredentials'],
    [{ status: 200, body: JSON.stringify({ token_type: 'Bearer' }) }, 'token-unreadable', 'refreshCredentials'],
    [
      { status: 200, body: JSON.stringify({ access_token: 'x', token_type: 'DPoP' }) },
      'token-unreadable',
      'refreshCredentials',
    ],
    [{ status: 200, body: JSON.stringify({ access_token: 'a\nb' }) }, 'token-unreadable', 'refreshCredentials'],
    [{ status: 400, body: error('temporarily_unavailable') }, 'token-down', 'targetDown'],
    [{ status: 429, headers: { 'retry-after': '7' } }, 'token-down', 'targetDown'],
    [{ status: 500, body: WORDS }, 'token-down', 'targetDown'],
    [{ status: 503 }, 'token-down', 'targetDown'],
    [{ status: 200, body: ' '.repeat(70_000) }, 'token-down', 'targetDown'],
  ] as const)('that answers %j is the code %s and sends nothing to the target', async (answer, code, class_) => {
    await using server = await startTokenServer({ secrets: [SECRET] });
    await using idp = await startFakeIdp(guardedBy(server.takes));
    const { access } = client(server);
    await using desk = openDesk(idp.url, { access });
    server.answers.push(answer);
    const { outcome } = await desk.deliver(operation('create', ALICE));
    expect(outcome).toMatchObject({ class: class_, code, status: null, countsAsAttempt: false });
    expect(outcome.retryAfterMs).toBe(answer.status === 429 ? 7_000 : null);
    expect(JSON.stringify(outcome)).not.toContain(WORDS);
    expect(JSON.stringify(outcome)).not.toContain(SECRET);
    expect([idp.log.length, desk.intents.length, server.log.length]).toEqual([0, 0, 1]);
  });

  test('that is not there is down, and answers all who ask within a second with one attempt', async () => {
    const clock = heldClock(NOON);
    const server = await startTokenServer();
    await server[Symbol.asyncDispose]();
    const { access } = client(server, {}, clock.nowMs);
    const down = { fault: 'token-down', detail: 'token endpoint: ECONNREFUSED' };
    expect(await access.credentials.headers(ALWAYS)).toMatchObject(down);
    const again = await access.credentials.headers(ALWAYS);
    expect(await access.credentials.headers(ALWAYS)).toBe(again);
    clock.advance(1_000);
    expect(await access.credentials.headers(ALWAYS)).not.toBe(again);
  });

  test('that never answers is given up in time', async () => {
    await using server = await startTokenServer();
    server.answers.push({ status: 200, after: new Promise(() => {}) });
    const { access } = client(server);
    const impatient = accessTo({
      auth: {
        kind: 'oauth2',
        tokenUrl: literal(server.url),
        clientId: literal('x'),
        scope: '',
        form: {},
        proof: { method: 'client_secret_post', secret: { kind: 'file', path: secretFolder().path('none') } },
      },
    });
    // Without a secret nothing is even asked.
    expect(await impatient.credentials.headers(ALWAYS)).toMatchObject({ fault: 'no-token' });
    const asking = access.credentials.headers(ALWAYS);
    await server.arrivals(1);
    await access.credentials.close();
    expect(await asking).toMatchObject({ fault: 'token-down', detail: 'token endpoint: stopped' });
  });

  test('is shown a secret that changed since it was read, within the same request for a token', async () => {
    const secrets = ['new'];
    await using server = await startTokenServer({ secrets });
    const { access, folder } = client(server);
    folder.put('secret', 'old');
    server.answers.push({
      status: 401,
      body: error('invalid_client'),
      after: (async () => {
        await server.arrivals(1);
        folder.put('secret', 'new');
      })(),
    });
    expect(authorization(await access.credentials.headers(ALWAYS))).toMatch(/^Bearer issued/);
    expect(server.log.map(({ status }) => status)).toEqual([401, 200]);
  });
});

test.each([
  ['no key at all', 'nonsense', undefined, /cannot be read/],
  ['half a JWK', '{"kty":', undefined, /no JSON/],
  ['a key for another algorithm', 'ec', 'RS256', /does not sign with RS256/],
] as const)('a private key that is %s is a fault that does not quote it', async (_what, text, algorithm, detail) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const folder = secretFolder();
  const key = folder.put('key', text === 'ec' ? String(privateKey.export({ type: 'pkcs8', format: 'pem' })) : text);
  await using server = await startTokenServer();
  const { access } = client(server, {
    proof: { method: 'private_key_jwt', key, ...(algorithm === undefined ? {} : { algorithm }) },
  });
  expect(await access.credentials.headers(ALWAYS)).toMatchObject({
    fault: 'no-key',
    detail: expect.stringMatching(detail),
  });
  expect(server.log).toEqual([]);
});

test('a token URL in the open or with credentials in it is a problem', () => {
  for (const url of [
    'http://idp.example.com/token',
    'ftp://127.0.0.1/token',
    'https://user:pass@idp.example.com/token',
    'https://idp.example.com/token#x',
    'idp.example.com/token',
  ]) {
    expect(() => client({ url }), url).toThrow(/tokenUrl/);
  }
});
