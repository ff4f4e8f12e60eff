// Half an hour of an ordinary busy day: the daemon in a process of its own, an endpoint in another, signed records by webhook without a
// pause, a feed that is read again and again, and beside it the leaver report, the check of the audit and backups in turns.
// What must not grow is measured: memory after collections, the write-ahead log, the delay of the loop; what must not be lost is
// compared with the endpoint in the end. Flags: --minutes 30, --per-second 50, --workers 30000, --out FILE, --keep.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { AS_IN_THE_IMAGE, startStub } from './child.ts';
import { type Slope, slopeOf, type Verdict, verdictOf } from './slope.ts';
import { Company, feedOf, type Kind, recordOf } from './soak-company.ts';
import type { Idle, Sample } from './soak-house.ts';
import { quantile } from './terminations.ts';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'per-second': { type: 'string', default: '50' },
    workers: { type: 'string', default: '30000' },
    out: { type: 'string', default: 'bench/out/soak.json' },
    keep: { type: 'boolean', default: false },
  },
});
const MINUTES = Number(flags.minutes);
const PER_SECOND = Number(flags['per-second']);
const WORKERS = Number(flags.workers);
/** Of the time, at most twenty minutes: caches fill, the allocator gets what it keeps, and code goes on being compiled for long. */
const WARM_UP_MS = Math.min(20, MINUTES / 3) * 60_000;
const SAMPLE_EVERY_MS = 10_000;
const FEED_EVERY_MS = 30_000;
const BESIDE_PAUSE_MS = 5_000;
/** A command that takes longer beside a daemon at work is cut off and counts as failed. */
const COMMAND_MAX_MS = 120_000;
/** After the last event everything has to be done by then. */
const PATIENCE_MS = 120_000;
const SECRET = 'a-secret-of-the-soak-00001';
const SEED = 20_261_122;
const PROMISES = { memoryMbPerHour: 1, loopP99Ms: 50, walMb: 256 } as const;
const MB = 1024 * 1024;

const say = (text: string): void => console.error(text);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let seed = SEED;
const random = (): number => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

interface House extends AsyncDisposable {
  readonly url: string;
  /** Errors and alarms that the daemon has logged. */
  readonly logged: readonly string[];
  readonly ask: <T>(word: string) => Promise<T>;
}

async function startHouse(mappings: string, state: string, env: Readonly<Record<string, string>>): Promise<House> {
  const child: ChildProcess = spawn(process.execPath, [...AS_IN_THE_IMAGE, source('soak-house.ts'), mappings, state], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let wanted = true;
  child.once('exit', (code, signal) => {
    if (wanted) throw new Error(`the house ended by itself (${code ?? signal})`);
  });
  if (child.stdout === null) throw new Error('bug: the house has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const logged: string[] = [];
  // Between the answers stands what the daemon logs: errors and alarms.
  const next = async (): Promise<unknown> => {
    for (;;) {
      const line = JSON.parse((await lines.next()).value ?? '{}') as { readonly answer?: unknown };
      if ('answer' in line) return line.answer;
      logged.push(JSON.stringify(line));
      say(`the daemon says: ${logged.at(-1)}`);
    }
  };
  const { url } = (await next()) as { url: string };
  let last: Promise<unknown> = Promise.resolve();
  return {
    url,
    logged,
    ask: <T>(word: string) => {
      // One question at a time: answers come in order and carry no name.
      last = last.then(() => {
        child.stdin?.write(`${word}\n`);
        return next();
      });
      return last as Promise<T>;
    },
    [Symbol.asyncDispose]: async () => {
      wanted = false;
      child.stdin?.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** One command line beside the daemon; resolves with its exit code, null where it was cut off. */
async function beside(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number | null> {
  const child = spawn(process.execPath, [source('../src/main.ts'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
    timeout: COMMAND_MAX_MS,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

interface Posted {
  readonly sent: Record<Kind, number>;
  readonly tookMs: number[];
  readonly refused: Record<string, number>;
}

async function post(url: string, record: Readonly<Record<string, string>>): Promise<number> {
  const body = JSON.stringify({ record });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
  const answer = await fetch(`${url}/hooks/soak`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-timestamp': timestamp, 'x-signature': signature },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** Events at their pace, whatever the answers take; a person's next event waits for the answer to the last. */
async function send(house: House, company: Company, untilMs: number): Promise<Posted> {
  const posted: Posted = { sent: { mover: 0, joiner: 0, leaver: 0 }, tookMs: [], refused: {} };
  const under = new Set<Promise<void>>();
  const startedMs = Date.now();
  for (let count = 0; Date.now() < untilMs; count += 1) {
    const dueMs = startedMs + (count * 1_000) / PER_SECOND;
    if (dueMs > Date.now()) await pause(dueMs - Date.now());
    const { kind, person } = company.next(new Date().toISOString());
    const record = recordOf(person);
    const beganMs = performance.now();
    const one = (async (): Promise<void> => {
      // A sender repeats what is not taken: 503 says that it should.
      for (let tries = 0; ; tries += 1) {
        // A kept connection may be closed under a request that is on its way: that, too, is sent again.
        const status = await post(house.url, record).catch(() => 'no answer' as const);
        if (status === 202) break;
        posted.refused[status] = (posted.refused[status] ?? 0) + 1;
        if (tries > 60) throw new Error(`a webhook was answered ${status} sixty times`);
        await pause(1_000);
      }
      posted.sent[kind] += 1;
      posted.tookMs.push(performance.now() - beganMs);
    })();
    const kept: Promise<void> = one.finally(() => under.delete(kept));
    under.add(kept);
  }
  await Promise.all(under);
  return posted;
}

/** The delay of a loop that has nothing to do, on the same machine at the same time: what is not the daemon's. */
function idleLoop(): { readonly p99: () => number; readonly stop: () => void } {
  const worker = new Worker(
    "const { monitorEventLoopDelay } = require('node:perf_hooks'); const d = monitorEventLoopDelay({ resolution: 1 }); d.enable(); setInterval(() => require('node:worker_threads').parentPort.postMessage(d.percentile(99) / 1e6), 5000);",
    { eval: true },
  );
  let last = Number.NaN;
  worker.on('message', (value: number) => {
    last = value;
  });
  return { p99: () => last, stop: () => void worker.terminate() };
}

const work = await mkdtemp(join(tmpdir(), 'rollcall-soak-'));
const [mappings, state, feed] = ['mappings', 'state', 'feed.csv'].map((name) => join(work, name)) as [
  string,
  string,
  string,
];
try {
  await mkdir(mappings);
  await writeFile(join(mappings, 'soak.yaml'), await readFile(source('soak.yaml')));
  await using stub = await startStub();
  const env: Readonly<Record<string, string>> = {
    ROLLCALL_BENCH_FEED: feed,
    ROLLCALL_BENCH_URL: stub.url,
    ROLLCALL_BENCH_TOKEN: 'soak',
    ROLLCALL_BENCH_SECRET: SECRET,
    ROLLCALL_MAPPINGS: mappings,
    ROLLCALL_STATE: state,
  };
  const company = new Company(WORKERS, new Date().toISOString(), random);
  const deliver = async (): Promise<void> => {
    await writeFile(`${feed}.new`, feedOf(company.people));
    await rename(`${feed}.new`, feed);
  };
  await deliver();
  await using house = await startHouse(mappings, state, env);
  say(`${WORKERS} people come to work`);
  for (let idle: Idle | null = null; idle === null || idle.cycles === 0 || idle.queued > 0; ) {
    await pause(1_000);
    idle = await house.ask<Idle>('idle');
    if (idle.held > 0) await house.ask('approve');
  }

  const control = idleLoop();
  const startedMs = Date.now();
  const endMs = startedMs + MINUTES * 60_000;
  const samples: Sample[] = [];
  const wal: number[] = [];
  const ran: Record<string, { times: number; failed: number; longestSeconds: number }> = {};
  say(`${MINUTES} minutes at ${PER_SECOND} events a second`);
  const measuring = (async (): Promise<void> => {
    let warm = false;
    while (Date.now() < endMs) {
      await pause(Math.min(SAMPLE_EVERY_MS, Math.max(0, endMs - Date.now())));
      if (!warm && Date.now() - startedMs >= WARM_UP_MS) {
        warm = true;
        await house.ask('reset');
      }
      const sample = await house.ask<Sample>('sample');
      samples.push(sample);
      wal.push((await stat(join(state, 'rollcall.db-wal'))).size / MB);
      say(
        `${((sample.atMs - startedMs) / 60_000).toFixed(1)} min: heap ${sample.heapMb.toFixed(1)} MB, rss ${sample.rssMb.toFixed(0)} MB, loop p99 ${sample.loopDelayMs.p99.toFixed(1)} ms, wal ${wal.at(-1)?.toFixed(0)} MB`,
      );
    }
  })();
  const delivering = (async (): Promise<void> => {
    while (Date.now() + FEED_EVERY_MS < endMs) {
      await pause(FEED_EVERY_MS);
      await deliver();
    }
  })();
  const reporting = (async (): Promise<void> => {
    for (let turn = 0; Date.now() < endMs; turn += 1) {
      const copy = join(work, `copy-${turn}.db`);
      const lines = [
        ['audit', 'report', 'leavers', '--from', day(-2), '--to', day(2), '--json'],
        ['audit', 'verify', '--json'],
        ['backup', copy],
      ] as const;
      const line = lines[turn % lines.length] ?? lines[0];
      const name = line.slice(0, line[0] === 'backup' ? 1 : 2).join(' ');
      const beganMs = Date.now();
      const code = await beside(line, env);
      const took = Math.round((Date.now() - beganMs) / 1_000);
      const before = ran[name] ?? { times: 0, failed: 0, longestSeconds: 0 };
      ran[name] = {
        times: before.times + 1,
        failed: before.failed + (code === 0 ? 0 : 1),
        longestSeconds: Math.max(before.longestSeconds, took),
      };
      await rm(copy, { force: true });
      await pause(BESIDE_PAUSE_MS);
    }
  })();
  const [posted] = await Promise.all([send(house, company, endMs), measuring, delivering, reporting]).catch((error) => {
    // What still runs fails in turn, and would be all that is seen.
    console.error(error);
    process.exit(1);
  });
  const loop = samples.at(-1)?.loopDelayMs ?? { p50: Number.NaN, p99: Number.NaN, max: Number.NaN };

  const idleP99 = control.p99();
  control.stop();
  say('waiting for the last of them');
  await deliver();
  const lastMs = Date.now();
  let idle = await house.ask<Idle>('idle');
  const target = idle.cycles;
  while ((idle.queued + idle.waiting > 0 || idle.cycles === target) && Date.now() - lastMs < PATIENCE_MS) {
    await pause(500);
    idle = await house.ask<Idle>('idle');
  }
  const wrong = await differences(stub.url, company);
  const proven = await beside(['audit', 'verify', '--json'], env);

  const warm = samples.filter(({ atMs }) => atMs - startedMs >= WARM_UP_MS);
  // What a cycle under way holds for a moment is no growth: of each minute the least counts.
  const minutes = [...Map.groupBy(warm, ({ atMs }) => Math.floor((atMs - startedMs) / 60_000)).values()];
  const slope = (pick: (one: Sample) => number): Slope =>
    slopeOf(minutes.map((same) => ({ atMs: same[0]?.atMs ?? Number.NaN, value: Math.min(...same.map(pick)) })));
  const heap = slope(({ heapMb }) => heapMb);
  const external = slope(({ externalMb }) => externalMb);
  const rss = slope(({ rssMb }) => rssMb);
  const walMb = Math.max(...wal);
  const events = posted.sent.mover + posted.sent.joiner + posted.sent.leaver;
  const webhookP95 = quantile(posted.tookMs, 0.95);
  const worstMs = quantile(posted.tookMs, 1);
  const rows: readonly (readonly [what: string, figure: string, promise: string, verdict: Verdict])[] = [
    ['heap after collection', perHour(heap), '< 1 MB/h', verdictOf(heap, PROMISES.memoryMbPerHour)],
    ['buffers beside the heap', perHour(external), '< 1 MB/h', verdictOf(external, PROMISES.memoryMbPerHour)],
    ['resident set', perHour(rss), '< 1 MB/h', verdictOf(rss, PROMISES.memoryMbPerHour)],
    ['write-ahead log, largest', `${walMb.toFixed(1)} MB`, `< ${PROMISES.walMb} MB`, held(walMb < PROMISES.walMb)],
    ['loop delay p99', `${loop.p99.toFixed(1)} ms`, `< ${PROMISES.loopP99Ms} ms`, held(loop.p99 < PROMISES.loopP99Ms)],
    ['events not done', String(idle.waiting + idle.queued), '0', held(idle.waiting + idle.queued === 0)],
    ['people not as HR says', String(wrong.length), '0', held(wrong.length === 0)],
    [
      'failed, held, rejected',
      `${idle.failed}, ${idle.held}, ${idle.rejected}`,
      '0, 0, 0',
      held(idle.failed + idle.held + idle.rejected === 0),
    ],
    [
      'commands beside it that failed',
      String(Object.values(ran).reduce((sum, { failed }) => sum + failed, 0)),
      '0',
      held(Object.values(ran).every(({ failed }) => failed === 0)),
    ],
    ['errors and alarms in the log', String(house.logged.length), '0', held(house.logged.length === 0)],
    ['audit verifies', proven === 0 ? 'yes' : 'NO', 'yes', held(proven === 0)],
  ];
  console.log(
    `${events} events (${JSON.stringify(posted.sent)}) in ${MINUTES} min, webhook until 202: p50 ${quantile(posted.tookMs, 0.5).toFixed(1)} ms, p95 ${webhookP95.toFixed(1)} ms, worst ${worstMs.toFixed(0)} ms`,
  );
  console.log(
    `${idle.cycles} cycles; beside it ${JSON.stringify(ran)}; refused and sent again ${JSON.stringify(posted.refused)}`,
  );
  for (const [what, figure, promise, verdict] of rows)
    console.log(`${what.padEnd(32)} ${figure.padStart(22)}   ${promise.padEnd(12)} ${verdict}`);
  console.log(`a loop with nothing to do had p99 ${idleP99.toFixed(1)} ms beside it`);
  for (const line of wrong.slice(0, 10)) console.log(`  ${line}`);
  const report = {
    minutes: MINUTES,
    perSecond: PER_SECOND,
    workers: WORKERS,
    events: posted.sent,
    webhookMs: { p50: quantile(posted.tookMs, 0.5), p95: webhookP95, worst: worstMs },
    refused: posted.refused,
    warmUpMs: WARM_UP_MS,
    heap,
    external,
    rss,
    walMb,
    loopDelayMs: loop,
    idleLoopP99Ms: idleP99,
    idle,
    wrong: wrong.length,
    beside: ran,
    verdicts: Object.fromEntries(rows.map(([what, , , verdict]) => [what, verdict])),
    samples,
  };
  await mkdir(dirname(flags.out), { recursive: true });
  await writeFile(flags.out, `${JSON.stringify(report, null, 1)}\n`);
  if (rows.some(([, , , verdict]) => verdict === 'broken')) process.exitCode = 1;
} finally {
  if (!flags.keep) await rm(work, { recursive: true, force: true });
}

function held(holds: boolean): Verdict {
  return holds ? 'holds' : 'broken';
}

function perHour({ perHour: slope, error }: Slope): string {
  return `${slope.toFixed(1)} ± ${error.toFixed(1)} MB/h`;
}

interface Account {
  readonly externalId?: unknown;
  readonly active?: unknown;
  readonly title?: unknown;
}

/** Everybody whose account at the endpoint is not what HR says. */
async function differences(url: string, company: Company): Promise<readonly string[]> {
  const accounts = new Map<unknown, Account>();
  for (let start = 1; ; ) {
    const page = (await (await fetch(`${url}/Users?startIndex=${start}&count=1000`)).json()) as {
      totalResults: number;
      Resources: Account[];
    };
    for (const account of page.Resources) accounts.set(account.externalId, account);
    start += page.Resources.length;
    if (page.Resources.length === 0 || start > page.totalResults) break;
  }
  return company.people.flatMap(({ id, status, title }) => {
    const account = accounts.get(id);
    // Who had left before the first load never got one.
    if (account === undefined) return status === 'A' ? [`${id} has no account`] : [];
    if (account.active !== (status === 'A')) return [`${id} is ${status}, the account is ${account.active}`];
    return status === 'A' && account.title !== title ? [`${id} is ${title}, the account says ${account.title}`] : [];
  });
}
