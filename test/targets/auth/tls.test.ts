import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { AuthSettings } from '../../../src/mapping/auth-settings.ts';
import { openPool } from '../../../src/runtime/access/pool.ts';
import { ALWAYS, accessTo, literal, type SecretFolder, secretFolder } from '../../support/access-desk.ts';
import { startFakeIdp } from '../../support/fake-idp.ts';
import { ALICE, accountOf, openDesk, operation, resourceOf, TOKEN } from '../../support/scim-desk.ts';
import { startTokenServer } from '../../support/token-server.ts';
import { certificate, pairOf, startProxy, startTlsFront } from '../../support/wire.ts';

const SERVER = pairOf('server');
const MTLS = { ...SERVER, ca: certificate('ca.pem'), requestCert: true, rejectUnauthorized: true };
const joiner = (n: number) =>
  operation('create', { ...ALICE, externalId: `n${n}`, userName: `n${n}@example.com` }, undefined, { id: n });
const idpWithAlice = () => startFakeIdp({ token: TOKEN, users: [{ ...resourceOf(ALICE), id: 'a1' }] });

const bearerIn = (folder: SecretFolder): AuthSettings => ({ kind: 'bearer', token: folder.put('token', TOKEN) });
const putPair = (folder: SecretFolder, name: string) => ({
  certificate: folder.put('client.pem', certificate(`${name}.pem`)),
  key: folder.put('client.key', certificate(`${name}.key`)),
});

describe('a server', () => {
  test.each([
    ['of an authority that we trust', 'ca.pem', 'server', 'done', 'http'],
    ['of an authority that we do not trust', 'ca.pem', 'server-of-other-ca', 'targetDown', 'CERT'],
    ['of a private authority that nobody told us of', null, 'server', 'targetDown', 'CERT'],
    ['with another name', 'ca.pem', 'stranger', 'targetDown', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('%s', async (_what, ca, name, class_, code) => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using front = await startTlsFront(idp.url, pairOf(name));
    const access = accessTo({
      auth: bearerIn(folder),
      ...(ca === null ? {} : { ca: folder.put('ca.pem', certificate(ca)) }),
    });
    await using desk = openDesk(front.url, { access });
    const { outcome } = await desk.deliver(operation('create', ALICE));
    expect(outcome.class).toBe(class_);
    expect(outcome.code).toContain(code === 'CERT' ? 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' : code);
    // Nothing of ours arrived where the server did not prove who it is.
    expect(idp.log).toHaveLength(class_ === 'done' ? 1 : 0);
  });

  test('whose authority is told to us while we run is trusted from then on', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using front = await startTlsFront(idp.url, SERVER);
    const ca = folder.put('ca.pem', certificate('other-ca.pem'));
    await using desk = openDesk(front.url, { access: accessTo({ auth: bearerIn(folder), ca }) });
    expect((await desk.deliver(joiner(1))).outcome.class).toBe('targetDown');
    folder.put('ca.pem', `${certificate('other-ca.pem')}\n${certificate('ca.pem')}`);
    expect((await desk.deliver(joiner(1))).outcome.class).toBe('done');
    // And not any more, once it is taken away: the connection that was made is not used again.
    folder.put('ca.pem', certificate('other-ca.pem'));
    expect((await desk.deliver(joiner(2))).outcome.class).toBe('targetDown');
  });

  test.each([
    ['is not there', null],
    ['holds no certificate', 'nonsense'],
  ])('is not spoken to while the file of its authority %s', async (_what, text) => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using front = await startTlsFront(idp.url, SERVER);
    const ca = text === null ? { kind: 'file' as const, path: folder.path('none') } : folder.put('ca.pem', text);
    await using desk = openDesk(front.url, { access: accessTo({ auth: bearerIn(folder), ca }) });
    expect((await desk.deliver(joiner(1))).outcome).toMatchObject({
      class: 'refreshCredentials',
      code: 'no-certificate',
    });
    expect(front.clients).toEqual([]);
  });
});

describe('a client certificate', () => {
  test('is shown to a server that demands one, alone or with a bearer token', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using front = await startTlsFront(idp.url, MTLS);
    const ca = folder.put('ca.pem', certificate('ca.pem'));
    const pair = putPair(folder, 'client-one');
    await using alone = openDesk(front.url, { access: accessTo({ auth: { kind: 'mtls', ...pair }, ca }) });
    expect((await alone.deliver(joiner(1))).outcome).toMatchObject({ class: 'refreshCredentials', status: 401 });
    expect(idp.log[0]?.headers.authorization).toBeUndefined();
    const token = folder.put('token', TOKEN);
    await using both = openDesk(front.url, { access: accessTo({ auth: { kind: 'mtls', ...pair, token }, ca }) });
    expect((await both.deliver(joiner(1))).outcome.class).toBe('done');
    expect(new Set(front.clients)).toEqual(new Set(['client-one']));
  });

  test('that was replaced is not held on to: its connections end when their requests have', async () => {
    const folder = secretFolder();
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const names: string[] = [];
    const gone: Promise<unknown>[] = [];
    const server = createServer(MTLS, async (request, response) => {
      if (request.url === '/held') {
        arrived.resolve();
        await held.promise;
      }
      response.end('{}');
    });
    // The server ends no connection by itself.
    server.keepAliveTimeout = 0;
    server.on('secureConnection', (socket) => {
      names.push(String(socket.getPeerCertificate().subject?.CN));
      gone.push(once(socket, 'close'));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const ca = folder.put('ca.pem', certificate('ca.pem'));
    const { transport } = accessTo({ auth: { kind: 'mtls', ...putPair(folder, 'client-one') }, ca });
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const shape = { connections: 4, timeoutMs: 5_000, keepAliveMs: 60_000, answerBytesMax: 1_000 };
    const pool = openPool(origin, shape, transport);
    const ask = (path: string) => pool.ask({ method: 'GET', path, headers: {}, body: '' }, ALWAYS);
    const waiting = ask('/held');
    await arrived.promise;
    await ask('/idle');
    putPair(folder, 'client-two');
    expect(await ask('/')).toMatchObject({ kind: 'answer', status: 200 });
    expect(names).toEqual(['client-one', 'client-one', 'client-two']);
    await gone[1];
    held.resolve();
    // What was under way is not cut.
    expect(await waiting).toMatchObject({ kind: 'answer', status: 200 });
    await gone[0];
    await pool.close(0);
    await new Promise((done) => server.close(done));
  });

  test('may have an encrypted key', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using front = await startTlsFront(idp.url, MTLS);
    const auth: AuthSettings = {
      kind: 'mtls',
      certificate: folder.put('client.pem', certificate('client-one.pem')),
      key: folder.put('client.key', certificate('client-one.encrypted.key')),
      passphrase: folder.put('passphrase', 'correct-horse'),
      token: folder.put('token', TOKEN),
    };
    const ca = folder.put('ca.pem', certificate('ca.pem'));
    await using desk = openDesk(front.url, { access: accessTo({ auth, ca }) });
    expect((await desk.deliver(joiner(1))).outcome.class).toBe('done');
  });

  test.each([
    ['no certificate', null],
    ['a certificate of a stranger', 'client-of-other-ca'],
  ])('that is missing: with %s nothing is ever called done', async (_what, name) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const folder = secretFolder();
      await using idp = await idpWithAlice();
      await using front = await startTlsFront(idp.url, { ...MTLS, maxVersion });
      const auth: AuthSettings =
        name === null
          ? bearerIn(folder)
          : { kind: 'mtls', ...putPair(folder, name), token: folder.put('token', TOKEN) };
      const ca = folder.put('ca.pem', certificate('ca.pem'));
      await using desk = openDesk(front.url, { access: accessTo({ auth, ca }) });
      for (const one of [joiner(1), operation('disable', { ...ALICE, active: false }, accountOf(ALICE, 'a1'))]) {
        expect(['refreshCredentials', 'targetDown', 'ambiguous', 'retry']).toContain(
          (await desk.deliver(one)).outcome.class,
        );
      }
      expect(idp.log).toEqual([]);
    }
  });

  test('whose files make no pair is a fault, and says nothing of them', async () => {
    const folder = secretFolder();
    const auth: AuthSettings = {
      kind: 'mtls',
      certificate: folder.put('client.pem', certificate('client-one.pem')),
      key: folder.put('client.key', certificate('client-two.key')),
    };
    const { credentials } = accessTo({ auth });
    expect(await credentials.headers(ALWAYS)).toMatchObject({ fault: 'no-certificate' });
    folder.put('client.key', certificate('client-one.key'));
    expect(await credentials.headers(ALWAYS)).toEqual({ headers: {} });
  });
});

describe('verification', () => {
  test('cannot be switched off by the environment, at the target, the token endpoint and a proxy', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using front = await startTlsFront(idp.url, SERVER);
    await using tokens = await startTokenServer({ tls: SERVER });
    await using proxy = await startProxy({ tls: SERVER });
    // Answers nothing that is newer than TLS 1.1.
    const ciphers = 'DEFAULT@SECLEVEL=0';
    await using old = await startTokenServer({
      tls: { ...SERVER, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers },
    });
    const child = spawn(
      process.execPath,
      [new URL('./unverified-child.ts', import.meta.url).pathname, front.url, tokens.url, proxy.url, old.url],
      {
        env: {
          ...process.env,
          NODE_TLS_REJECT_UNAUTHORIZED: '0',
          NODE_OPTIONS: `--tls-min-v1.0 --tls-cipher-list=${ciphers}`,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await once(child, 'close');
    const refused = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
    expect(JSON.parse(said)).toEqual({
      // The environment works in that process, wherever nobody says otherwise.
      careless: ['answered', 'answered'],
      target: refused,
      tokens: `token endpoint: ${refused}`,
      proxy: `proxy-unreachable ${refused}`,
      old: 'token endpoint: ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
    // What arrived came from the careless client alone.
    const agents = [...tokens.log, ...old.log].map(({ headers }) => headers['user-agent']);
    expect([idp.log, proxy.log, agents]).toEqual([[], [], [undefined, undefined]]);
  });

  test('of the token endpoint uses the authorities of the target', async () => {
    const folder = secretFolder();
    const secret = folder.put('secret', 'x');
    for (const [name, reached] of [
      ['server', true],
      ['server-of-other-ca', false],
      ['stranger', false],
    ] as const) {
      await using tokens = await startTokenServer({ tls: pairOf(name), secrets: ['x'] });
      const { credentials } = accessTo({
        auth: {
          kind: 'oauth2',
          tokenUrl: literal(tokens.url),
          clientId: literal('rollcall'),
          scope: '',
          form: {},
          proof: { method: 'client_secret_post', secret },
        },
        ca: folder.put('ca.pem', certificate('ca.pem')),
      });
      expect('headers' in (await credentials.headers(ALWAYS)), name).toBe(reached);
      expect(tokens.log).toHaveLength(reached ? 1 : 0);
    }
  });
});
