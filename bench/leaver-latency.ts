// The promise to leavers under load: tens of thousands of joiners queued at an endpoint that allows 200 requests a second, a changed
// snapshot being read, and every now and then somebody who is to be out at once. argv: joiners (50,000), leavers (20).
// Prints the times from the order to the request and to the confirmation, and as the last line a JSON object.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { msOf } from '../src/base/instant.ts';
import { readConfig } from '../src/config.ts';
import { openHouse } from '../src/daemon.ts';
import { startDispatch } from '../src/pipeline/dispatch.ts';
import type { House } from '../src/pipeline/house.ts';
import { runCycle } from '../src/pipeline/intake.ts';
import { performAct } from '../src/pipeline/operator.ts';
import { type Stub, startStub } from './child.ts';
import { writeFeed } from './feed.ts';

/** As the mapping says and as the endpoint enforces with 429. */
const PER_SECOND = 200;
/** People at work before the load comes: the leavers are among them. */
const AT_WORK = 1_000;
const SEED = 20_261_122;
/** Between two leavers. */
const PAUSE_MS = 500;
/** A leaver who is not confirmed by then counts with this. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 5;

export interface LeaverFigures {
  readonly joiners: number;
  readonly leavers: number;
  readonly perSecond: number;
  /** Milliseconds from the order on. */
  readonly sent: Quantiles;
  readonly confirmed: Quantiles;
}
interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly worst: number;
}

interface Latency {
  readonly sentMs: number;
  readonly confirmedMs: number;
}

const [joiners = 50_000, leavers = 20] = process.argv.slice(2).map(Number);
const say = (text: string): void => console.error(text);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(work: string, stub: Stub): Promise<readonly Latency[]> {
  const feed = join(work, 'feed.csv');
  const mappings = join(work, 'mappings');
  await mkdir(mappings);
  const text = await readFile(fileURLToPath(new URL('bench.yaml', import.meta.url)), 'utf8');
  const limited = text.replace('perSecond: null', `perSecond: ${PER_SECOND}`);
  if (limited === text) throw new Error('bug: bench.yaml has no limit to set');
  await writeFile(join(mappings, 'bench.yaml'), limited);
  const environment = { ROLLCALL_BENCH_FEED: feed, ROLLCALL_BENCH_URL: stub.url, ROLLCALL_BENCH_TOKEN: 'bench' };
  const config = readConfig(environment, { mappings, state: join(work, 'state'), logLevel: 'error' });
  await using house = await openHouse({ config, mode: 'write', command: 'bench' });
  const [live] = house.connections.values();
  if (live === undefined) throw new Error('bug: a house without a connection');
  const stop = new AbortController();
  const write = async (rows: number, edition: 'first' | 'changed'): Promise<void> => {
    await writeFeed({ file: `${feed}.new`, rows, seed: SEED, edition });
    await rename(`${feed}.new`, feed);
  };
  const cycle = async (): Promise<void> => {
    const judge = () =>
      live.turn.take(() => runCycle(house, live, { actor: 'feed', mode: 'commit', signal: stop.signal }));
    let report = await judge();
    if (report.kind === 'held') {
      // So many joiners at once are held, as they should be: somebody releases them.
      for (const { digest } of await house.store.holds(null)) await asked(house, 'approve', { digest });
      report = await judge();
    }
    if (report.kind !== 'done') throw new Error(`the cycle ended as ${report.kind}: ${report.reason}`);
  };
  const queued = async (): Promise<number> =>
    (await house.store.queueDepths())
      .filter(({ state }) => state === 'queued' || state === 'sending')
      .reduce((sum, { operations }) => sum + operations, 0);

  const dispatch = startDispatch(house, stop.signal);
  try {
    say(`${AT_WORK} people come to work`);
    await write(AT_WORK, 'first');
    await cycle();
    while ((await queued()) > 0) await pause(100);
    say(`${joiners} joiners come`);
    await write(AT_WORK + joiners, 'first');
    await cycle();
    say(`${await queued()} operations are queued; a changed snapshot is read while ${leavers} leave`);
    await write(AT_WORK + joiners, 'changed');
    let reading = true;
    const read = cycle().finally(() => {
      reading = false;
    });
    const latencies: Latency[] = [];
    let during = 0;
    for (let count = 0; count < leavers; count += 1) {
      const worker = String(10_000_000 + Math.floor((count * AT_WORK) / leavers)).slice(1);
      if (reading) during += 1;
      latencies.push(await leave(house, worker));
      await pause(PAUSE_MS);
    }
    await read;
    const left = await queued();
    say(`${during} of them left while the snapshot was read; ${left} operations are still queued`);
    if (left < joiners / 10) throw new Error('the queue was nearly empty before the last leaver: take more joiners');
    return latencies;
  } finally {
    stop.abort();
    await dispatch.stopped;
  }
}

/** From the order, as a person gives it, to the first request and to the answer that proves the account inactive. */
async function leave(house: House, worker: string): Promise<Latency> {
  const orderedMs = Date.now();
  await asked(house, 'leave', { worker });
  while (Date.now() - orderedMs < PATIENCE_MS) {
    const entries = (await house.store.audit.entriesOf('bench', worker)).filter(({ at }) => msOf(at) >= orderedMs);
    const sent = entries.find(({ kind, body }) => kind === 'intent' && body.method === 'PATCH');
    const confirmed = entries.find(({ body }) => body.what === 'disable' && body.state === 'done');
    if (sent !== undefined && confirmed !== undefined) {
      return { sentMs: msOf(sent.at) - orderedMs, confirmedMs: msOf(confirmed.at) - orderedMs };
    }
    await pause(LOOK_EVERY_MS);
  }
  return { sentMs: PATIENCE_MS, confirmedMs: PATIENCE_MS };
}

async function asked(house: House, kind: string, args: Readonly<Record<string, string>>): Promise<void> {
  const who = { reason: 'measured', by: 'bench', osUser: 'bench', channel: 'bench' };
  const result = await performAct(house, { kind, args, ...who });
  if (!result.ok) throw new Error(result.message);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

const figuresOf = (values: readonly number[]): Quantiles => ({
  p50: quantile(values, 0.5),
  p95: quantile(values, 0.95),
  worst: Math.max(...values),
});

const work = await mkdtemp(join(tmpdir(), 'rollcall-leavers-'));
try {
  await using stub = await startStub(0, { ROLLCALL_STUB_PER_SECOND: String(PER_SECOND) });
  const latencies = await measure(work, stub);
  const sent = figuresOf(latencies.map(({ sentMs }) => sentMs));
  const confirmed = figuresOf(latencies.map(({ confirmedMs }) => confirmedMs));
  for (const [what, { p50, p95, worst }] of Object.entries({ sent, confirmed })) {
    console.log(`leaver ${what.padEnd(9)} p50 ${p50} ms, p95 ${p95} ms, worst ${worst} ms`);
  }
  const figures: LeaverFigures = { joiners, leavers, perSecond: PER_SECOND, sent, confirmed };
  console.log(JSON.stringify(figures));
} finally {
  await rm(work, { recursive: true, force: true });
}
