// Mutated requests over real sockets against the house's own server and store, and the judge of what was taken.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Instant, instantOf } from '../../src/base/instant.ts';
import { readConfig } from '../../src/config.ts';
import { openHouse } from '../../src/daemon.ts';
import { hookEndpoints } from '../../src/http/hooks/endpoint.ts';
import { buildServer } from '../../src/http/server.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { heldClock } from '../support/held-clock.ts';
import { mappingText } from '../support/house.ts';
import { ENVIRONMENT, genuine, HOOKS, MUTANT_KINDS, mutant, SCHEME_NAMES, seeded, type Wire } from './hook-mutants.ts';

const NOW: Instant = instantOf('2026-11-23T11:00:00Z');
/** A server that says nothing to a request in this time has hung, or waits for what will not come. */
const SILENT_MS = 150;

export interface HookCampaign {
  readonly requests: number;
  /** Mutants by kind, as kinds were drawn. */
  readonly mix: ReadonlyMap<string, number>;
  /** Mutants that were answered 202 or kept: there must be none. */
  readonly wronglyTaken: readonly string[];
  /** Genuine requests, and how many of them were answered 202 and kept once. */
  readonly controls: number;
  readonly controlsTaken: number;
  /** Genuine requests sent again, and how many of them were kept a second time: there must be none. */
  readonly replays: number;
  readonly replaysKept: number;
  /** Answers by status, 0 for none. */
  readonly statuses: ReadonlyMap<number, number>;
}

export async function hookCampaign(options: {
  readonly requests: number;
  readonly seed: number;
}): Promise<HookCampaign> {
  const root = mkdtempSync(join(tmpdir(), 'rollcall-hooks-'));
  const mappings = join(root, 'mappings');
  mkdirSync(mappings);
  writeFileSync(join(mappings, 'acme.yaml'), `${mappingText()}${HOOKS}`);
  const environment = { IDP_URL: 'http://127.0.0.1:9/scim/v2', IDP_TOKEN: 'nobody-is-asked', ...ENVIRONMENT };
  const config = readConfig(environment, { mappings, state: join(root, 'state'), logLevel: 'silent' });
  const clock = heldClock(NOW);
  const house = await openHouse({ config, clock, mode: 'write', command: 'campaign', log: silentLog });
  const kept = new Map<string, number>();
  const endpoints = hookEndpoints(house, environment).map((endpoint) => ({
    ...endpoint,
    receive: async (...args: Parameters<typeof endpoint.receive>) => {
      const received = await endpoint.receive(...args);
      if (received === 'stored') {
        const name = nameOf(args[0]);
        kept.set(name, (kept.get(name) ?? 0) + 1);
      }
      return received;
    },
  }));
  const server = buildServer({
    version: 'campaign',
    readiness: async () => ({ ready: true, reasons: [] }),
    hooks: endpoints,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const random = seeded(options.seed);
  const mix = new Map<string, number>();
  const statuses = new Map<number, number>();
  const wronglyTaken: string[] = [];
  let [controls, controlsTaken, replays, replaysKept] = [0, 0, 0, 0];
  try {
    for (let count = 0; count < options.requests; ) {
      const scheme = SCHEME_NAMES[Math.floor(random() * SCHEME_NAMES.length)] ?? 'hmac';
      const event = `e${options.seed}-${count}`;
      if (random() < 0.05) {
        count += 1;
        controls += 1;
        const wire = genuine(scheme, event, clock.nowMs());
        const status = await send(port, wire);
        if (status === 202 && kept.get(nameOf(wire.body)) === 1) controlsTaken += 1;
        replays += 1;
        await send(port, wire);
        if ((kept.get(nameOf(wire.body)) ?? 0) > 1) replaysKept += 1;
        continue;
      }
      const kind = MUTANT_KINDS[Math.floor(random() * MUTANT_KINDS.length)] ?? 'body';
      const made = mutant(kind, scheme, event, clock.nowMs(), random);
      if (made === null) continue;
      count += 1;
      mix.set(kind, (mix.get(kind) ?? 0) + 1);
      const before = kept.size;
      const status = await send(port, made.wire);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status !== 202 && kept.size === before) continue;
      wronglyTaken.push(
        `${kind} of ${scheme}: ${status} ${JSON.stringify({ ...made.wire, body: made.wire.body.toString('latin1').slice(0, 200) })}`,
      );
    }
  } finally {
    await server.close();
    await house.close();
    rmSync(root, { recursive: true, force: true });
  }
  return { requests: options.requests, mix, wronglyTaken, controls, controlsTaken, replays, replaysKept, statuses };
}

const nameOf = (body: Buffer): string => {
  try {
    return String((JSON.parse(body.toString()) as { event?: unknown }).event);
  } catch {
    return body.toString('latin1');
  }
};

/** The status of the answer; 0 where there is none. */
async function send(port: number, wire: Wire): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  const status = statusOn(socket);
  socket.write(bytesOf(wire));
  const answered = await status;
  socket.destroy();
  return answered;
}

function bytesOf({ method, path, headers, body, chunks, saidLength }: Wire): Buffer {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: rollcall',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (chunks === undefined) lines.push(`Content-Length: ${saidLength ?? body.length}`);
  else lines.push('Transfer-Encoding: chunked');
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'utf8');
  if (chunks === undefined) return Buffer.concat([head, body]);
  const parts: Buffer[] = [head];
  for (let at = 0, index = 0; at < body.length; index += 1) {
    const size = chunks[index % chunks.length] ?? 1;
    const part = body.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    at += size;
  }
  parts.push(Buffer.from('0\r\n\r\n'));
  return Buffer.concat(parts);
}

function statusOn(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    let text = '';
    const silent = setTimeout(() => resolve(0), SILENT_MS);
    const end = (status: number): void => {
      clearTimeout(silent);
      resolve(status);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const match = /^HTTP\/1\.1 (\d{3})/.exec(text);
      if (match !== null) end(Number(match[1]));
    });
    socket.on('close', () => end(0));
  });
}
