// Real files in a folder of their own, read through the real file source under a held clock.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Instant, instantOf, msOf } from '../../src/base/instant.ts';
import type { KnownRows } from '../../src/base/known-rows.ts';
import { type Fault, Problem } from '../../src/base/problem.ts';
import { type FileSourceSettings, fileSource } from '../../src/sources/file/file-source.ts';
import type { Delivery, Look, ReadRow, Scan, Source } from '../../src/sources/source.ts';

/** Far after every file a test writes: what it finds has long stood still. */
export const LATER: Instant = instantOf('2040-06-01T12:00:00Z');

export interface FeedFolder {
  readonly dir: string;
  readonly path: (name: string) => string;
  readonly write: (name: string, content: string | Uint8Array) => string;
  /** Sets the modification time. */
  readonly touch: (name: string, at: string) => void;
}

export function feedFolder(): FeedFolder {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-feed-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = (name: string) => join(dir, name);
  return {
    dir,
    path,
    write: (name, content) => {
      writeFileSync(path(name), content);
      return path(name);
    },
    touch: (name, at) => utimesSync(path(name), new Date(at), new Date(at)),
  };
}

export const feedSettings = (dir: string, changes: Partial<FileSourceSettings> = {}): FileSourceSettings => ({
  path: 'workers*',
  baseDir: dir,
  format: 'csv',
  content: 'snapshot',
  encoding: null,
  separator: null,
  quote: '"',
  recordPath: null,
  complete: {},
  timeZone: 'Europe/Berlin',
  stableMs: 2_000,
  ...changes,
});

/** Nothing in these tests may wait: what needs time is told the time. */
const neverWaits = (): Promise<void> => Promise.reject(new Error('a look must not wait'));

export function sourceOf(settings: FileSourceSettings, chunkBytes?: number): Source {
  const source = fileSource(settings, {
    now: () => msOf(LATER),
    wait: neverWaits,
    ...(chunkBytes === undefined ? {} : { chunkBytes }),
  });
  onTestFinished(() => source.close?.());
  return source;
}

export const forever = (): AbortSignal => new AbortController().signal;

export const lookAt = async (settings: FileSourceSettings, chunkBytes?: number): Promise<Look> =>
  sourceOf(settings, chunkBytes).look(LATER, forever());

export async function deliveryOf(settings: FileSourceSettings, chunkBytes?: number): Promise<Delivery> {
  const look = await lookAt(settings, chunkBytes);
  if (look.kind !== 'delivery') throw new Error(`expected a delivery, got ${look.kind}: ${look.reason}`);
  return look.delivery;
}

export function knownRows(digests: readonly string[]): KnownRows {
  const index = new Map(digests.map((digest, i) => [digest, i]));
  return { size: index.size, indexOf: (digest) => index.get(Buffer.from(digest).toString('hex')) ?? -1 };
}

export interface FeedAsRead {
  readonly columns: readonly string[];
  readonly format: string;
  readonly asOf: Instant;
  readonly scan: Scan;
  readonly rows: readonly ReadRow[];
  /** Records of the rows without a fault, as ordinary objects. */
  readonly records: readonly Record<string, unknown>[];
  readonly faults: readonly Fault[];
}

export async function readFeed(
  settings: FileSourceSettings,
  {
    known = knownRows([]),
    alsoKnown = [],
    chunkBytes,
  }: { known?: KnownRows; alsoKnown?: number[]; chunkBytes?: number } = {},
): Promise<FeedAsRead> {
  await using delivery = await deliveryOf(settings, chunkBytes);
  const scan = await delivery.scan(known, forever());
  const rows: ReadRow[] = [];
  for await (const batch of delivery.read(new Set(alsoKnown), forever())) rows.push(...batch);
  return {
    columns: delivery.columns,
    format: delivery.format,
    asOf: delivery.asOf,
    scan,
    rows,
    records: rows.flatMap(({ record }) => (record === null ? [] : [ordinary(record)])),
    faults: rows.flatMap(({ fault }) => (fault === null ? [] : [fault])),
  };
}

const ordinary = (record: object): Record<string, unknown> => JSON.parse(JSON.stringify(record));

/** Writes one feed and reads it. */
export function readText(content: string | Uint8Array, changes: Partial<FileSourceSettings> = {}): Promise<FeedAsRead> {
  const folder = feedFolder();
  folder.write('workers', content);
  return readFeed(feedSettings(folder.dir, changes));
}

/** The problem that this ends with; fails when it ends well or with a bug. */
export async function problemOf(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (cause) {
    if (cause instanceof Problem) return cause;
    throw cause;
  }
  throw new Error('expected a problem');
}
