import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { daemonFinding, hookFindings } from '../../src/cli/probe-hooks.ts';
import { type Connection, readConnection } from '../../src/mapping/connection-file.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import { mappingText } from '../support/house.ts';

/** Base64, as Standard Webhooks wants its keys. */
const LONG = Buffer.from('a-secret-of-more-than-thirty-two-characters').toString('base64');
const another = (n: number): string => Buffer.from(`another-secret-of-many-characters-${n}`).toString('base64');

function withHooks(name: string): Connection {
  const hooks = `webhooks:
  - path: /hooks/${name}
    verify: { scheme: standard-webhooks, secrets: ["\${env:HINT_${name.toUpperCase()}}"] }
    worker: body.id
  - path: /hooks/${name}-emergency
    emergency: true
    verify: { scheme: hmac, header: X-Signature, algorithm: sha256, secrets: ["\${env:NOW_${name.toUpperCase()}}"] }
    worker: body.id
`;
  const read = readConnection(`${name}.yaml`, mappingText({ 'connection: acme': `connection: ${name}` }) + hooks, {
    sha256,
  });
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.connection;
}

const told = (environment: Readonly<Record<string, string>>, others: readonly Connection[] = []) => {
  const acme = withHooks('acme');
  const found = hookFindings(acme, [acme, ...others], environment);
  for (const secret of Object.values(environment)) expect(JSON.stringify(found)).not.toContain(secret);
  return found.map(({ subject, code, verdict }) => [subject, code, verdict]);
};

test('webhooks with secrets of their own are in order', () => {
  expect(told({ HINT_ACME: LONG, NOW_ACME: another(1) })).toEqual([
    ['webhook /hooks/acme', 'webhook.secret', 'good'],
    ['webhook /hooks/acme-emergency', 'webhook.secret', 'good'],
  ]);
});

test('a secret that is missing has to be set, and one that is too short is none', () => {
  expect(told({ HINT_ACME: 'short' })).toEqual([
    ['webhook /hooks/acme', 'webhook.secret', 'configuration'],
    ['webhook /hooks/acme-emergency', 'webhook.secret', 'configuration'],
  ]);
});

test('an emergency that shares its secret with a hint has to be corrected, on both sides', () => {
  expect(told({ HINT_ACME: LONG, NOW_ACME: LONG })).toEqual([
    ['webhook /hooks/acme', 'webhook.shared-secret', 'configuration'],
    ['webhook /hooks/acme-emergency', 'webhook.shared-secret', 'configuration'],
  ]);
});

test('a secret shared with another connection deserves a look', () => {
  const environment = { HINT_ACME: LONG, NOW_ACME: another(1), HINT_OTHER: LONG, NOW_OTHER: another(2) };
  expect(told(environment, [withHooks('other')])).toEqual([
    ['webhook /hooks/acme', 'webhook.shared-secret', 'warning'],
    ['webhook /hooks/acme-emergency', 'webhook.secret', 'good'],
  ]);
});

async function server(answer: RequestListener): Promise<{ readonly host: string; readonly port: number }> {
  const http = createServer(answer);
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  onTestFinished(() => void http.close());
  return { host: '127.0.0.1', port: (http.address() as AddressInfo).port };
}

test('whether a daemon listens is asked of its health and of nothing else', async () => {
  const asked: string[] = [];
  const there = await server(({ method, url }, answer) => {
    asked.push(`${method} ${url}`);
    answer.end('ok');
  });
  const stop = new AbortController().signal;
  expect(await daemonFinding(there, stop)).toMatchObject({ verdict: 'good' });
  expect(asked).toEqual(['GET /healthz']);
  const odd = await server((_, answer) => void answer.writeHead(404).end());
  expect(await daemonFinding(odd, stop)).toMatchObject({
    verdict: 'note',
    message: expect.stringContaining('no daemon'),
  });
  expect(await daemonFinding({ host: '127.0.0.1', port: 1 }, stop)).toMatchObject({ verdict: 'note' });
});
