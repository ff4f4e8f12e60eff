// More feeds that break readers: encodings, line ends, cells that want to be run, names that are paths, JSON that lies.
import { gzipSync } from 'node:zlib';
import type { HostileFeed } from './hostile.ts';

const bytes = (...parts: (string | number[] | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
const read = (ids: string[], ...rejected: string[]) => ({ ids, rejected });
const json = { format: 'json' } as const;
const jsonl = { format: 'jsonl' } as const;
const H = 'id,name\n';
const wide = (text: string, swap = false): Buffer => {
  const buffer = Buffer.from(text, 'utf16le');
  return swap ? buffer.swap16() : buffer;
};

const encodings: readonly HostileFeed[] = [
  { name: 'UTF-16 of a spreadsheet', content: bytes([0xff, 0xfe], wide(`${H}1,é\n`)), outcome: read(['1']) },
  {
    name: 'UTF-16 with the great end first',
    content: bytes([0xfe, 0xff], wide(`${H}1,é\n`, true)),
    outcome: read(['1']),
  },
  {
    name: 'UTF-16 with a lone surrogate',
    content: bytes([0xff, 0xfe], wide(`${H}1,\ud800\n`)),
    outcome: 'feed.encoding',
  },
  { name: 'an overlong NUL', content: bytes(H, '1,', [0xc0, 0x80], '\n'), outcome: 'feed.encoding' },
  { name: 'an overlong slash', content: bytes(H, '1,', [0xc0, 0xaf], '\n'), outcome: 'feed.encoding' },
  { name: 'a byte that continues nothing', content: bytes(H, '1,', [0x80], '\n'), outcome: 'feed.encoding' },
  {
    name: 'a character beyond Unicode',
    content: bytes(H, '1,', [0xf4, 0x90, 0x80, 0x80], '\n'),
    outcome: 'feed.encoding',
  },
  {
    name: 'a character of which two bytes are missing',
    content: bytes(H, '1,', [0xf0, 0x9f], '\n'),
    outcome: 'feed.encoding',
  },
  {
    name: 'one row of Windows among rows of UTF-8',
    content: bytes(H, '1,é\n2,', [0xe9], '\n'),
    outcome: 'feed.encoding',
  },
  {
    name: 'an encoding of which nobody has heard',
    content: `${H}1,a\n`,
    settings: { encoding: 'klingon-8' },
    outcome: 'source.encoding',
  },
  { name: 'UTF-7, which is plain text here', content: `${H}1,+ADw-script+AD4-\n`, outcome: read(['1']) },
  { name: 'a byte order mark and nothing else', content: '\ufeff', outcome: 'feed.empty' },
  {
    name: 'a byte order mark that was encoded twice',
    content: bytes([0xc3, 0xaf, 0xc2, 0xbb, 0xc2, 0xbf], `${H}1,a\n`),
    outcome: read(['1']),
  },
];

const lineEnds: readonly HostileFeed[] = [
  { name: 'lines that end as they like', content: 'id,name\r\n1,a\n2,b\r\n3,c\n', outcome: read(['1', '2', '3']) },
  { name: 'lines of an old Macintosh', content: 'id,name\r1,a\r2,b\r', outcome: read(['1', '2']) },
  { name: 'a last row without an end', content: `${H}1,a\n2,b`, outcome: read(['1'], 'row.cut') },
  {
    name: 'a file padded with NUL to a block',
    content: bytes(H, '1,a\n', new Uint8Array(512)),
    outcome: read(['1'], 'row.cut'),
  },
  { name: 'form feeds and vertical tabs', content: `${H}1,a\x0bb\x0cc\n`, outcome: read(['1']) },
  { name: 'blank lines between all rows', content: 'id,name\n\n\n1,a\n\n\r\n2,b\n\n', outcome: read(['1', '2']) },
  {
    name: 'a line that names the separator, as Excel writes it',
    content: 'sep=;\nid;name\n1;a\n',
    outcome: read([], 'row.unnamed-cell', 'row.unnamed-cell'),
  },
];

const cells: readonly HostileFeed[] = [
  {
    name: 'a formula with an address',
    content: `${H}1,"=HYPERLINK(""http://evil.example"",""x"")"\n`,
    outcome: read(['1']),
  },
  { name: 'formulas that begin with other signs', content: `${H}+1,@SUM(1)\n-2,\t=1\n`, outcome: read(['+1', '-2']) },
  {
    name: 'ids that are names of inherited members',
    content: `${H}__proto__,a\nconstructor,b\ntoString,c\n`,
    outcome: read(['__proto__', 'constructor', 'toString']),
  },
  {
    name: 'ids that are paths',
    content: `${H}../../etc/passwd,a\n..\\..\\boot.ini,b\n`,
    outcome: read(['../../etc/passwd', '..\\..\\boot.ini']),
  },
  {
    name: 'ids that are references to secrets',
    content: `${H}\${env:HOME},a\n\${file:/etc/passwd},b\n`,
    outcome: read([`\${env:HOME}`, `\${file:/etc/passwd}`]),
  },
  {
    name: 'ids that are SQL',
    content: `${H}'; DROP TABLE workers;--,a\n`,
    outcome: read([`'; DROP TABLE workers;--`]),
  },
  {
    name: 'ids that are filters of SCIM',
    content: `${H}"x"" or userName pr",a\n`,
    outcome: read(['x" or userName pr']),
  },
  {
    name: 'ids that differ by what nobody sees',
    content: `${H}1,a\n1\u200b,b\n1\u00a0,c\n`,
    outcome: read(['1', '1\u200b', '1\u00a0']),
  },
  { name: 'ids of other digits', content: `${H}١٢,a\n１２,b\n`, outcome: read(['١٢', '１２']) },
  { name: 'text that runs from right to left', content: `${H}1,\u202egnp.exe\u202c\n`, outcome: read(['1']) },
  {
    name: 'ten thousand marks over one letter',
    content: `${H}1,a${'\u0301'.repeat(10_000)}\n2,b\n`,
    outcome: read(['1', '2']),
  },
  { name: 'a family of eleven as one sign', content: `${H}1,${'👨‍👩‍👧‍👦'.repeat(500)}\n`, outcome: read(['1']) },
  { name: 'quotes of typographers', content: `${H}1,“a, b”\n`, outcome: read([], 'row.ragged') },
  { name: 'quotes at the beginning and end of a quoted cell', content: `${H}1,"""a"""\n`, outcome: read(['1']) },
  {
    name: 'quotes where there are none',
    content: `${H}1,"a\n2,b"\n`,
    settings: { quote: '' },
    outcome: read(['1', '2']),
  },
  {
    name: 'a hundred thousand cells in one row',
    content: `${H}1${',x'.repeat(100_000)}\n2,b\n`,
    outcome: read(['2'], 'row.ragged'),
  },
];

const headers: readonly HostileFeed[] = [
  {
    name: '1,000 columns',
    content: `id,${Array.from({ length: 999 }, (_, i) => `c${i}`).join(',')}\n1${','.repeat(999)}\n`,
    outcome: read(['1']),
  },
  {
    name: '100,000 columns',
    content: `id,${Array.from({ length: 99_999 }, (_, i) => `c${i}`).join(',')}\n1\n`,
    outcome: 'feed.header',
  },
  { name: 'columns that differ by their case', content: 'id,Id,ID\n1,a,b\n', outcome: read(['1']) },
  { name: 'a column with a line end in its name', content: 'id,"na\nme"\n1,a\n', outcome: read(['1']) },
  { name: 'a column called like a reference', content: 'id,"${env:HOME}"\n1,a\n', outcome: read(['1']) },
  {
    name: 'a separator of two signs, which stand in a quoted cell too',
    content: 'id||name\n1||"a||b"\n2||c|d\n',
    settings: { separator: '||' },
    outcome: read(['1', '2']),
  },
  {
    name: 'a separator that is not the one configured',
    content: 'id;name\n1;a\n',
    settings: { separator: '|' },
    outcome: read(['1;a']),
  },
];

const values: readonly HostileFeed[] = [
  {
    name: 'a number beyond all numbers',
    content: '[{"id":1e400},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.number'),
  },
  {
    name: 'a number below all numbers inside',
    content: '[{"id":"1","a":{"b":[-1e999]}},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.number'),
  },
  {
    name: 'an id of thirty digits',
    content: '[{"id":123456789012345678901234567890}]',
    settings: json,
    outcome: read(['123456789012345678901234567890']),
  },
  {
    name: 'numbers that only look like some',
    content: '[{"id":01},{"id":0x1},{"id":+1},{"id":.5},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.not-json', 'row.not-json', 'row.not-json', 'row.not-json'),
  },
  {
    name: 'a member that occurs twice, once in disguise',
    content: '[{"id":"1","\\u0069d":"2"},{"id":"3"}]',
    settings: json,
    outcome: read(['3'], 'row.duplicate-key'),
  },
  {
    name: 'a member that occurs twice inside',
    content: '[{"id":"1","a":{"b":1,"b":2}},{"id":"3"}]',
    settings: json,
    outcome: read(['3'], 'row.duplicate-key'),
  },
  {
    name: 'a member without a name',
    content: '[{"":"x","id":"1"},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.empty-key'),
  },
  {
    name: 'nesting at the limit and beyond',
    content: `[{"id":"1","a":${'['.repeat(19)}${']'.repeat(19)}},{"id":"2","a":${'['.repeat(20)}${']'.repeat(20)}}]`,
    settings: json,
    outcome: read(['1'], 'row.too-deep'),
  },
  {
    name: 'members at the limit and beyond',
    content: `[{"id":"1",${Array.from({ length: 999 }, (_, i) => `"m${i}":0`).join()}},{"id":"2",${Array.from({ length: 1_000 }, (_, i) => `"m${i}":0`).join()}}]`,
    settings: json,
    outcome: read(['1'], 'row.too-many-columns'),
  },
  {
    name: 'lists and words where records should be',
    content: '[[],null,true,7,"x",{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.not-object', 'row.not-object', 'row.not-object', 'row.not-object', 'row.not-object'),
  },
  {
    name: 'an escape that is cut',
    content: '[{"id":"\\u12"},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.not-json'),
  },
  {
    name: 'a line end inside a text',
    content: '[{"id":"a\nb"},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.not-json'),
  },
  { name: 'a NUL that is written out', content: '[{"id":"1\\u0000"}]', settings: json, outcome: read(['1\0']) },
  { name: 'a comma behind the last record', content: '[{"id":"1"},]', settings: json, outcome: 'feed.json' },
  { name: 'records without commas', content: '[{"id":"1"} {"id":"2"}]', settings: json, outcome: 'feed.json' },
  {
    name: 'single quotes',
    content: '[{\'id\':\'1\'},{"id":"2"}]',
    settings: json,
    outcome: read(['2'], 'row.not-json'),
  },
  { name: 'something behind the document', content: '[{"id":"1"}] []', settings: json, outcome: 'feed.json' },
  { name: 'a text as the whole document', content: '"[]"', settings: json, outcome: 'feed.no-records' },
  { name: 'an object without a list', content: '{}', settings: json, outcome: 'feed.no-records' },
  { name: 'an empty list', content: '{"employees":[]}', settings: json, outcome: 'feed.empty' },
  { name: 'two lists', content: '{"a":[{"id":"1"}],"b":[]}', settings: json, outcome: 'feed.two-arrays' },
  {
    name: 'a path that leads into what objects inherit',
    content: '{"a":[{"id":"1"}]}',
    settings: { ...json, recordPath: 'constructor.prototype' },
    outcome: 'feed.no-records',
  },
  {
    name: 'a path that leads to a text',
    content: '{"a":{"b":"x"}}',
    settings: { ...json, recordPath: 'a.b' },
    outcome: 'feed.no-records',
  },
  {
    name: 'five megabytes of blanks between records',
    content: `[{"id":"1"},${' '.repeat(5_242_880)}{"id":"2"}]`,
    settings: json,
    outcome: read(['1', '2']),
  },
  { name: 'JSON with a byte order mark', content: '\ufeff[{"id":"1"}]', settings: json, outcome: read(['1']) },
  { name: 'a list that closes as an object', content: '{"a":[{"id":"1"}}', settings: json, outcome: 'feed.json' },
  {
    name: 'JSON Lines with blank lines and line separators of Unicode',
    content: '\n{"id":"1\u2028"}\r\n\r\n  \n{"id":"2"}\n',
    settings: jsonl,
    outcome: read(['1\u2028', '2']),
  },
  {
    name: 'JSON Lines with null and a list',
    content: 'null\n[]\n{"id":"2"}\n',
    settings: jsonl,
    outcome: read(['2'], 'row.not-object', 'row.not-object'),
  },
  {
    name: 'JSON Lines that break off',
    content: '{"id":"1"}\n{"id":"2',
    settings: jsonl,
    outcome: read(['1'], 'row.not-json'),
  },
];

/** Files that arrive packed: they are unpacked unasked, and only what is whole counts. */
const packed: readonly HostileFeed[] = [
  { name: 'a packed feed', content: gzipSync(`${H}1,a\n`), outcome: read(['1']) },
  {
    name: 'a packed feed that is cut',
    content: gzipSync(`${H}${'1,abc\n'.repeat(2_000)}`).subarray(0, -9),
    outcome: 'feed.truncated',
  },
  {
    name: 'a packed feed whose checksum is wrong',
    content: withWrongChecksum(gzipSync(`${H}1,a\n`)),
    outcome: 'feed.gzip',
  },
  { name: 'a packed nothing', content: gzipSync(''), outcome: 'feed.empty' },
  { name: 'a pack inside a pack', content: gzipSync(gzipSync(`${H}1,a\n`)), outcome: 'feed.encoding' },
];

function withWrongChecksum(packed: Buffer): Buffer {
  packed[packed.length - 8] = (packed[packed.length - 8] as number) ^ 0xff;
  return packed;
}

export const hostileForms: readonly HostileFeed[] = [
  ...encodings,
  ...lineEnds,
  ...cells,
  ...headers,
  ...values,
  ...packed,
];
