// The whole daemon against the stub endpoint, and signed webhooks that end somebody's access: what is measured is the time from the
// request to the answer that proves the account inactive.
import { createHmac } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { msOf } from '../src/base/instant.ts';
import { readConfig } from '../src/config.ts';
import { type OpenHouse, openHouse, type RunningDaemon, runDaemon } from '../src/daemon.ts';
import type { LiveConnection } from '../src/pipeline/house.ts';
import type { CycleReport } from '../src/pipeline/intake.ts';
import { performAct } from '../src/pipeline/operator.ts';
import type { Stub } from './child.ts';
import { FEED_COLUMNS, writeFeed } from './feed.ts';

const SEED = 20_261_122;
const SECRET = 'a-secret-of-the-bench-0001';
/** A termination that is not confirmed by then counts with this. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;
const PATH = '/hooks/bench';

const HOOK = `
webhooks:
  - path: ${PATH}
    verify: { scheme: hmac, header: X-Signature, timestampHeader: X-Timestamp, signed: '{timestamp}.{body}', secrets: ["\${env:ROLLCALL_BENCH_SECRET}"] }
    record: body.record
`;

export interface Latency {
  /** Until the sender heard 202. */
  readonly keptMs: number;
  /** Until the account was proven inactive. */
  readonly confirmedMs: number;
}

export interface Terminations extends AsyncDisposable {
  readonly url: string;
  readonly live: LiveConnection;
  /** Puts a feed of so many people in place; the daemon sees it by itself. */
  readonly deliver: (rows: number) => Promise<void>;
  /** The next cycle that ends in one of these ways. */
  readonly ended: (...kinds: readonly CycleReport['kind'][]) => Promise<CycleReport>;
  readonly approveAll: () => Promise<void>;
  readonly queued: () => Promise<number>;
  /** A record by webhook that says that this worker, by number in the feed, has left. */
  readonly terminate: (number: number) => Promise<Latency>;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const idOf = (number: number): string => String(10_000_000 + number).slice(1);

/** @param perSecond requests a second that the target allows; null for any number. */
export async function openTerminations(work: string, stub: Stub, perSecond: number | null): Promise<Terminations> {
  const { feed, mappings, environment } = await connectionFiles(work, stub, perSecond);
  const config = readConfig(environment, { mappings, state: join(work, 'state'), logLevel: 'error', port: '0' });
  const house: OpenHouse = await openHouse({ config, mode: 'write', command: 'bench' });
  const stop = new AbortController();
  const daemon: RunningDaemon = await runDaemon(house, config, stop.signal);
  const [live] = house.connections.values();
  if (live === undefined) throw new Error('bug: a house without a connection');

  const terminate = async (number: number): Promise<Latency> => {
    const worker = idOf(number);
    const sentMs = Date.now();
    const answer = await postTermination(daemon.url, feed, number);
    if (answer.status !== 202) throw new Error(`the webhook was answered ${answer.status}`);
    const keptMs = Date.now() - sentMs;
    while (Date.now() - sentMs < PATIENCE_MS) {
      const entries = await house.store.audit.entriesOf('bench', worker);
      const confirmed = entries.find(({ body: said }) => said.what === 'disable' && said.state === 'done');
      if (confirmed !== undefined) return { keptMs, confirmedMs: Math.max(keptMs, msOf(confirmed.at) - sentMs) };
      await pause(LOOK_EVERY_MS);
    }
    return { keptMs, confirmedMs: PATIENCE_MS };
  };

  return {
    url: daemon.url,
    live,
    deliver: async (rows) => {
      await writeFeed({ file: `${feed}.new`, rows, seed: SEED, edition: 'first' });
      await rename(`${feed}.new`, feed);
      live.wake.ring();
    },
    ended: (...kinds) =>
      new Promise((resolve, reject) => {
        daemon.onCycle((report) => {
          if (kinds.includes(report.kind)) resolve(report);
        });
        daemon.stopped.catch(reject);
      }),
    approveAll: async () => {
      for (const { digest } of await house.store.holds(null, 0)) {
        const who = { reason: 'measured', by: 'bench', osUser: 'bench', channel: 'bench' };
        const result = await performAct(house, { kind: 'approve', args: { digest }, ...who });
        if (!result.ok) throw new Error(result.message);
      }
    },
    queued: async () =>
      (await house.store.queueDepths())
        .filter(({ state }) => state === 'queued' || state === 'sending')
        .reduce((sum, { operations }) => sum + operations, 0),
    terminate,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await daemon.stopped;
      await house.close();
    },
  };
}

/** The connection file of the bench with a webhook, and what it refers to. */
export async function connectionFiles(work: string, stub: Stub, perSecond: number | null) {
  const feed = join(work, 'feed.csv');
  const mappings = join(work, 'mappings');
  await mkdir(mappings);
  const text = await readFile(fileURLToPath(new URL('bench.yaml', import.meta.url)), 'utf8');
  await writeFile(join(mappings, 'bench.yaml'), text.replace('perSecond: null', `perSecond: ${perSecond}`) + HOOK);
  const environment: Readonly<Record<string, string>> = {
    ROLLCALL_BENCH_FEED: feed,
    ROLLCALL_BENCH_URL: stub.url,
    ROLLCALL_BENCH_TOKEN: 'bench',
    ROLLCALL_BENCH_SECRET: SECRET,
  };
  return { feed, mappings, environment };
}

/** A signed record that says that this worker, by number in the feed, has left. */
export async function postTermination(url: string, feed: string, number: number): Promise<Response> {
  const record = { ...(await rowOf(feed, idOf(number))), Status: 'T', Last_Day: '2026-01-05' };
  const body = JSON.stringify({ record });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
  return fetch(`${url}${PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-timestamp': timestamp, 'x-signature': signature },
    body,
  });
}

/** Rows of those who leave, read once: the feed is replaced while the bench runs, their rows stay what they are. */
const rows = new Map<string, Record<string, string>>();
const BEGINNING_BYTES = 8 * 1024 * 1024;

async function rowOf(feed: string, worker: string): Promise<Record<string, string>> {
  if (rows.size === 0) {
    const text = (await readFile(feed, 'utf8')).slice(0, BEGINNING_BYTES);
    for (const line of text.split('\n').slice(1)) {
      const cells = [...line.matchAll(/"([^"]*)"|([^,]+)|(?<=,)(?=,|$)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      );
      if (cells.length === FEED_COLUMNS.length)
        rows.set(cells[0] ?? '', Object.fromEntries(FEED_COLUMNS.map((column, index) => [column, cells[index] ?? ''])));
    }
  }
  const row = rows.get(worker);
  if (row === undefined) throw new Error(`bug: the feed has no worker ${worker}`);
  return row;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const figuresOf = (values: readonly number[]) => ({
  p50: quantile(values, 0.5),
  p95: quantile(values, 0.95),
  worst: Math.max(...values),
});
