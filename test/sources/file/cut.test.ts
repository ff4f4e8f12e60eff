// A file cut at any byte must never yield a record that the whole file does not hold, nor one more than is whole in it.
import { expect, test } from 'vitest';
import { Problem } from '../../../src/base/problem.ts';
import type { FileSourceSettings } from '../../../src/sources/file/file-source.ts';
import { type FeedAsRead, feedFolder, feedSettings, readFeed } from '../../support/feed-folder.ts';

interface Person {
  readonly id: string;
  readonly name: string;
  readonly end: string;
}

const people = (count: number): readonly Person[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `E${i}`,
    name: i % 5 === 0 ? `Zoë "Z", ${i}\nlane` : `Łuć ${i}`,
    end: `2026-01-${10 + (i % 20)}`,
  }));
const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const csv = (lineEnd: string) => (staff: readonly Person[]) =>
  ['id,name,end', ...staff.map(({ id, name, end }) => [id, name, end].map(cell).join(','))]
    .map((line) => line + lineEnd)
    .join('');

const feeds: readonly [string, number, (staff: readonly Person[]) => string | Buffer, Partial<FileSourceSettings>][] = [
  ['CSV with LF', 30, csv('\n'), {}],
  ['CSV with CRLF', 8, csv('\r\n'), {}],
  ['CSV in UTF-16', 8, (staff) => Buffer.from(`\ufeff${csv('\n')(staff)}`, 'utf16le'), {}],
  ['a JSON report', 30, (staff) => JSON.stringify({ total: 30, Report_Entry: staff }), { format: 'json' }],
  ['an indented JSON array', 8, (staff) => JSON.stringify(staff, null, 1), { format: 'json' }],
  ['JSON Lines', 8, (staff) => staff.map((person) => `${JSON.stringify(person)}\n`).join(''), { format: 'jsonl' }],
];

test.each(feeds)('%s of %i people cut at every byte', async (_, count, write, changes) => {
  const staff = people(count);
  const whole = Buffer.from(write(staff));
  const folder = feedFolder();
  const settings = feedSettings(folder.dir, changes);
  folder.write('workers', whole);
  const all = (await readFeed(settings)).records;
  expect(all).toEqual(staff);

  const met = { refused: 0, faulted: 0, clean: 0 };
  for (let length = 0; length < whole.length; length++) {
    folder.write('workers', whole.subarray(0, length));
    let feed: FeedAsRead;
    try {
      feed = await readFeed(settings);
    } catch (cause) {
      if (!(cause instanceof Problem)) throw cause;
      met.refused++;
      continue;
    }
    // A prefix of the people: nothing invented, nothing altered, no order lost; and at most one row is in doubt.
    expect(feed.records).toEqual(all.slice(0, feed.records.length));
    expect(feed.faults.length).toBeLessThanOrEqual(1);
    expect(feed.scan.rows).toBe(feed.records.length + feed.faults.length);
    expect(feed.scan.completeness.strength).toBe('weak');
    if (feed.faults.length > 0) met.faulted++;
    else met.clean++;
  }
  expect(met.refused).toBeGreaterThan(0);
  if (settings.format === 'json') expect(met).toMatchObject({ faulted: 0, clean: 0 });
  else {
    expect(met.faulted).toBeGreaterThan(0);
    // Without a fault only cuts between rows pass: at the line end, or between its CR and LF; in JSON Lines also just before it.
    expect(met.clean).toBeLessThanOrEqual(2 * count);
  }
});
