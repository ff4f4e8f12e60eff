import { describe, expect, test } from 'vitest';
import { feedFolder, feedSettings, knownRows, problemOf, readFeed, readText } from '../../support/feed-folder.ts';

describe('a CSV feed', () => {
  test('gives every cell as text under its trimmed column name', async () => {
    const feed = await readText('Employee_ID , Name\n007,Zoë Łuć\n008,\n');
    expect(feed.columns).toEqual(['Employee_ID', 'Name']);
    expect(feed.records).toEqual([
      { Employee_ID: '007', Name: 'Zoë Łuć' },
      { Employee_ID: '008', Name: '' },
    ]);
  });

  test.each([
    ['a comma', ','],
    ['a semicolon', ';'],
    ['a tab', '\t'],
    ['a pipe', '|'],
  ])('is recognised as separated by %s, even where other separators stand inside quotes', async (_, separator) => {
    const feed = await readText(`id${separator}"last, first; a|b\tc,,,,;;;;||||"\n1${separator}x\n`);
    expect(feed.columns).toHaveLength(2);
    expect(feed.records[0]?.id).toBe('1');
  });

  test('may be separated by more than one character when that is configured', async () => {
    const feed = await readText('id||name\n1||"a||b"\n', { separator: '||' });
    expect(feed.records).toEqual([{ id: '1', name: 'a||b' }]);
  });

  test('may quote with apostrophes', async () => {
    const feed = await readText("id;name\n1;'John''s ID'\n", { quote: "'" });
    expect(feed.records).toEqual([{ id: '1', name: "John's ID" }]);
  });

  test('has no quoting at all where the quote is configured empty', async () => {
    const feed = await readText('id,name\n1,"a\n2,b"\n', { quote: '' });
    expect(feed.records.map(({ name }) => name)).toEqual(['"a', 'b"']);
  });

  test('keeps line ends and doubled quotes inside quotes, and counts their lines', async () => {
    const feed = await readText('id,note\r\n1,"two\r\nlines"\r\n2,"say ""hi"""\r\n3\r\n');
    expect(feed.records).toEqual([
      { id: '1', note: 'two\r\nlines' },
      { id: '2', note: 'say "hi"' },
    ]);
    expect(feed.faults.map(({ place }) => place)).toEqual([{ file: 'workers', line: 5, record: 3 }]);
  });

  test('ends its rows with LF, CRLF or CR, and skips lines with nothing on them', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const feed = await readText(`${end}id,n${end}${end}1,a${end}${end}2,b${end}${end}`);
      expect(feed.records).toEqual([
        { id: '1', n: 'a' },
        { id: '2', n: 'b' },
      ]);
      expect(feed.rows.map(({ place }) => place.line)).toEqual([4, 6]);
    }
  });

  test('rejects a ragged row with its place and both counts, and never shifts its cells', async () => {
    const feed = await readText('id,name,mail\n1,a,b\n2,a\n3,a,b,c\n4,a,b\n');
    expect(feed.records.map(({ id }) => id)).toEqual(['1', '4']);
    expect(feed.faults).toEqual([
      {
        code: 'row.ragged',
        message: 'This row has 2 fields where the header has 3.',
        hint: 'quote cells that hold the separator',
        place: { file: 'workers', line: 3, record: 2 },
      },
      expect.objectContaining({ message: 'This row has 4 fields where the header has 3.' }),
    ]);
  });

  test('rejects a row whose quoting is wrong and keeps its neighbours, quoted or not', async () => {
    const feed = await readText('id,name\n"1","a"\n2,"b"c\n"3","c"\n4,5" disk\n"5","e"\n');
    expect(feed.records.map(({ id }) => id)).toEqual(['1', '3', '5']);
    expect(feed.faults.map(({ code, place }) => [code, place?.line])).toEqual([
      ['row.quoting', 3],
      ['row.quoting', 5],
    ]);
  });

  test('says over how many lines a stray quote reaches, and accepts none of the rows it swallowed', async () => {
    const feed = await readText('id,name\n1,"Bob\n2,"Al"\n3,Cy\n');
    expect(feed.records.map(({ id }) => id)).toEqual(['3']);
    expect(feed.faults[0]?.message).toContain('reaches over 2 lines');
  });

  test('with a stray separator at every line end has no extra column', async () => {
    const feed = await readText('id,name,\n1,a,\n2,b,oops\n3,c,\n');
    expect(feed.columns).toEqual(['id', 'name']);
    expect(feed.records.map(({ id }) => id)).toEqual(['1', '3']);
    expect(feed.faults.map(({ code }) => code)).toEqual(['row.unnamed-cell']);
  });

  test('is refused when two columns share a name, or one in the middle has none, naming all of them', async () => {
    const problem = await problemOf(readText('id,,name, id ,,x\n1,2,3,4,5,6\n'));
    expect(problem.faults.map(({ code }) => code)).toEqual(['feed.header', 'feed.header', 'feed.header']);
    expect(problem.faults.map(({ message }) => message)).toEqual([
      'Column 2 has no name.',
      'The column name "id" occurs twice.',
      'Column 5 has no name.',
    ]);
    expect(problem.faults[1]?.place).toEqual({ file: 'workers', line: 1, key: 'id' });
  });

  test('is refused when a quote is never closed, naming the line where it opened', async () => {
    const problem = await problemOf(readText('id,name\n1,a\n2,"b\n3,c\n4,d\n'));
    expect(problem.faults[0]).toMatchObject({ code: 'feed.unclosed-quote', place: { file: 'workers', line: 3 } });
  });

  test('with __proto__, constructor and toString as columns pollutes nothing', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', '__proto__,constructor,toString\nx,y,z\n');
    const feed = await readFeed(feedSettings(folder.dir));
    const record = feed.rows[0]?.record as object;
    const inherited = Object.getPrototypeOf(record) as object;
    expect(Object.getPrototypeOf(inherited)).toBe(null);
    expect(Reflect.ownKeys(inherited)).toEqual([]);
    expect(Object.entries(record)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['toString', 'z'],
    ]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test('tells a changed format from the same rows', async () => {
    const comma = await readText('id,name\n1,a\n');
    const other = await readText('id;name\n1;a\n');
    const wide = await readText(Buffer.from('\ufeffid,name\n1,a\n', 'utf16le'));
    expect(new Set([comma.format, other.format, wide.format]).size).toBe(3);
    expect((await readText('id,name\n2,b\n')).format).toBe(comma.format);
  });
});

describe('rows that are known', () => {
  const text = 'id,name\n1,a\n2,b\n3,c\n4,d\n';

  test('are counted and not read again, unless they are asked for', async () => {
    const folder = feedFolder();
    folder.write('workers.csv', text);
    const first = await readFeed(feedSettings(folder.dir));
    const known = knownRows(first.rows.map(({ digest }) => digest));
    folder.write('workers.csv', 'id,name\n4,d\n2,b\n3,changed\n');
    const second = await readFeed(feedSettings(folder.dir), { known, alsoKnown: [1] });
    expect(second.scan).toMatchObject({ rows: 3, unknownRows: 1 });
    expect([...second.scan.knownSeen]).toEqual([0b1010]);
    expect(second.rows.map(({ record, place }) => [record?.id, place.record, place.line])).toEqual([
      ['2', 2, 3],
      ['3', 3, 4],
    ]);
  });

  test('have the same digest under any line end and in any order', async () => {
    const unix = await readText(text);
    const windows = await readText('id,name\r\n4,d\r\n3,c\r\n1,a\r\n2,b\r\n');
    expect(windows.rows.map(({ digest }) => digest).toSorted()).toEqual(
      unix.rows.map(({ digest }) => digest).toSorted(),
    );
    expect(windows.scan.contentDigest).not.toBe(unix.scan.contentDigest);
  });
});
