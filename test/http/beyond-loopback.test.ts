// Who may be reached by other machines, and how: TLS or a proxy, and a token.
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { buildServer } from '../../src/http/server.ts';
import { certificate, pairOf } from '../support/wire.ts';

const TOKEN = 'a-token-of-more-than-24-characters';
const read = (environment: Readonly<Record<string, string>>): Config['http'] | readonly string[] => {
  try {
    return readConfig(environment, {}).http;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.faults.map(({ code }) => code);
  }
};

describe('another address than loopback', () => {
  const elsewhere = { ROLLCALL_HTTP_HOST: '0.0.0.0' };
  const tls = { ROLLCALL_HTTP_TLS_CERT: 'cert.pem', ROLLCALL_HTTP_TLS_KEY: 'key.pem' };
  const proxy = { ROLLCALL_HTTP_BEHIND_PROXY: 'true' };
  const token = { ROLLCALL_HTTP_TOKEN: TOKEN };

  test.each([
    ['nothing', {}, ['config.http-host', 'config.http-token']],
    ['a token alone', token, ['config.http-host']],
    ['TLS alone', tls, ['config.http-token']],
    ['a proxy alone', proxy, ['config.http-token']],
    ['a token that can be guessed', { ...proxy, ROLLCALL_HTTP_TOKEN: 'short' }, ['config.http-token']],
    ['a certificate without its key', { ...proxy, ...token, ROLLCALL_HTTP_TLS_CERT: 'cert.pem' }, ['config.http-tls']],
  ])('with %s is refused', (_, more, codes) => {
    expect(read({ ...elsewhere, ...more })).toEqual(codes);
  });

  test('with TLS or a proxy, and a token, is taken', () => {
    expect(read({ ...elsewhere, ...tls, ...token })).toMatchObject({
      host: '0.0.0.0',
      token: TOKEN,
      behindProxy: false,
    });
    expect(read({ ...elsewhere, ...proxy, ...token })).toMatchObject({ tls: null, behindProxy: true });
    expect(read({})).toMatchObject({ host: '127.0.0.1', tls: null, token: '' });
  });
});

test('a server with a certificate speaks TLS and nothing else, and reasons are for who bears the token', async () => {
  const server = buildServer({
    version: 'test',
    readiness: async () => ({ ready: false, reasons: ['the store does not answer'] }),
    tls: pairOf('server'),
    token: TOKEN,
  });
  onTestFinished(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const asked = (headers: Readonly<Record<string, string>>): Promise<{ status: number; body: unknown }> =>
    new Promise((resolve, reject) => {
      const options = { port, host: 'localhost', path: '/readyz', headers, ca: certificate('ca.pem'), family: 4 };
      request(options, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }));
      })
        .on('error', reject)
        .end();
    });
  expect(await asked({})).toEqual({ status: 503, body: { status: 'not ready' } });
  expect((await asked({ authorization: `Bearer ${TOKEN}x` })).body).toEqual({ status: 'not ready' });
  expect((await asked({ authorization: `Bearer ${TOKEN}` })).body).toEqual({
    status: 'not ready',
    reasons: ['the store does not answer'],
  });
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
});
