import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { feedFolder, feedSettings, knownRows, problemOf, readFeed, readText } from '../../support/feed-folder.ts';

const ROWS = 'id,name\n1,a\n2,b\n';
const trailer = { trailer: { pattern: 'TRL', countField: 2 } };

describe('a trailer', () => {
  test('with the right count is strong proof and is no record', async () => {
    const feed = await readText(`${ROWS}TRL,2`, { complete: trailer });
    expect(feed.scan).toMatchObject({
      rows: 2,
      unknownRows: 2,
      completeness: { strength: 'strong', proof: 'trailer says 2 rows' },
    });
    expect(feed.records.map(({ id }) => id)).toEqual(['1', '2']);
    expect(feed.faults).toEqual([]);
  });

  test('counts only as the last row: a worker whose id begins like it stays a worker', async () => {
    const feed = await readText('id,name\nTRL7,b\n1,a\n"TRL",2\n', {
      complete: { trailer: { pattern: '"TRL"', countField: 2 } },
    });
    expect(feed.records.map(({ id }) => id)).toEqual(['TRL7', '1']);
    const again = await readText('id,name\nTRL7,b\n1,a\nTRL,2\n', { complete: trailer });
    expect(again.records.map(({ id }) => id)).toEqual(['TRL7', '1']);
  });

  test.each([
    ['missing', ROWS, 'feed.truncated'],
    ['too small', `${ROWS}TRL,1\n`, 'feed.trailer-count'],
    ['too great', `${ROWS}TRL,3\n`, 'feed.trailer-count'],
    ['no number', `${ROWS}TRL,two\n`, 'feed.trailer-count'],
    ['without that field', `${ROWS}TRL\n`, 'feed.trailer-count'],
    ['negative', `${ROWS}TRL,-2\n`, 'feed.trailer-count'],
    ['followed by more rows', `${ROWS}TRL,2\n3,c\n`, 'feed.truncated'],
  ])('that is %s refuses the feed', async (_, text, code) => {
    expect((await problemOf(readText(text, { complete: trailer }))).faults[0]?.code).toBe(code);
  });

  test('over no rows at all is an empty feed', async () => {
    expect((await problemOf(readText('id,name\nTRL,0\n', { complete: trailer }))).faults[0]?.code).toBe('feed.empty');
  });
});

describe('a checksum beside the file', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  test('that matches is strong proof, and is never taken for a delivery itself', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    folder.write('workers.csv.sha256', `${sha256(ROWS).toUpperCase()}  workers.csv\n`);
    const feed = await readFeed(feedSettings(folder.dir));
    expect(feed.scan.completeness).toEqual({ strength: 'strong', proof: 'checksum workers.csv.sha256' });
  });

  test.each([
    ['of other bytes', `${sha256(`${ROWS} `)}  workers.csv`],
    ['that is none', 'see attachment'],
    ['that is too long', `${sha256(ROWS)}0`],
    ['that is empty', ''],
  ])('%s refuses the feed', async (_, content) => {
    const folder = feedFolder();
    folder.write('workers.csv', ROWS);
    folder.write('workers.csv.sha256', content);
    expect((await problemOf(readFeed(feedSettings(folder.dir)))).faults[0]?.code).toBe('feed.checksum');
  });
});

describe('an emptied feed', () => {
  test.each([
    ['zero bytes', ''],
    ['a byte order mark alone', '\ufeff'],
    ['blank lines alone', '\r\n\n\n'],
    ['a header alone', 'id,name\n'],
    ['a header alone without line end', 'id,name'],
    ['a header and blank lines', 'id,name\n\n\n'],
  ])('of %s has no effect', async (_, text) => {
    expect((await problemOf(readText(text))).faults[0]).toMatchObject({
      code: 'feed.empty',
      place: { file: 'workers' },
    });
  });

  test('is an ordinary day for a delta with its whole header, and for nothing less', async () => {
    expect((await readText('id,name\n', { content: 'delta' })).scan.rows).toBe(0);
    expect((await readText('[]', { content: 'delta', format: 'json' })).scan.rows).toBe(0);
    for (const text of ['', 'id,na']) {
      expect((await problemOf(readText(text, { content: 'delta' }))).faults[0]?.code).toBe('feed.empty');
    }
  });

  test('with fewer rows than believable is refused, and with enough says so', async () => {
    const problem = await problemOf(readText(ROWS, { complete: { minRows: 3 } }));
    expect(problem.faults[0]).toMatchObject({
      code: 'feed.too-few-rows',
      message: expect.stringContaining('2 rows, fewer than the 3'),
    });
    const feed = await readText(ROWS, { complete: { minRows: 2 } });
    expect(feed.scan.completeness).toEqual({ strength: 'weak', proof: 'size stable for 2 s, at least 2 rows' });
  });
});

describe('a last row without its line end', () => {
  const cut = 'id,name\n1,a\n2,b';

  test('is taken for cut: the others stand, it is rejected', async () => {
    const feed = await readText(cut);
    expect(feed.records.map(({ id }) => id)).toEqual(['1']);
    expect(feed.faults[0]).toMatchObject({ code: 'row.cut', place: { line: 3, record: 2 } });
  });

  test('is whole where the feed is known to end so', async () => {
    expect((await readText(cut, { finalNewline: false })).records).toHaveLength(2);
    expect((await readText(cut, { finalNewline: true })).records).toHaveLength(1);
  });

  test('is whole where a marker, a checksum or a trailer proves it', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', cut);
    folder.write('workers.done', '');
    expect((await readFeed(feedSettings(folder.dir, { complete: { marker: '*.done' } }))).records).toHaveLength(2);
    expect((await readText(`${cut}\nTRL,2`, { complete: trailer })).records).toHaveLength(2);
  });

  test('is whole where it says byte for byte what was accepted before', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', `${cut}\n`);
    const first = await readFeed(feedSettings(folder.dir));
    const known = knownRows(first.rows.map(({ digest }) => digest));
    folder.write('workers.csv', cut);
    const second = await readFeed(feedSettings(folder.dir), { known, alsoKnown: [0, 1] });
    expect(second.scan.unknownRows).toBe(0);
    expect(second.records).toHaveLength(2);
  });
});
