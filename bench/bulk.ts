// What bulk requests gain: the same joiners delivered one by one and by bulk requests, to the same endpoint at the same
// concurrency, outcomes and audit durable in both. Beside loopback, where a request costs its CPU alone, an endpoint is measured
// whose answers are on their way for a while. `node --expose-gc bench/bulk.ts [ROWS [DELAY_MS]]` prints the figures by itself.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, startStub } from './child.ts';
import { writeFeed } from './feed.ts';
import type { Measurement, MeasureReport } from './measure.ts';

const ROWS = 20_000;
/** On the way to an endpoint in the same region and back, and a little work there. */
const DELAY_MS = 20;
const SEED = 20_261_122;
/** As `limits.concurrency` in bench.yaml. */
const CONCURRENCY = 32;
/** As Zitadel and Asgardeo allow. */
const LIMITS = '{ maxOps: 100, maxBytes: 1000000 }';

export interface BulkFigures {
  readonly rows: number;
  readonly delayMs: number;
  readonly singles: Measurement & { readonly requests: number };
  readonly bulk: Measurement & { readonly requests: number };
  /** Operations a second with bulk requests ÷ without. */
  readonly gain: number;
  /** Requests a second of the bare loop at the same endpoint and concurrency. */
  readonly barePerSecond: number;
}

/** Works below `work`. */
export async function measureBulk(work: string, rows: number, delayMs = 0): Promise<BulkFigures> {
  const mapping = await readFile(fileURLToPath(new URL('bench.yaml', import.meta.url)), 'utf8');
  const anchor = '    limits: {';
  if (!mapping.includes(anchor)) throw new Error('bug: the bench has no target with limits');
  const off = mapping.replace(anchor, `    capabilities: { bulk: false }\n${anchor}`);
  const on = mapping.replace(anchor, `    capabilities: { bulk: ${LIMITS} }\n${anchor}`);
  const singles = await delivered(join(work, 'singles'), off, rows, delayMs);
  const bulk = await delivered(join(work, 'bulk'), on, rows, delayMs);
  return {
    rows,
    delayMs,
    singles,
    bulk,
    gain: singles.seconds / bulk.seconds,
    barePerSecond: await bare(rows, delayMs),
  };
}

async function bare(requests: number, delayMs: number): Promise<number> {
  await using stub = await startStub(delayMs);
  const args = [stub.url, String(requests), String(CONCURRENCY), 'bulk'];
  return (await run<{ readonly perSecond: number }>('bare-loop.ts', args)).perSecond;
}

async function delivered(
  dir: string,
  mapping: string,
  rows: number,
  delayMs: number,
): Promise<Measurement & { requests: number }> {
  await mkdir(join(dir, 'state'), { recursive: true });
  const file = join(dir, 'bench.yaml');
  await writeFile(file, mapping);
  await writeFeed({ file: join(dir, 'feed.csv'), rows, seed: SEED, edition: 'first' });
  await using stub = await startStub(delayMs);
  const env = {
    ROLLCALL_BENCH_FEED: join(dir, 'feed.csv'),
    ROLLCALL_BENCH_URL: stub.url,
    ROLLCALL_BENCH_TOKEN: 'bench',
  };
  const measured = async (phase: 'cycle' | 'deliver'): Promise<Measurement> => {
    const report = await run<MeasureReport>('measure.ts', [phase, join(dir, 'state'), file], env);
    if ('unmeasured' in report) throw new Error(report.unmeasured);
    return report;
  };
  await measured('cycle');
  const before = await stub.requests();
  const delivery = await measured('deliver');
  const requests = (await stub.requests()) - before;
  await rm(dir, { recursive: true });
  return { ...delivery, requests };
}

if (import.meta.main) {
  const work = await mkdtemp(join(tmpdir(), 'rollcall-bulk-'));
  try {
    const rows = Number(process.argv[2] ?? ROWS);
    for (const delayMs of [0, Number(process.argv[3] ?? DELAY_MS)]) {
      const figures = await measureBulk(work, rows, delayMs);
      for (const name of ['singles', 'bulk'] as const) {
        const { seconds, cpuSeconds, requests, peakMb, loopDelayMs } = figures[name];
        const perSecond = Math.round(rows / seconds);
        console.log(
          `${delayMs} ms, ${name}: ${perSecond} operations a second, ${requests} requests, ${cpuSeconds.toFixed(1)} s of CPU, ` +
            `${peakMb.toFixed(0)} MB, loop p99 ${loopDelayMs.p99.toFixed(0)} ms`,
        );
      }
      console.log(`${delayMs} ms: ${figures.gain.toFixed(2)} × by bulk requests`);
      console.log(`${delayMs} ms: ${Math.round(figures.barePerSecond)} requests a second by the bare loop`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
