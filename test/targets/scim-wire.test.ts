import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { bearer } from '../../src/runtime/access/credentials.ts';
import { scimTarget } from '../../src/targets/scim/scim-target.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import { ALICE, accountOf, openDesk, operation, resourceOf, TOKEN } from '../support/scim-desk.ts';

async function listening(
  server: Server | ReturnType<typeof createRawServer>,
): Promise<{ port: number } & AsyncDisposable> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}
const http = (listener: RequestListener) => listening(createServer(listener));
const LEAVER = { ...ALICE, active: false };

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('HTTP %i is refused, and nothing is sent elsewhere', async (status) => {
    const strangers: string[] = [];
    await using elsewhere = await http((request, response) => {
      strangers.push(String(request.headers.authorization));
      response.end('{}');
    });
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url);
    idp.behaviours.add({
      act: { kind: 'answer', status, headers: { location: `http://127.0.0.1:${elsewhere.port}/Users` } },
    });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'permanent',
      code: 'redirect',
      status,
    });
    expect((await desk.deliver(operation('disable', LEAVER, accountOf(ALICE, 'a1')))).outcome.code).toBe('redirect');
    expect(strangers).toEqual([]);
  });
});

describe('credentials', () => {
  test.each([
    [
      'are missing',
      () => {
        throw new Error('secret file is gone');
      },
    ],
    ['are empty', () => ''],
    ['would smuggle a header', () => 'a\r\nx-evil: 1'],
  ])('that %s send nothing', async (_name, token) => {
    await using idp = await startFakeIdp();
    await using desk = openDesk(idp.url, { token });
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'refreshCredentials',
      code: 'no-token',
    });
    expect(idp.log).toEqual([]);
    expect(desk.intents).toEqual([]);
  });

  test('are asked for anew with each request', async () => {
    await using idp = await startFakeIdp({ users: [{ ...resourceOf(ALICE), id: 'a1' }] });
    let issued = 0;
    await using desk = openDesk(idp.url, {
      token: () => {
        issued += 1;
        return `t${issued}`;
      },
    });
    await desk.deliver(operation('disable', LEAVER, accountOf(ALICE, 'a1')));
    expect(idp.log.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
  });
});

describe('the network', () => {
  test('a target that is not there is down, and nothing was sent', async () => {
    const { port, ...server } = await http(() => {});
    await server[Symbol.asyncDispose]();
    await using desk = openDesk(`http://127.0.0.1:${port}/scim`);
    expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
      class: 'targetDown',
      code: 'ECONNREFUSED',
      status: null,
    });
  });

  test('an answer that does not come is in doubt for a write', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url, { timeoutMs: 150 });
    let release = () => {};
    const until = new Promise<void>((done) => {
      release = done;
    });
    idp.behaviours.add({ act: { kind: 'hold', until } });
    const { outcome } = await desk.deliver(operation('create', ALICE));
    release();
    expect(outcome).toMatchObject({ class: 'ambiguous', code: 'UND_ERR_HEADERS_TIMEOUT', countsAsAttempt: false });
  });

  test('a body that drips for ever is cut', async () => {
    let drip: NodeJS.Timeout | undefined;
    await using server = await http((_request, response) => {
      response.writeHead(200);
      drip = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(drip));
    });
    await using desk = openDesk(`http://127.0.0.1:${server.port}`, { timeoutMs: 200 });
    expect(
      (await desk.deliver(operation('update', ALICE, accountOf(ALICE, 'a'), { ambiguous: true }))).outcome,
    ).toMatchObject({ class: 'ambiguous', code: 'body-timeout' });
  });

  test('an answer above 4 MB is not read', async () => {
    await using server = await http((_request, response) => response.end(Buffer.alloc(5 * 1024 * 1024, ' ')));
    await using desk = openDesk(`http://127.0.0.1:${server.port}`);
    expect((await desk.deliver(operation('enable', ALICE, accountOf(ALICE, 'a')))).outcome).toMatchObject({
      class: 'ambiguous',
      code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
    });
  });

  test('an answer that is no HTTP is in doubt for a write', async () => {
    await using server = await listening(
      createRawServer((socket) =>
        socket.once('data', () => socket.end('220 smtp ready\r\n\r\n')).on('error', () => {}),
      ),
    );
    await using desk = openDesk(`http://127.0.0.1:${server.port}`);
    const { outcome } = await desk.deliver(operation('enable', ALICE, accountOf(ALICE, 'a')));
    expect(outcome.class).toBe('ambiguous');
    expect(outcome.code).toMatch(/^HPE_|^HTTPParserError$/);
  });

  test('a certificate that nobody vouches for is refused, whatever the environment says', async () => {
    const pem = readFileSync(new URL('./self-signed.pem', import.meta.url));
    let requests = 0;
    await using server = await listening(
      createTlsServer({ key: pem, cert: pem }, (_request, response) => {
        requests += 1;
        response.end('{}');
      }),
    );
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    // Node warns of the variable that this test is about.
    const quiet = vi.spyOn(process, 'emitWarning').mockReturnValue();
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await using desk = openDesk(`https://127.0.0.1:${server.port}`);
      expect((await desk.deliver(operation('create', ALICE))).outcome).toMatchObject({
        class: 'targetDown',
        code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      });
    } finally {
      quiet.mockRestore();
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
    expect(requests).toBe(0);
  });

  test('a stop leaves a write in flight in doubt and sends no further request', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url);
    const stop = new AbortController();
    idp.behaviours.add({ act: { kind: 'hold', until: new Promise(() => {}) } });
    const delivering = desk.deliver(operation('create', ALICE), stop.signal);
    await idp.arrival(({ method }) => method === 'POST');
    stop.abort();
    expect((await delivering).outcome.class).toBe('ambiguous');
    expect((await desk.deliver(operation('create', ALICE), stop.signal)).outcome).toMatchObject({
      class: 'retry',
      code: 'not-sent',
    });
    expect(idp.log).toHaveLength(1);
  });
});

describe('the journal', () => {
  test('has the intent before the request leaves and the answer after it', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url);
    const order: string[] = [];
    let durable = () => {};
    const journal = {
      intent: () => {
        order.push(`intent, ${idp.log.length} arrived`);
        return new Promise<void>((done) => {
          durable = done;
        });
      },
      answer: (_request: unknown, { status }: { status: number | null }) =>
        void order.push(`answer ${status}, ${idp.log.length} arrived`),
    };
    const delivering = desk.target.deliver(operation('create', ALICE), journal, new AbortController().signal);
    while (order.length === 0) await new Promise((done) => setImmediate(done));
    expect(idp.log).toEqual([]);
    durable();
    await delivering;
    expect(order).toEqual(['intent, 0 arrived', 'answer 201, 1 arrived']);
  });

  test('an intent that cannot be stored sends nothing', async () => {
    await using idp = await startFakeIdp({ token: TOKEN });
    await using desk = openDesk(idp.url);
    const journal = { intent: () => Promise.reject(new Error('disk full')), answer: () => {} };
    await expect(
      desk.target.deliver(operation('create', ALICE), journal, new AbortController().signal),
    ).rejects.toThrow('disk full');
    expect(idp.log).toEqual([]);
  });
});

describe('leavers first', () => {
  test('a pool full of hung joiners does not delay a leaver', async () => {
    await using idp = await startFakeIdp({ token: TOKEN, users: [{ ...resourceOf(ALICE), id: 'a1' }] });
    await using desk = openDesk(idp.url, { concurrency: 4 });
    expect(desk.target.reserved).toBe(1);
    let release = () => {};
    const until = new Promise<void>((done) => {
      release = done;
    });
    idp.behaviours.add({ method: 'POST', act: { kind: 'hold', until } });
    const hung = Array.from({ length: 12 }, (_, index) =>
      desk.deliver(operation('create', { ...ALICE, externalId: `n${index}`, userName: `n${index}` })),
    );
    await idp.arrival(() => idp.log.length === 3);
    expect((await desk.deliver(operation('disable', LEAVER, accountOf(ALICE, 'a1')))).outcome.class).toBe('done');
    expect(idp.log.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'PATCH', 'GET']);
    release();
    expect(new Set((await Promise.all(hung)).map(({ outcome }) => outcome.class))).toEqual(new Set(['done']));
  });

  test('many leavers use every connection', async () => {
    const users = Array.from({ length: 8 }, (_, index) => ({
      ...resourceOf({ ...ALICE, externalId: `l${index}`, userName: `l${index}` }),
      id: `l${index}`,
    }));
    await using idp = await startFakeIdp({ token: TOKEN, users });
    await using desk = openDesk(idp.url, { concurrency: 8 });
    let release = () => {};
    const until = new Promise<void>((done) => {
      release = done;
    });
    idp.behaviours.add({ method: 'PATCH', act: { kind: 'hold', until } });
    const leaving = users.map(({ id }) => desk.deliver(operation('disable', LEAVER, accountOf(ALICE, id))));
    await idp.arrival(() => idp.log.length === 8);
    release();
    expect((await Promise.all(leaving)).every(({ outcome }) => outcome.class === 'done')).toBe(true);
  });
});

test('a base URL that cannot be meant is a problem', () => {
  const deps = {
    credentials: bearer(() => 't'),
    now: () => 0,
    wait: () => Promise.resolve(),
    random: () => 0,
    userAgent: 'x',
  };
  for (const baseUrl of [
    '',
    'idp.example.com',
    'ftp://idp.example.com',
    'https://u:p@idp.example.com',
    'https://idp.example.com/?a=1',
  ]) {
    const settings = { name: 'idp', baseUrl, profile: 'generic', concurrency: 1, perSecond: null } as const;
    expect(() => scimTarget(settings, deps), baseUrl).toThrow(Problem);
  }
});

test.each(['http://idp.example.com/scim/v2', 'http://10.0.0.7/scim'])(
  '%s is not opened: people and credentials would travel in the open',
  (url) => {
    expect(() => openDesk(url)).toThrow(/travel in the open/);
  },
);
