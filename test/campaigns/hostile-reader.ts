// One hostile case in a process of its own, with a heap that its parent bounds: prints what came of it and the most memory it took.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../../src/base/problem.ts';
import { sourceSchema } from '../../src/mapping/source-schema.ts';
import { sourceSettings } from '../../src/mapping/source-settings.ts';
import { nowOf, systemClock } from '../../src/runtime/clock.ts';
import { fileSource } from '../../src/sources/file/file-source.ts';
import { httpSource } from '../../src/sources/http/http-source.ts';
import type { Source } from '../../src/sources/source.ts';
import { type FileCase, type HttpCase, hostileCases, pathIn } from './hostile-cases.ts';

const NOTHING_KNOWN = { size: 0, indexOf: () => -1 };
const never = new AbortController().signal;

async function readAll(source: Source): Promise<string> {
  const look = await source.look(nowOf(systemClock), never);
  if (look.kind !== 'delivery') return look.kind;
  await using delivery = look.delivery;
  await delivery.scan(NOTHING_KNOWN, never);
  let read = 0;
  let rejected = 0;
  for await (const rows of delivery.read(new Set(), never)) {
    for (const { record } of rows) record === null ? rejected++ : read++;
  }
  return `${read} read, ${rejected} rejected`;
}

function fileOf({ settings }: FileCase, dir: string): Source {
  return fileSource(
    {
      path: 'workers',
      baseDir: dir,
      format: 'csv',
      content: 'snapshot',
      encoding: null,
      separator: null,
      quote: '"',
      recordPath: null,
      complete: {},
      timeZone: 'UTC',
      stableMs: 0,
      ...settings,
    },
    { now: systemClock.nowMs, wait: systemClock.wait },
  );
}

function httpOf({ source }: HttpCase, url: string, stateDir: string): Source {
  const settings = sourceSettings(
    sourceSchema.parse({ kind: 'http', baseUrl: url, auth: { kind: 'none' }, ...source }),
    'http',
  );
  if (settings.kind !== 'http') throw new Error('the case is for http');
  return httpSource(
    { ...settings, name: 'acme', timeZone: 'UTC', stateDir, watermark: () => null },
    {
      secret: () => () => '',
      now: systemClock.nowMs,
      wait: systemClock.wait,
      random: () => 0,
      userAgent: 'rollcall/campaign',
    },
  );
}

async function outcomeOf(work: Promise<string>): Promise<string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem) return error.faults[0]?.code ?? '';
    throw error;
  }
}

const name = process.argv[2] ?? '';
const hostile = hostileCases.find((one) => one.name === name);
if (hostile === undefined) throw new Error(`there is no case ${name}`);
const dir = mkdtempSync(join(tmpdir(), 'rollcall-hostile-'));
try {
  let outcome: string;
  if (hostile.kind === 'file') {
    await hostile.make(pathIn(dir));
    const source = fileOf(hostile, dir);
    outcome = await outcomeOf(readAll(source));
    await source.close?.();
  } else {
    // The server stands in a process of its own, so that what it sends is not counted here.
    const url = process.argv[3] ?? '';
    const source = httpOf(hostile, url, dir);
    outcome = await outcomeOf(readAll(source));
    await source.close?.();
  }
  process.stdout.write(`${JSON.stringify({ outcome, rssMb: Math.round(process.resourceUsage().maxRSS / 1024) })}\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
