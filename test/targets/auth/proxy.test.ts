import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { AuthSettings } from '../../../src/mapping/auth-settings.ts';
import { tunnelled } from '../../../src/runtime/access/tunnel.ts';
import { ALWAYS, accessTo, guardedBy, literal, type SecretFolder, secretFolder } from '../../support/access-desk.ts';
import { startFakeIdp } from '../../support/fake-idp.ts';
import { ALICE, openDesk, operation, TOKEN } from '../../support/scim-desk.ts';
import { startTokenServer } from '../../support/token-server.ts';
import { certificate, pairOf, startProxy, startTlsFront } from '../../support/wire.ts';

const bearerIn = (folder: SecretFolder): AuthSettings => ({ kind: 'bearer', token: folder.put('token', TOKEN) });
const basicOf = (pair: string) => `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;

describe('a proxy', () => {
  test('opens a tunnel to the target and to the token endpoint, and hears no credentials but its own', async () => {
    const folder = secretFolder();
    await using proxy = await startProxy({ credentials: () => 'up:s3cret' });
    await using tokens = await startTokenServer({ tls: pairOf('server'), secrets: ['x'] });
    await using idp = await startFakeIdp(guardedBy(tokens.takes));
    await using front = await startTlsFront(idp.url, pairOf('server'));
    const access = accessTo({
      auth: {
        kind: 'oauth2',
        tokenUrl: literal(tokens.url),
        clientId: literal('rollcall'),
        scope: '',
        form: {},
        proof: { method: 'client_secret_post', secret: folder.put('secret', 'x') },
      },
      ca: folder.put('ca.pem', certificate('ca.pem')),
      proxy: folder.put('proxy', proxy.url.replace('://', '://up:s3cret@')),
    });
    await using desk = openDesk(front.url, { access });
    expect((await desk.deliver(operation('create', ALICE))).outcome.class).toBe('done');
    expect(proxy.log).toEqual([
      { target: new URL(tokens.url).host, authorization: basicOf('up:s3cret') },
      { target: new URL(front.url).host, authorization: basicOf('up:s3cret') },
    ]);
    expect(idp.log[0]?.headers['proxy-authorization']).toBeUndefined();
    expect(idp.log[0]?.headers.authorization).toMatch(/^Bearer issued/);
  });

  test('that speaks TLS is held to the same authorities', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    for (const [name, class_] of [
      ['server', 'done'],
      ['stranger', 'targetDown'],
      ['server-of-other-ca', 'targetDown'],
    ] as const) {
      await using proxy = await startProxy({ tls: pairOf(name) });
      await using front = await startTlsFront(idp.url, pairOf('server'));
      const ca = folder.put('ca.pem', certificate('ca.pem'));
      const access = accessTo({ auth: bearerIn(folder), ca, proxy: literal(proxy.url) });
      await using desk = openDesk(front.url, { access });
      const one = operation('create', { ...ALICE, externalId: name, userName: name });
      expect((await desk.deliver(one)).outcome.class, name).toBe(class_);
      expect(proxy.log).toHaveLength(class_ === 'done' ? 1 : 0);
    }
  });

  test('does not stand in for the proof of the target', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using proxy = await startProxy();
    await using front = await startTlsFront(idp.url, pairOf('stranger'));
    const ca = folder.put('ca.pem', certificate('ca.pem'));
    await using desk = openDesk(front.url, {
      access: accessTo({ auth: bearerIn(folder), ca, proxy: literal(proxy.url) }),
    });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'targetDown',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect([proxy.log.length, idp.log.length]).toEqual([1, 0]);
  });

  test('carries a target on this machine that speaks plain HTTP too', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using proxy = await startProxy();
    await using desk = openDesk(idp.url, { access: accessTo({ auth: bearerIn(folder), proxy: literal(proxy.url) }) });
    expect((await desk.deliver(operation('create', ALICE))).outcome.class).toBe('done');
    expect(proxy.log.map(({ target }) => target)).toEqual([new URL(idp.url).host]);
  });

  test.each([
    [407, 'proxy-407'],
    [403, 'proxy-refused'],
    [302, 'proxy-refused'],
    [502, 'proxy-refused'],
  ])(
    'that answers %i is the code %s: nothing was sent, and it works again when the proxy does',
    async (status, code) => {
      const folder = secretFolder();
      await using idp = await startFakeIdp({ token: TOKEN });
      await using proxy = await startProxy();
      await using desk = openDesk(idp.url, { access: accessTo({ auth: bearerIn(folder), proxy: literal(proxy.url) }) });
      proxy.refuses = status;
      expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
        class: 'targetDown',
        code,
        detail: `HTTP ${status}`,
        countsAsAttempt: false,
      });
      expect(idp.log).toEqual([]);
      proxy.refuses = null;
      expect((await desk.deliver(operation('create', ALICE))).outcome.class).toBe('done');
    },
  );

  test('that wants other credentials gets those that stand in the file by then', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    await using proxy = await startProxy({ credentials: () => 'up:new' });
    const address = folder.put('proxy', proxy.url.replace('://', '://up:old@'));
    await using desk = openDesk(idp.url, { access: accessTo({ auth: bearerIn(folder), proxy: address }) });
    const first = await desk.deliver(operation('create', ALICE));
    expect(first.outcome).toMatchObject({ class: 'targetDown', code: 'proxy-407' });
    expect(JSON.stringify(first)).not.toContain('old');
    folder.put('proxy', proxy.url.replace('://', '://up:new@'));
    expect((await desk.deliver(operation('create', ALICE))).outcome.class).toBe('done');
  });

  test('that is not there or talks nonsense is a fault before anything was sent', async () => {
    const folder = secretFolder();
    await using idp = await startFakeIdp({ token: TOKEN });
    const gone = await startProxy();
    await gone[Symbol.asyncDispose]();
    const nonsense = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('220 smtp ready\r\n'),
    );
    await new Promise<void>((done) => nonsense.listen(0, '127.0.0.1', done));
    for (const url of [gone.url, `http://127.0.0.1:${(nonsense.address() as AddressInfo).port}`]) {
      await using desk = openDesk(idp.url, { access: accessTo({ auth: bearerIn(folder), proxy: literal(url) }) });
      expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
        class: 'targetDown',
        code: 'proxy-unreachable',
      });
    }
    expect(idp.log).toEqual([]);
    await new Promise((done) => nonsense.close(done));
  });

  test('that never answers is given up in time', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const url = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const waiting = tunnelled({ url, authorization: null }, 'idp.example.com:443', undefined, 100);
    await expect(waiting).rejects.toMatchObject({ code: 'proxy-unreachable', detail: 'timeout' });
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => silent.close(done));
  });

  test.each(['ftp://127.0.0.1:1', 'not an address', 'http://127.0.0.1:1/path', 'http://us%0Aer:x@127.0.0.1:1'])(
    'whose file says %j is no way: nothing leaves around it',
    async (text) => {
      const folder = secretFolder();
      await using idp = await startFakeIdp({ token: TOKEN });
      const access = accessTo({ auth: bearerIn(folder), proxy: folder.put('proxy', text) });
      await using desk = openDesk(idp.url, { access });
      expect((await desk.deliver(operation('create', ALICE))).outcome.code).toBe('no-certificate');
      expect(idp.log).toEqual([]);
      expect('headers' in (await access.credentials.headers(ALWAYS))).toBe(true);
    },
  );
});
