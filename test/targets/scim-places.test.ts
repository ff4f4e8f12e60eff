// Who gets a free connection, and what may still leave once it has one.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, openClient } from '../../src/targets/scim/client.ts';

const arrived: { readonly path: string; readonly response: ServerResponse }[] = [];
let hear = Promise.withResolvers<void>();
const server = createServer((request, response) => {
  arrived.push({ path: request.url ?? '', response });
  hear.resolve();
});
let client: Client;

beforeEach(async () => {
  arrived.length = 0;
  hear = Promise.withResolvers();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  client = openClient({ baseUrl: `http://127.0.0.1:${port}`, connections: 1, reserved: 0, timeoutMs: 5_000 });
});
afterEach(async () => {
  for (const { response } of arrived) response.end();
  await client.close();
  server.closeAllConnections();
  server.close();
});

const { signal } = new AbortController();
const send = (path: string, urgent = false, cut: AbortSignal = signal, leaves?: () => boolean) =>
  client.send({ method: 'GET', path, headers: {}, body: '' }, urgent, cut, leaves);

/** Answers the request that the server holds, and says which one it was. */
async function answerNext(): Promise<string> {
  await hear.promise;
  hear = Promise.withResolvers();
  const last = arrived.at(-1);
  last?.response.end('{}');
  return last?.path ?? '';
}

test('a leaver gets the next free connection before those who have waited longer', async () => {
  const all = [send('/first'), send('/second'), send('/third'), send('/leaver', true)];
  const order = [await answerNext(), await answerNext(), await answerNext(), await answerNext()];
  expect(order).toEqual(['/first', '/leaver', '/second', '/third']);
  for (const answer of await Promise.all(all)) expect(answer).toMatchObject({ kind: 'answer', status: 200 });
});

test('what may not leave any more gives its connection to the next one, unsent', async () => {
  const first = send('/first');
  const stopped = send('/stopped', false, signal, () => false);
  const next = send('/next', false, signal, () => true);
  expect([await answerNext(), await answerNext()]).toEqual(['/first', '/next']);
  expect(await stopped).toEqual({ kind: 'fault', code: 'not-sent' });
  expect(await first).toMatchObject({ kind: 'answer' });
  expect(await next).toMatchObject({ kind: 'answer' });
  expect(arrived.map(({ path }) => path)).toEqual(['/first', '/next']);
});

test('a cut ends what is under way as stopped, and what waited as not sent', async () => {
  const cut = new AbortController();
  const under = send('/under-way', false, cut.signal);
  const waiting = send('/waiting', false, cut.signal);
  await hear.promise;
  cut.abort();
  expect(await under).toEqual({ kind: 'fault', code: 'stopped' });
  expect(await waiting).toEqual({ kind: 'fault', code: 'not-sent' });
  expect(arrived.map(({ path }) => path)).toEqual(['/under-way']);
});
