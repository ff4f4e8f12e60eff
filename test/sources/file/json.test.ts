import { describe, expect, test } from 'vitest';
import { feedFolder, feedSettings, problemOf, readFeed, readText } from '../../support/feed-folder.ts';

const json = (text: string, recordPath: string | null = null) => readText(text, { format: 'json', recordPath });
const jsonl = (text: string) => readText(text, { format: 'jsonl' });

describe('a JSON feed', () => {
  test.each([
    ['a top-level array', '[{"id":"1"},{"id":"2"}]', null],
    ['the only array member', '{"total":2,"meta":{"a":[1]},"Report_Entry":[{"id":"1"},{"id":"2"}],"next":null}', null],
    [
      'the array at a dotted path',
      '{"x":[],"data":{"y":[0],"workers": [ {"id":"1"} , {"id":"2"} ] , "z":"]"}, "w":1e3}',
      'data.workers',
    ],
    ['an array whose name is escaped', '{"d\\u0061ta":[{"id":"1"},{"id":"2"}]}', 'data'],
  ])('takes its records from %s, in any chunks', async (_, text, recordPath) => {
    const folder = feedFolder();
    folder.write('workers.json', text);
    for (const chunkBytes of [1, 2, 3, 65_536]) {
      const feed = await readFeed(feedSettings(folder.dir, { format: 'json', recordPath }), { chunkBytes });
      expect(feed.records).toEqual([{ id: '1' }, { id: '2' }]);
    }
  });

  test('names as columns the members met in its records, in order of appearance', async () => {
    const feed = await json('[{"id":"1","b":{"c":1}},{"id":"2","a":[]}]');
    expect(feed.columns).toEqual(['id', 'b', 'a']);
  });

  test('keeps brackets, quotes and escapes inside strings', async () => {
    const feed = await json('[{"id":"a]}\\"\\\\","n":[{"x":"[{"}]}]');
    expect(feed.records).toEqual([{ id: 'a]}"\\', n: [{ x: '[{' }] }]);
  });

  test('keeps the digits of integers that no double holds, at any depth', async () => {
    const feed = await json('[{"id":12345678901234567890,"n":{"m":-9007199254740993},"ok":9007199254740991,"f":1.5}]');
    expect(feed.records).toEqual([
      { id: '12345678901234567890', n: { m: '-9007199254740993' }, ok: 9007199254740991, f: 1.5 },
    ]);
  });

  test('gives records that inherit nothing, at any depth', async () => {
    const feed = await json('[{"__proto__":{"admin":true},"a":{"__proto__":1,"constructor":2}}]');
    const record = feed.rows[0]?.record as Record<string, object>;
    expect(Object.getPrototypeOf(record)).toBe(null);
    expect(Object.keys(record)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(record.a)).toBe(null);
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  test.each([
    ['a member that occurs twice', '{"id":"1","n":{"a":1,"a":2}}', 'row.duplicate-key', 'a'],
    ['a member that occurs twice under two spellings', '{"id":"1","\\u0069d":"2"}', 'row.duplicate-key', 'id'],
    ['a member without a name', '{"":1}', 'row.empty-key', undefined],
    ['a number', '17', 'row.not-object', undefined],
    ['an array', '[{"id":"1"}]', 'row.not-object', undefined],
    ['null', 'null', 'row.not-object', undefined],
    ['a string with a comma and a bracket', '"a,]"', 'row.not-object', undefined],
    ['a bare word', 'undefined', 'row.not-json', undefined],
    ['single quotes', "{'id':1}", 'row.not-json', undefined],
    ['a raw line end in a string', '{"id":"a\nb"}', 'row.not-json', undefined],
    ['a NUL byte', '{"id":"1"\0}', 'row.nul', undefined],
    ['nesting of 21 levels', `{"a":${'['.repeat(20)}${']'.repeat(20)}}`, 'row.too-deep', undefined],
    ['nesting of 100,000 levels', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'row.too-deep', undefined],
    [
      '1,001 members',
      JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`m${i}`, i]))),
      'row.too-many-columns',
      undefined,
    ],
  ])('rejects a record that is or holds %s, and keeps its neighbours', async (_, bad, code, key) => {
    const feed = await json(`[{"id":"before"},\n${bad},\n{"id":"after"}]`);
    expect(feed.records).toEqual([{ id: 'before' }, { id: 'after' }]);
    expect(feed.faults).toHaveLength(1);
    expect(feed.faults[0]).toMatchObject({ code, place: { file: 'workers', line: 2, record: 2 } });
    expect(feed.faults[0]?.place?.key).toBe(key);
  });

  test('nested 20 levels deep is fine', async () => {
    const feed = await json(`[{"a":${'['.repeat(19)}${']'.repeat(19)}}]`);
    expect(feed.faults).toEqual([]);
  });

  test.each([
    ['a truncated array', '[{"id":"1"},{"id":"2"}', 'feed.truncated', 1, undefined],
    ['a truncated envelope', '{"a":[{"id":"1"}]', 'feed.truncated', 1, undefined],
    ['something after the end', '[{"id":"1"}]\n x', 'feed.json', 2, 2],
    ['a second document', '[{"id":"1"}][]', 'feed.json', 1, 13],
    ['a missing comma', '[{"id":"1"}\n {"id":"2"}]', 'feed.json', 2, 2],
    ['a doubled comma', '[{"id":"1"},,{"id":"2"}]', 'feed.json', 1, 13],
    ['a trailing comma', '[{"id":"1"},]', 'feed.json', 1, 13],
    ['mixed-up brackets', '[{"id":["1"}]}]', 'feed.json', 1, 12],
    ['HTML', '<html><body>Sign in</body></html>', 'feed.json', 1, undefined],
    ['an envelope that is not JSON', '{"a":tru,"b":[{}]}', 'feed.json', 1, 9],
    ['an envelope with a bare name', '{a:[{"id":1}]}', 'feed.json', 1, 2],
    ['two arrays to choose from', '{"errors":[],"rows":[{"id":"1"}]}', 'feed.two-arrays', 1, undefined],
    ['no array at all', '{"error":"denied"}', 'feed.no-records', 1, undefined],
    ['a bare literal', '  true ', 'feed.no-records', 1, undefined],
  ])('is refused for %s', async (_, text, code, line, column) => {
    const problem = await problemOf(json(text));
    expect(problem.faults[0]?.code).toBe(code);
    expect(problem.faults[0]?.place).toMatchObject({ file: 'workers', line });
    if (column !== undefined) expect(problem.faults[0]?.place?.column).toBe(column);
  });

  test('is refused when the path leads nowhere or twice to an array', async () => {
    expect((await problemOf(json('{"a":{"b":{}}}', 'a.b'))).faults[0]?.code).toBe('feed.no-records');
    expect((await problemOf(json('{"a":[{}],"a":[{}]}', 'a'))).faults[0]?.code).toBe('feed.two-arrays');
  });

  test('with an empty array is refused as empty', async () => {
    expect((await problemOf(json('[]'))).faults[0]?.code).toBe('feed.empty');
    expect((await problemOf(json('{"Report_Entry":[ ]}'))).faults[0]?.code).toBe('feed.empty');
  });
});

describe('a JSON Lines feed', () => {
  test('takes one record from each line that holds anything', async () => {
    const feed = await jsonl('{"id":"1"}\r\n\n  \n{"id":"2"} \n{"id":"3"}');
    expect(feed.records).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }]);
    expect(feed.rows.map(({ place }) => place.line)).toEqual([1, 4, 5]);
  });

  test('rejects one bad line and keeps the others', async () => {
    const feed = await jsonl('{"id":"1"}\n{"id":\n[]\n{"id":"4"}\n{"id":"5"');
    expect(feed.records).toEqual([{ id: '1' }, { id: '4' }]);
    expect(feed.faults.map(({ code, place }) => [code, place?.line])).toEqual([
      ['row.not-json', 2],
      ['row.not-object', 3],
      ['row.not-json', 5],
    ]);
  });
});
