// Runs one hostile case in a child with a bounded heap and says whether it ended as it must, within 512 MB.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { HostileCase, HttpCase } from './hostile-cases.ts';

/** The promise: whatever comes, memory stays under this. */
export const RSS_MB_MAX = 512;
/** Below it, so that a leak ends the process before it is merely large. */
const HEAP_MB_MAX = 320;
const HUNG_MS = 240_000;

const READER = fileURLToPath(new URL('./hostile-reader.ts', import.meta.url));

export interface HostileRun {
  readonly outcome: string;
  readonly rssMb: number;
  readonly seconds: number;
  /** What is wrong; '' where all is as it must be. */
  readonly wrong: string;
}

export async function runHostile(one: HostileCase): Promise<HostileRun> {
  const server = one.kind === 'http' ? await serve(one) : null;
  const started = performance.now();
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB_MAX}`, READER, one.name, server?.url ?? ''], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HUNG_MS,
    killSignal: 'SIGKILL',
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  server?.close();
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) return { outcome: '', rssMb: 0, seconds, wrong: `ended with ${code}: ${err.slice(0, 500)}` };
  const { outcome, rssMb } = JSON.parse(out) as { outcome: string; rssMb: number };
  const wrong = [
    outcome === one.outcome ? '' : `${outcome} instead of ${one.outcome}`,
    rssMb <= RSS_MB_MAX ? '' : `took ${rssMb} MB`,
  ];
  return { outcome, rssMb, seconds, wrong: wrong.filter((text) => text !== '').join('; ') };
}

async function serve(one: HttpCase): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((_request, response) => {
    response.statusCode = 200;
    response.setHeader('content-type', 'application/json');
    void Promise.resolve(one.answer(response)).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
