// `npm run bench`: makes its own feeds, measures the promises of README's table side by side in one run, prints a table
// and writes bench/out/. ROLLCALL_BENCH_ROWS shrinks it for a smoke run; then nothing counts as broken.
import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureBulk } from './bulk.ts';
import { run, type Stub, startStub } from './child.ts';
import { changedRows, FEED_COLUMNS, writeFeed } from './feed.ts';
import type { Measurement, MeasureReport } from './measure.ts';
import { median, type OtherFigures, otherRows, promiseRows, type SizeFigures, table } from './promises.ts';

const FULL_ROWS = 300_000;
const SEED = 20_261_122;
const PARSE_PASSES = 5;
/** As `limits.concurrency` in bench.yaml. */
const CONCURRENCY = 32;
const BARE_REQUESTS_MAX = 40_000;
/** Bulk requests are measured on loopback and at an endpoint whose answers are on their way for a while, as in the same region. */
const BULK = { rows: 20_000, delaysMs: [0, 20] } as const;
const LEAVERS = { joiners: 50_000, leavers: 20 } as const;
/** Days of the rehearsed year in a smoke run. */
const SMOKE_DAYS = 5;

const rows = Number(process.env.ROLLCALL_BENCH_ROWS ?? FULL_ROWS);
if (!Number.isInteger(rows) || rows < 300) {
  console.error('ROLLCALL_BENCH_ROWS must be a whole number of at least 300');
  process.exit(2);
}
const smoke = rows < FULL_ROWS;
const mapping = fileURLToPath(new URL('bench.yaml', import.meta.url));
const outDir = fileURLToPath(new URL('out/', import.meta.url));

/** Progress goes to stderr, so that the table can be piped. */
const say = (text: string): void => console.error(text);

class Unmeasured extends Error {}

/** One measurement in its own process. @throws Unmeasured when the house says why it cannot be measured. */
async function measure(phase: 'cycle' | 'deliver', dir: string, stub: Stub): Promise<Measurement> {
  const env = {
    ROLLCALL_BENCH_FEED: join(dir, 'feed.csv'),
    ROLLCALL_BENCH_URL: stub.url,
    ROLLCALL_BENCH_TOKEN: 'bench',
  };
  const report = await run<MeasureReport>('measure.ts', [phase, join(dir, 'state'), mapping], env);
  if ('unmeasured' in report) throw new Unmeasured(report.unmeasured);
  return report;
}

interface BareFigures {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
}
const bareLoop = (stub: Stub, size: number, label: string): Promise<BareFigures> =>
  run('bare-loop.ts', [stub.url, String(Math.min(size, BARE_REQUESTS_MAX)), String(CONCURRENCY), label]);

/** All phases at one size, in the order of a first day and a second one. */
async function measureSize(work: string, size: number): Promise<SizeFigures> {
  const dir = join(work, String(size));
  await mkdir(join(dir, 'state'), { recursive: true });
  const feed = join(dir, 'feed.csv');
  const next = join(dir, 'next.tmp');
  await writeFeed({ file: feed, rows: size, seed: SEED, edition: 'first' });
  await using stub = await startStub();

  say(`${size} rows: first load`);
  const firstLoad = await measure('cycle', dir, stub);
  say(`${size} rows: delivery, between two runs of the bare loop`);
  const before = await bareLoop(stub, size, 'before');
  let sent = await stub.requests();
  const delivered = await measure('deliver', dir, stub);
  const delivery = { ...delivered, requests: (await stub.requests()) - sent };
  const after = await bareLoop(stub, size, 'after');

  say(`${size} rows: the very same file under a new modification time, then the changed snapshot`);
  const later = new Date(Date.now() - 60_000);
  await utimes(feed, later, later);
  sent = await stub.requests();
  const same = await measure('cycle', dir, stub);
  const sameFile = { ...same, requests: (await stub.requests()) - sent };
  await writeFeed({ file: next, rows: size, seed: SEED, edition: 'changed' });
  await rename(next, feed);
  const daily = await measure('cycle', dir, stub);
  await rm(dir, { recursive: true });
  const barePerSecond = [before.perSecond, after.perSecond];
  return { rows: size, changedRows: changedRows(size), firstLoad, delivery, sameFile, daily, barePerSecond };
}

/** What has a script of its own, at its own size. */
async function measureOthers(work: string): Promise<OtherFigures> {
  const bulk = [];
  for (const delayMs of BULK.delaysMs) {
    say(`bulk requests and single ones, answers after ${delayMs} ms`);
    bulk.push(await measureBulk(join(work, `bulk-${delayMs}`), Math.min(rows, BULK.rows), delayMs));
  }
  const { joiners, leavers } = smoke ? { joiners: rows, leavers: 2 } : LEAVERS;
  const latency = await run<OtherFigures['leavers']>('leaver-latency.ts', [String(joiners), String(leavers)]);
  say('terminations by webhook while a snapshot is read');
  const webhooks = await run<OtherFigures['webhooks']>('webhook-latency.ts', [
    String(rows),
    String(joiners),
    String(leavers),
  ]);
  const days = smoke ? { ROLLCALL_BENCH_DAYS: String(SMOKE_DAYS) } : {};
  const rehearsed = Math.min(rows, 10_000);
  const size = { ROLLCALL_BENCH_ROWS: String(rehearsed), ...days };
  const rehearsal = await run<OtherFigures['rehearsal']>('rehearse.ts', ['--figures'], size);
  return { bulk, leavers: latency, webhooks, rehearsal };
}

interface Baselines {
  readonly feedBytes: number;
  readonly parseSeconds: readonly number[];
  readonly bare: BareFigures;
}

/** The two yardsticks by themselves. */
async function measureBaselines(work: string): Promise<Baselines> {
  const file = join(work, 'baseline.csv');
  const feedBytes = await writeFeed({ file, rows, seed: SEED, edition: 'first' });
  say(
    `csv-parse over ${rows} rows × ${FEED_COLUMNS.length} columns (${(feedBytes / 1e6).toFixed(0)} MB), ${PARSE_PASSES} passes`,
  );
  const parsed = await run<{ seconds: number[]; rows: number }>('csv-parse-baseline.ts', [file, String(PARSE_PASSES)]);
  if (parsed.rows !== rows) throw new Error(`csv-parse read ${parsed.rows} of ${rows} rows`);
  await rm(file);
  say(`bare undici loop, ${CONCURRENCY} connections`);
  await using stub = await startStub();
  const bare = await bareLoop(stub, rows, 'baseline');
  return { feedBytes, parseSeconds: parsed.seconds, bare };
}

const work = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
try {
  const [load = 0] = loadavg();
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMb: totalmem() / 2 ** 20,
    node: process.version,
    load,
  };
  if (load > machine.cores / 2)
    say(`others keep this machine busy (load ${load.toFixed(1)}): ratios of wall time mean little now`);
  const started = new Date();
  const baselines = await measureBaselines(work);
  console.log(`csv-parse        ${median(baselines.parseSeconds).toFixed(2)} s, median of ${PARSE_PASSES}`);
  console.log(`bare undici loop ${baselines.bare.perSecond.toFixed(0)} requests a second`);
  const report = {
    startedAt: started.toISOString(),
    machine,
    seed: SEED,
    rows,
    concurrency: CONCURRENCY,
    smoke,
    baselines,
  };
  await mkdir(outDir, { recursive: true });
  const out = join(outDir, `${started.toISOString().replaceAll(':', '-')}.json`);
  try {
    const small = await measureSize(work, Math.floor(rows / 3));
    const large = await measureSize(work, rows);
    const others = await measureOthers(work);
    const promises = [...promiseRows(baselines.parseSeconds, small, large), ...otherRows(others)];
    console.log(`\n${table(promises)}`);
    await writeFile(out, `${JSON.stringify({ ...report, sizes: [small, large], others, promises }, null, 2)}\n`);
    if (smoke) console.log('\nA smoke run: small feeds say nothing about the promises.');
    else if (promises.some(({ holds }) => !holds)) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof Unmeasured)) throw error;
    await writeFile(out, `${JSON.stringify({ ...report, unmeasured: error.message }, null, 2)}\n`);
    console.error(`Rollcall itself was not measured: ${error.message}`);
    process.exitCode = 1;
  }
  console.log(`\n${out}`);
} finally {
  await rm(work, { recursive: true, force: true });
}
