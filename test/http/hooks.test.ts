// The server of webhooks over real sockets where the wire matters, and by injection where it does not.
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { HookEndpoint } from '../../src/http/hooks/endpoint.ts';
import { HOOK_BODY_BYTES_MAX } from '../../src/http/hooks/routes.ts';
import { buildServer, type ServerParts } from '../../src/http/server.ts';
import type { Received } from '../../src/store/store.ts';

const PATH = '/hooks/acme';
const GOOD = 'good';

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

interface Desk {
  readonly kept: string[];
  readonly endpoint: HookEndpoint;
}

/** An endpoint that takes what bears the word good. */
function desk(received: Received | Error = 'stored', kind: HookEndpoint['kind'] = 'hint'): Desk {
  const kept: string[] = [];
  return {
    kept,
    endpoint: {
      path: PATH,
      kind,
      verify: ({ headers }) => (headers['x-token'] === GOOD ? { id: '', timestamp: '' } : null),
      receive: async (body) => {
        if (received instanceof Error) throw received;
        if (received === 'stored') kept.push(body.toString());
        return received;
      },
    },
  };
}

function serverOf(endpoint: HookEndpoint, parts: Partial<ServerParts> = {}) {
  const server = buildServer({
    version: 'test',
    readiness: async () => ({ ready: true, reasons: [] }),
    hooks: [endpoint],
    ...parts,
  });
  open.push(server);
  return server;
}

const HEADERS = { 'content-type': 'application/json', 'x-token': GOOD };
const post = (server: ReturnType<typeof serverOf>, headers: Record<string, string> = HEADERS, payload = '{}') =>
  server.inject({ method: 'POST', url: PATH, headers, payload });

describe('a request that is', () => {
  test('genuine is answered 202 once it is kept', async () => {
    const { kept, endpoint } = desk();
    const answer = await post(serverOf(endpoint), HEADERS, '{"a":1}');
    expect([answer.statusCode, kept]).toEqual([202, ['{"a":1}']]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('not proven is answered 401, with the same words whatever was wrong', async () => {
    const { kept, endpoint } = desk();
    const server = serverOf(endpoint);
    const answers = [
      await post(server, { ...HEADERS, 'x-token': 'bad' }),
      await post(server, { 'content-type': 'application/json' }),
      await post(server, { ...HEADERS, 'x-token': '' }, ''),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401, 401]);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(kept).toEqual([]);
  });

  test('known already is answered 202', async () => {
    expect((await post(serverOf(desk('duplicate').endpoint))).statusCode).toBe(202);
  });

  test.each([
    ['the inbox is full', 'full' as const],
    ['nobody can say whether it was stored', new Error('the disk is gone')],
  ])('met where %s is answered 503 and may come again', async (_, received) => {
    const answer = await post(serverOf(desk(received).endpoint));
    expect([answer.statusCode, Number(answer.headers['retry-after']) > 0]).toEqual([503, true]);
    expect(answer.body).not.toContain('disk');
  });

  test('met where the disk is nearly full is answered 503, but for an emergency', async () => {
    const diskRoom = async () => 20 * 1024 * 1024;
    expect((await post(serverOf(desk().endpoint, { diskRoom }))).statusCode).toBe(503);
    expect((await post(serverOf(desk('stored', 'emergency').endpoint, { diskRoom }))).statusCode).toBe(202);
    const none = async () => 0;
    expect((await post(serverOf(desk('stored', 'emergency').endpoint, { diskRoom: none }))).statusCode).toBe(503);
  });

  test.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/json; charset=utf-16' }],
    [{ 'content-type': 'multipart/form-data; boundary=x' }],
    [{ 'content-type': '' }],
    [{ 'content-encoding': 'gzip' }],
    [{ 'content-encoding': 'br' }],
  ])('written as %j is answered 415', async (more) => {
    const { kept, endpoint } = desk();
    const answer = await post(serverOf(endpoint), { ...HEADERS, ...more } as Record<string, string>);
    expect([answer.statusCode, kept]).toEqual([415, []]);
  });

  test.each(['application/json; charset=UTF-8', 'application/cloudevents+json', 'application/x-www-form-urlencoded'])(
    'written as %s is taken',
    async (type) => {
      expect((await post(serverOf(desk().endpoint), { ...HEADERS, 'content-type': type })).statusCode).toBe(202);
    },
  );

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)('%s is answered 405', async (method) => {
    const answer = await serverOf(desk().endpoint).inject({ method, url: PATH, headers: { 'x-token': GOOD } });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST']);
  });

  test('too large is answered 413, and the largest that is not is taken', async () => {
    const { kept, endpoint } = desk();
    const server = serverOf(endpoint);
    expect((await post(server, HEADERS, 'x'.repeat(HOOK_BODY_BYTES_MAX + 1))).statusCode).toBe(413);
    expect((await post(server, HEADERS, 'x'.repeat(HOOK_BODY_BYTES_MAX))).statusCode).toBe(202);
    expect(kept).toHaveLength(1);
  });
});

// ── on the wire ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function listening(endpoint: HookEndpoint, parts: Partial<ServerParts> = {}): Promise<number> {
  const server = serverOf(endpoint, parts);
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

async function socketTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  open.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return socket;
}

/** The status of the first answer; 0 where the connection ends without one. */
const statusOn = (socket: Socket): Promise<number> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const match = /^HTTP\/1\.1 (\d{3})/.exec(text);
      if (match !== null) resolve(Number(match[1]));
    });
    socket.on('close', () => resolve(0));
  });

const HEAD = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nX-Token: ${GOOD}\r\nContent-Type: application/json\r\n`;

test('a chunked body is counted as it comes', async () => {
  const { kept, endpoint } = desk();
  const port = await listening(endpoint);
  const small = await socketTo(port);
  small.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n`);
  expect(await statusOn(small)).toBe(202);
  expect(kept).toEqual(['{"a":1}']);
  const large = await socketTo(port);
  const status = statusOn(large);
  large.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  for (let sent = 0; sent < 5; sent += 1) large.write(chunk);
  expect(await status).toBe(413);
  expect(kept).toHaveLength(1);
});

test('two lengths, or a length beside chunks, are no request', async () => {
  const { kept, endpoint } = desk();
  const port = await listening(endpoint);
  for (const lengths of [
    'Content-Length: 2\r\nContent-Length: 20\r\n',
    'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
  ]) {
    const socket = await socketTo(port);
    const status = statusOn(socket);
    socket.write(`${HEAD}${lengths}\r\n{}`);
    expect(await status).toBe(400);
  }
  expect(kept).toEqual([]);
});

test('who comes when all places are taken gets that of the oldest who says nothing', async () => {
  const { kept, endpoint } = desk();
  const port = await listening(endpoint, { limits: { total: 8, perAddress: null } });
  const slow: Socket[] = [];
  for (let index = 0; index < 8; index += 1) {
    const socket = await socketTo(port);
    socket.write(HEAD.slice(0, 20 + index));
    slow.push(socket);
  }
  const closed = Promise.race(slow.map((socket, index) => once(socket, 'close').then(() => index)));
  const quick = await socketTo(port);
  const status = statusOn(quick);
  quick.write(`${HEAD}Content-Length: 2\r\n\r\n{}`);
  expect(await status).toBe(202);
  expect(await closed).toBe(0);
  expect(kept).toEqual(['{}']);
  expect(slow.filter((socket) => !socket.destroyed)).toHaveLength(7);
});

test('one address takes only its share of the places', async () => {
  const port = await listening(desk().endpoint, { limits: { total: 100, perAddress: 3 } });
  const sockets = [await socketTo(port), await socketTo(port), await socketTo(port)];
  const closed = once(sockets[0] as Socket, 'close');
  await socketTo(port);
  await closed;
  expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(2);
});
