// The house of the soak: the daemon as `run` opens it, in a process of its own, which measures itself when it is asked.
// argv: folder of the mappings, state folder. Reads one word a line: sample, reset, approve, idle; answers each with one line of JSON, between what the daemon logs.
// The end of stdin stops it. The first line it prints says where it listens.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { readConfig } from '../src/config.ts';
import { openHouse, runDaemon } from '../src/daemon.ts';
import { performAct } from '../src/pipeline/operator.ts';

export interface Sample {
  readonly atMs: number;
  /** After a collection. */
  readonly heapMb: number;
  /** Buffers beside the heap. */
  readonly externalMb: number;
  readonly rssMb: number;
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface Idle {
  readonly queued: number;
  readonly failed: number;
  readonly held: number;
  /** Webhook events that are not carried out yet. */
  readonly waiting: number;
  readonly rejected: number;
  readonly cycles: number;
}

const [mappings = '', state = ''] = process.argv.slice(2);
const MB = 1024 * 1024;
const NS_PER_MS = 1e6;

const config = readConfig(process.env, { mappings, state, logLevel: 'error', port: '0' });
const stop = new AbortController();
await using house = await openHouse({ config, mode: 'write', command: 'run' });
const daemon = await runDaemon(house, config, stop.signal);
let cycles = 0;
daemon.onCycle(() => {
  cycles += 1;
});
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

async function sample(): Promise<Sample> {
  // The figure of the loop first: the collection below is ours.
  const loopDelayMs = {
    p50: delay.percentile(50) / NS_PER_MS,
    p99: delay.percentile(99) / NS_PER_MS,
    max: delay.max / NS_PER_MS,
  };
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { atMs: Date.now(), heapMb: heapUsed / MB, externalMb: external / MB, rssMb: rss / MB, loopDelayMs };
}

async function idle(): Promise<Idle> {
  const depths = await house.store.queueDepths();
  const of = (...states: readonly string[]): number =>
    depths.filter((one) => states.includes(one.state)).reduce((sum, { operations }) => sum + operations, 0);
  const hooks = await house.store.hooks(null);
  return {
    queued: of('queued', 'sending', 'accepted'),
    failed: of('failed'),
    held: (await house.store.holds(null, 0)).length,
    waiting: hooks.reduce((sum, { waiting }) => sum + waiting, 0),
    rejected: hooks.reduce((sum, { rejected }) => sum + rejected, 0),
    cycles,
  };
}

async function approve(): Promise<object> {
  const holds = await house.store.holds(null, 0);
  for (const { digest } of holds) {
    const who = { reason: 'measured', by: 'bench', osUser: 'bench', channel: 'bench' };
    await performAct(house, { kind: 'approve', args: { digest }, ...who });
  }
  return { approved: holds.length };
}

const ANSWERS: Readonly<Record<string, () => Promise<object>>> = {
  sample,
  idle,
  approve,
  reset: async () => {
    delay.reset();
    return {};
  },
};

console.log(JSON.stringify({ answer: { url: daemon.url } }));
daemon.stopped.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
for await (const line of createInterface({ input: process.stdin })) {
  const answer = ANSWERS[line];
  if (answer === undefined) throw new Error(`bug: nobody knows ${line}`);
  console.log(JSON.stringify({ answer: await answer() }));
}
stop.abort();
await daemon.stopped;
