import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { faultLine, Problem } from '../../../src/base/problem.ts';
import { hostileFeeds as classics } from '../../corpus/file/hostile.ts';
import { hostileForms } from '../../corpus/file/hostile-forms.ts';
import {
  deliveryOf,
  type FeedAsRead,
  feedFolder,
  feedSettings,
  forever,
  knownRows,
  readFeed,
} from '../../support/feed-folder.ts';

const hostileFeeds = [...classics, ...hostileForms];

/** The first column holds the id; a file of another system has no column of that name. */
const outcomeOf = (feed: FeedAsRead) => ({
  ids: feed.records.map((record) => record.id ?? Object.values(record)[0]),
  rejected: feed.faults.map(({ code }) => code),
});

describe('a hostile feed', () => {
  test('comes in a hundred and fifty forms or more', () => {
    expect(new Set(hostileFeeds.map(({ name }) => name)).size).toBeGreaterThanOrEqual(150);
  });

  test.each(hostileFeeds)('$name', async ({ content, settings, outcome }) => {
    const folder = feedFolder();
    folder.write('workers', content);
    const small = content.length < 10_000;
    for (const chunkBytes of small ? [1, 7, 65_536] : [4_093, 65_536]) {
      let feed: FeedAsRead;
      try {
        feed = await readFeed(feedSettings(folder.dir, settings), { chunkBytes });
      } catch (cause) {
        if (!(cause instanceof Problem)) throw cause;
        expect(cause.faults[0]?.code).toBe(outcome);
        for (const fault of cause.faults) expect(faultLine(fault)).toMatch(/^workers/);
        continue;
      }
      expect(outcomeOf(feed)).toEqual(outcome);
      expect(feed.scan.rows).toBe(feed.rows.length);
      for (const fault of feed.faults) {
        expect(fault.place).toMatchObject({ file: 'workers', line: expect.any(Number), record: expect.any(Number) });
        expect(fault.message.length).toBeLessThan(200);
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

test('a cell of a quarter gigabyte is one rejected row: memory stays where it was and the next row is read', async () => {
  const folder = feedFolder();
  const path = folder.write('workers.csv', 'id,name\n0,a\n1,"');
  const quarter = 268_435_456;
  truncateSync(path, quarter); // A hole: NUL bytes that take no disk.
  const file = openSync(path, 'r+');
  writeSync(file, '"\n2,b\n', quarter);
  closeSync(file);

  await using delivery = await deliveryOf(feedSettings(folder.dir));
  const before = process.memoryUsage();
  const scan = await delivery.scan(knownRows([]), forever());
  expect(scan).toMatchObject({ rows: 3, unknownRows: 3 });
  const rows = (await Array.fromAsync(delivery.read(new Set(), forever()))).flat();
  const after = process.memoryUsage();
  expect(rows.map(({ record, fault }) => record?.id ?? fault?.code)).toEqual(['0', 'row.too-long', '2']);
  expect(after.rss - before.rss).toBeLessThan(64 * 1_048_576);
});
