import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { instantOf, msOf } from '../../../src/base/instant.ts';
import type { Problem } from '../../../src/base/problem.ts';
import { momentInName } from '../../../src/sources/file/file-name.ts';
import { fileSource } from '../../../src/sources/file/file-source.ts';
import {
  deliveryOf,
  feedFolder,
  feedSettings,
  forever,
  knownRows,
  LATER,
  lookAt,
  problemOf,
  readFeed,
} from '../../support/feed-folder.ts';

const ROWS = 'id,name\n1,a\n';

async function nameNow(settings: Parameters<typeof deliveryOf>[0]): Promise<string> {
  await using delivery = await deliveryOf(settings);
  return delivery.name;
}

describe('the file to judge now', () => {
  test('is the newest by the date in its name, whatever the modification times say', async () => {
    const folder = feedFolder();
    folder.write('workers-2026-01-06.csv', ROWS);
    folder.write('workers-2026-01-05.csv', ROWS);
    folder.touch('workers-2026-01-06.csv', '2026-01-01T00:00:00Z');
    expect(await nameNow(feedSettings(folder.dir))).toBe('workers-2026-01-06.csv');
  });

  test('is the later of one day by the time in its name', async () => {
    const folder = feedFolder();
    for (const name of ['workers_20260105_0900.csv', 'workers_20260105_1400.csv', 'workers_20260105.csv'])
      folder.write(name, ROWS);
    expect(await nameNow(feedSettings(folder.dir))).toBe('workers_20260105_1400.csv');
  });

  test('is the one written last where names hold no date, and the greater name where both are of one moment', async () => {
    const folder = feedFolder();
    for (const name of ['workers-b.csv', 'workers-a.csv', 'workers-10.csv', 'workers-9.csv']) {
      folder.write(name, ROWS);
      folder.touch(name, '2026-01-01T00:00:00Z');
    }
    expect(await nameNow(feedSettings(folder.dir))).toBe('workers-b.csv');
    expect(await nameNow(feedSettings(folder.dir, { path: 'workers-[0-9]*.csv' }))).toBe('workers-10.csv');
    folder.touch('workers-9.csv', '2026-01-02T00:00:00Z');
    expect(await nameNow(feedSettings(folder.dir))).toBe('workers-9.csv');
  });

  test('may be named without wildcards, by an absolute path, or through wildcards in folders', async () => {
    const folder = feedFolder();
    mkdirSync(folder.path('north'));
    folder.write('north/workers.csv', ROWS);
    expect(await nameNow(feedSettings(folder.dir, { path: 'north/workers.csv' }))).toBe('workers.csv');
    expect(await nameNow(feedSettings('/', { path: folder.path('north/workers.csv') }))).toBe('workers.csv');
    expect(await nameNow(feedSettings(folder.dir, { path: '*/workers.csv' }))).toBe('workers.csv');
    expect(await nameNow(feedSettings(folder.path('north'), { path: '../north/w*.csv' }))).toBe('workers.csv');
  });

  test('is none while only unfinished names, hidden files or nothing match', async () => {
    const folder = feedFolder();
    for (const name of [
      'workers.csv.tmp',
      'workers.csv.filepart',
      'workers.PART',
      'workers.csv.crdownload',
      '.workers.csv',
      'other.csv',
    ]) {
      folder.write(name, ROWS);
    }
    const look = await lookAt(feedSettings(folder.dir, { path: '*workers*' }));
    expect(look).toEqual({ kind: 'nothing', reason: 'no new file matches *workers*' });
  });

  test('cannot be told when the folder is missing', async () => {
    const folder = feedFolder();
    const problem = await problemOf(lookAt(feedSettings(folder.path('gone'))));
    expect(problem.faults[0]).toMatchObject({ code: 'source.unreadable', message: expect.stringContaining('ENOENT') });
  });

  test('as a delta is the next in order after the last one done, each once', async () => {
    const folder = feedFolder();
    const names = [
      'workers-2026-01-05.csv',
      'workers-2026-01-06-2.csv',
      'workers-2026-01-06-10.csv',
      'workers-2026-01-07.csv',
    ];
    for (const name of names.toReversed()) folder.write(name, ROWS);
    const met: string[] = [];
    const settings = feedSettings(folder.dir, { content: 'delta', lastDelta: () => met.at(-1) ?? null });
    for (;;) {
      const look = await lookAt(settings);
      if (look.kind !== 'delivery') break;
      await look.delivery[Symbol.asyncDispose]();
      met.push(look.delivery.name);
      if (met.length === 2) unlinkSync(folder.path(look.delivery.name));
    }
    expect(met).toEqual(names);
  });

  test.each([
    ['a folder', (path: string) => mkdirSync(path)],
    ['a FIFO nobody writes to', (path: string) => void execFileSync('mkfifo', [path])],
    ['a link to a device', (path: string) => symlinkSync('/dev/zero', path)],
  ])('is refused at once when it is %s', async (_, make) => {
    const folder = feedFolder();
    make(folder.path('workers.csv'));
    expect((await problemOf(lookAt(feedSettings(folder.dir)))).faults[0]?.code).toBe('feed.not-a-file');
  });

  test.each([
    ['a link to itself', 'workers.csv'],
    ['a link to nothing', 'nowhere'],
  ])('is refused when it is %s', async (_, aim) => {
    const folder = feedFolder();
    symlinkSync(folder.path(aim), folder.path('workers.csv'));
    expect((await problemOf(lookAt(feedSettings(folder.dir)))).faults[0]?.code).toBe('feed.unreadable');
  });

  test('may be a link to a regular file', async () => {
    const folder = feedFolder();
    folder.write('real', ROWS);
    symlinkSync(folder.path('real'), folder.path('workers.csv'));
    expect((await readFeed(feedSettings(folder.dir))).records).toHaveLength(1);
  });

  test('is refused when its name lies days ahead of the clock, because it would outrank all that follow', async () => {
    const folder = feedFolder();
    folder.write('workers-2062-01-05.csv', ROWS);
    expect((await problemOf(lookAt(feedSettings(folder.dir)))).faults[0]?.code).toBe('feed.future-name');
  });
});

describe('asOf', () => {
  test.each([
    ['workers-2026-07-05.csv', '2026-07-04T22:00:00.000Z'],
    ['workers_20260105.csv', '2026-01-04T23:00:00.000Z'],
    ['workers-2026-01-05T093000.csv', '2026-01-05T08:30:00.000Z'],
    ['workers-2026-01-05_09-30.csv', '2026-01-05T08:30:00.000Z'],
    ['workers20260105093000.csv', '2026-01-05T08:30:00.000Z'],
    ['workers-20260105T093000Z.csv', '2026-01-05T09:30:00.000Z'],
    ['workers-2026-13-45.csv', LATER],
    ['workers-1202601059.csv', LATER],
    ['workers.csv', LATER],
    ['workers-2040-06-02.csv', '2040-06-01T12:00:00.000Z'],
  ])('of %s is %s', async (name, asOf) => {
    const folder = feedFolder();
    folder.write(name, ROWS);
    expect((await readFeed(feedSettings(folder.dir))).asOf).toBe(asOf);
  });

  test('takes a sequence number behind the date for no time', () => {
    for (const name of ['w-20260105-001.csv', 'w-20260105-12345.csv', 'w-20260105 (2).csv', 'w-20260105-9999.csv']) {
      expect(momentInName(name, 'UTC')).toEqual({ ms: Date.UTC(2026, 0, 5), hasTime: false });
    }
  });
});

describe('a file that may not be finished', () => {
  const at = (ms: number) => ({ now: () => ms, wait: () => Promise.reject(new Error('a look must not wait')) });

  test('is left alone until its size and times have stood still', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    // A clock behind the file's own times: only two agreeing looks prove anything.
    let ms = msOf(instantOf('2020-01-01T00:00:00Z'));
    const source = fileSource(feedSettings(folder.dir), { ...at(0), now: () => ms });
    const look = () => source.look(LATER, forever());
    expect(await look()).toMatchObject({ kind: 'notYet', retryAfterMs: 2_000 });
    ms += 1_500;
    expect(await look()).toMatchObject({ kind: 'notYet', retryAfterMs: 500 });
    writeFileSync(folder.path('workers.csv'), '2,b\n', { flag: 'a' });
    ms += 1_500;
    expect(await look()).toMatchObject({ kind: 'notYet', retryAfterMs: 2_000 });
    ms += 2_000;
    const last = await look();
    expect(last.kind).toBe('delivery');
    if (last.kind === 'delivery') await last.delivery[Symbol.asyncDispose]();
  });

  test('is taken at the first look when its last change lies far enough back', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    expect((await readFeed(feedSettings(folder.dir))).scan.completeness).toEqual({
      strength: 'weak',
      proof: 'size stable for 2 s',
    });
  });

  test('waits for its marker, under its full name or without its extension', async () => {
    const folder = feedFolder();
    const settings = feedSettings(folder.dir, { complete: { marker: '*.done' } });
    for (const marker of ['workers-1.csv.done', 'workers-1.done']) {
      folder.write('workers-1.csv', ROWS);
      expect(await lookAt(settings)).toMatchObject({
        kind: 'notYet',
        reason: 'workers-1.csv waits for its marker *.done',
      });
      folder.write(marker, '');
      expect((await readFeed(settings)).scan.completeness).toEqual({ strength: 'strong', proof: `marker ${marker}` });
      unlinkSync(folder.path(marker));
    }
  });

  test('is not vouched for by the marker of another file or of yesterday', async () => {
    const folder = feedFolder();
    const settings = feedSettings(folder.dir, { complete: { marker: '*.done' } });
    folder.write('workers-1.csv', ROWS);
    folder.write('workers-2.done', '');
    expect((await lookAt(settings)).kind).toBe('notYet');
    folder.write('workers-1.done', '');
    folder.touch('workers-1.done', '2020-01-01T00:00:00Z');
    expect(await lookAt(settings)).toMatchObject({
      kind: 'notYet',
      reason: 'the marker of workers-1.csv is older than the file',
    });
  });
});

describe('an open delivery', () => {
  test('has one identity until name, size or modification time change', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    folder.touch('workers.csv', '2026-01-01T00:00:00Z');
    const id = async () => {
      await using delivery = await deliveryOf(feedSettings(folder.dir));
      return delivery.id;
    };
    const first = await id();
    expect(await id()).toBe(first);
    folder.touch('workers.csv', '2026-01-01T00:00:01Z');
    expect(await id()).not.toBe(first);
  });

  test('has the content digest that its scan also finds', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', `\ufeff${ROWS}`);
    await using delivery = await deliveryOf(feedSettings(folder.dir), 3);
    const digest = await delivery.contentDigest(forever());
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await delivery.scan(knownRows([]), forever())).contentDigest).toBe(digest);
  });

  test('is still the same file after a rename put another in its place', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    await using delivery = await deliveryOf(feedSettings(folder.dir));
    await delivery.scan(knownRows([]), forever());
    folder.write('next', 'id,name\n2,b\n');
    renameSync(folder.path('next'), folder.path('workers.csv'));
    const rows = await Array.fromAsync(delivery.read(new Set(), forever()));
    expect(rows.flat().map(({ record }) => record?.id)).toEqual(['1']);
  });

  test.each([
    ['overwritten with as many bytes', 'id,name\n2,b\n', ['feed.changed']],
    ['shrunk', 'id,name\n', ['feed.changed']],
    // Only the bytes that were there when it was opened are its own, and those are as they were.
    ['grown', 'id,name\n1,a\n2,b\n', []],
  ])('that was %s after its scan counts only if its bytes still stand', async (_, after, codes) => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    await using delivery = await deliveryOf(feedSettings(folder.dir));
    await delivery.scan(knownRows([]), forever());
    folder.write('workers.csv', after);
    const met = await Array.fromAsync(delivery.read(new Set(), forever())).then(
      () => [],
      (cause: Problem) => cause.faults.map(({ code }) => code),
    );
    expect(met).toEqual(codes);
  });

  test.each([
    ['overwritten', 'id,name\n2,b\n'],
    ['appended to', `${ROWS}2,b\n`],
  ])('that was %s between the look and the end of the scan is refused', async (_, after) => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    folder.touch('workers.csv', '2026-01-01T00:00:00Z');
    await using delivery = await deliveryOf(feedSettings(folder.dir));
    folder.write('workers.csv', after);
    expect((await problemOf(delivery.scan(knownRows([]), forever()))).faults[0]?.code).toBe('feed.changed');
  });

  test('stops reading when the signal says so, and closes twice without harm', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    const delivery = await deliveryOf(feedSettings(folder.dir));
    const stop = AbortSignal.abort(new Error('house closes'));
    await expect(delivery.scan(knownRows([]), stop)).rejects.toThrow('house closes');
    await delivery[Symbol.asyncDispose]();
    await delivery[Symbol.asyncDispose]();
  });

  test('comes in batches of at most 25 rows, in order', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', `id,name\n${Array.from({ length: 12_345 }, (_, i) => `${i},n${i}\n`).join('')}`);
    await using delivery = await deliveryOf(feedSettings(folder.dir));
    await delivery.scan(knownRows([]), forever());
    const batches = await Array.fromAsync(delivery.read(new Set(), forever()));
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(25);
    expect(batches.flat().map(({ record }) => Number(record?.id))).toEqual(Array.from({ length: 12_345 }, (_, i) => i));
  });
});

describe('settings that cannot work', () => {
  test.each([
    ['a quote of two characters', { quote: "''" }, 'source.quote'],
    ['a separator that holds the quote', { separator: '"' }, 'source.separator'],
    ['a separator with a line end', { separator: '\n' }, 'source.separator'],
    ['an empty separator', { separator: '' }, 'source.separator'],
    [
      'a trailer in JSON',
      { format: 'json' as const, complete: { trailer: { pattern: 'T', countField: 1 } } },
      'source.complete.trailer',
    ],
    [
      'a trailer field 0',
      { complete: { trailer: { pattern: 'T', countField: 0 } } },
      'source.complete.trailer.countField',
    ],
  ])('are refused: %s', async (_, changes, key) => {
    const problem = await problemOf(lookAt(feedSettings('/', changes)));
    expect(problem.faults[0]).toMatchObject({ code: 'source.settings', place: { key } });
  });
});
