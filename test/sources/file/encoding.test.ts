import iconv from 'iconv-lite';
import { describe, expect, test } from 'vitest';
import { feedFolder, feedSettings, problemOf, readFeed, readText } from '../../support/feed-folder.ts';

const TEXT = 'id,name\n1,Zoë Łuć 𝒳 日本\n2,Jürgen\n';

/** What Windows puts at 0x80 to 0x9F; 81, 8D, 8F, 90 and 9D do not exist. Source: unicode.org MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT */
const WINDOWS_1252: Record<number, string> = {
  128: '€',
  130: '‚',
  131: 'ƒ',
  132: '„',
  133: '…',
  134: '†',
  135: '‡',
  136: 'ˆ',
  137: '‰',
  138: 'Š',
  139: '‹',
  140: 'Œ',
  142: 'Ž',
  145: '‘',
  146: '’',
  147: '“',
  148: '”',
  149: '•',
  150: '–',
  151: '—',
  152: '˜',
  153: '™',
  154: 'š',
  155: '›',
  156: 'œ',
  158: 'ž',
  159: 'Ÿ',
};

describe('the encoding of a feed', () => {
  test.each([
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${TEXT}`)],
    ['UTF-16 little-endian with a mark', iconv.encode(TEXT, 'utf-16le', { addBOM: true })],
    ['UTF-16 big-endian with a mark', iconv.encode(TEXT, 'utf-16be', { addBOM: true })],
    ['UTF-32 with a mark', iconv.encode(TEXT, 'utf-32le', { addBOM: true })],
  ])('%s is recognised, whatever the chunks it arrives in', async (_, bytes) => {
    const folder = feedFolder();
    folder.write('workers.csv', bytes);
    for (const chunkBytes of [1, 2, 3, 5, 7, 65_536]) {
      const feed = await readFeed(feedSettings(folder.dir), { chunkBytes });
      expect(feed.columns).toEqual(['id', 'name']);
      expect(feed.records.map(({ name }) => name)).toEqual(['Zoë Łuć 𝒳 日本', 'Jürgen']);
    }
  });

  test('a mark outranks what is configured', async () => {
    const feed = await readText(Buffer.from(`\ufeff${TEXT}`), { encoding: 'windows-1252' });
    expect(feed.records[1]?.name).toBe('Jürgen');
  });

  test('UTF-16 without a mark is read when configured, and otherwise refused with the setting named', async () => {
    const bytes = iconv.encode(TEXT, 'utf-16le', { addBOM: false });
    expect((await readText(bytes, { encoding: 'utf-16le' })).records[1]?.name).toBe('Jürgen');
    const ascii = iconv.encode('id,name\n1,a\n', 'utf-16le', { addBOM: false });
    const problem = await problemOf(readText(ascii));
    expect(problem.faults[0]).toMatchObject({ code: 'feed.header', hint: expect.stringContaining('utf-16le') });
  });

  test.each(Object.entries(WINDOWS_1252))('Windows-1252 byte %i is %s', async (byte, letter) => {
    const bytes = Buffer.concat([Buffer.from('id,name\n1,O'), Buffer.of(Number(byte)), Buffer.from('Brien\n')]);
    const feed = await readText(bytes, { encoding: 'windows-1252' });
    expect(feed.records[0]?.name).toBe(`O${letter}Brien`);
  });

  test.each([0x81, 0x8d, 0x8f, 0x90, 0x9d])(
    'byte %i, which Windows-1252 lacks, refuses the feed with its line',
    async (byte) => {
      const bytes = Buffer.concat([Buffer.from('id,name\n1,a\n2,'), Buffer.of(byte), Buffer.from('\n')]);
      const problem = await problemOf(readText(bytes, { encoding: 'windows-1252' }));
      expect(problem.faults[0]).toMatchObject({ code: 'feed.encoding', place: { line: 3 } });
    },
  );

  test('bytes that are not UTF-8 refuse the whole feed with offset, line and the setting that may help', async () => {
    const head = 'id,name\n1,Zoë\n2,';
    const bytes = Buffer.concat([Buffer.from(head), Buffer.of(0xfc), Buffer.from('rgen\n3,c\n')]);
    const offset = Buffer.byteLength(head);
    const folder = feedFolder();
    folder.write('workers.csv', bytes);
    for (const chunkBytes of [1, 2, 3, 4, 16, 65_536]) {
      const problem = await problemOf(readFeed(feedSettings(folder.dir), { chunkBytes }));
      expect(problem.faults[0]).toMatchObject({
        code: 'feed.encoding',
        message: `Byte ${offset} of the file (0xfc, on line 3) is not UTF-8.`,
        hint: expect.stringContaining('encoding: windows-1252'),
        place: { file: 'workers.csv', line: 3 },
      });
    }
  });

  test.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a lone continuation', [0x80]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['a cut four-byte character', [0xf0, 0x9f, 0x98]],
    ['byte FF', [0xff]],
  ])('%s is not UTF-8 under any chunking', async (_, bad) => {
    const folder = feedFolder();
    folder.write('workers.csv', Buffer.concat([Buffer.from('id,name\n1,é'), Buffer.from(bad), Buffer.from('é\n')]));
    for (const chunkBytes of [1, 2, 3, 65_536]) {
      const problem = await problemOf(readFeed(feedSettings(folder.dir), { chunkBytes }));
      expect(problem.faults[0]?.code).toBe('feed.encoding');
      expect(problem.faults[0]?.message).toContain('Byte 12 ');
    }
  });

  test('a file that ends inside a character is refused as truncated', async () => {
    const problem = await problemOf(readText(Buffer.concat([Buffer.from('id,name\n1,a\n2,'), Buffer.of(0xe6, 0x97)])));
    expect(problem.faults[0]?.code).toBe('feed.truncated');
    const wide = iconv.encode('id,name\n1,a\n', 'utf-16le', { addBOM: true });
    expect((await problemOf(readText(wide.subarray(0, wide.length - 1)))).faults[0]?.code).toBe('feed.truncated');
  });

  test('a lone surrogate in UTF-16 refuses the feed', async () => {
    const bytes = Buffer.concat([
      iconv.encode('id,name\n1,', 'utf-16le', { addBOM: true }),
      Buffer.of(0x3d, 0xd8, 0x0a, 0x00),
    ]);
    expect((await problemOf(readText(bytes))).faults[0]?.code).toBe('feed.encoding');
  });

  test('an unknown encoding is a problem that names it', async () => {
    const problem = await problemOf(readText('id\n1\n', { encoding: 'klingon' }));
    expect(problem.faults[0]).toMatchObject({ code: 'source.encoding', message: expect.stringContaining('klingon') });
  });
});
