// Feeds that break readers, each with what must come of it: refused whole, or some rows rejected and the rest read.
import type { FileSourceSettings } from '../../../src/sources/file/file-source.ts';

export interface HostileFeed {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly settings?: Partial<FileSourceSettings>;
  /** Code of the refusal, or the ids read and the codes of the rows rejected, in order. */
  readonly outcome: string | { readonly ids: readonly string[]; readonly rejected: readonly string[] };
}

const ROW_LIMIT = 1_048_576;
const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
const read = (ids: string[], ...rejected: string[]) => ({ ids, rejected });
const json = { format: 'json' } as const;
const jsonl = { format: 'jsonl' } as const;
const H = 'id,name\n';

export const hostileFeeds: readonly HostileFeed[] = [
  // Encodings
  { name: 'Latin-1 taken for UTF-8', content: bytes(H, '1,J', [0xfc], 'rgen\n'), outcome: 'feed.encoding' },
  { name: 'a bad byte in the header', content: bytes('id,n', [0xe4], 'me\n1,a\n'), outcome: 'feed.encoding' },
  { name: 'a bad byte as the very last', content: bytes(H, '1,a\n', [0xfe]), outcome: 'feed.encoding' },
  {
    name: 'CESU-8 surrogates',
    content: bytes(H, '1,', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], '\n'),
    outcome: 'feed.encoding',
  },
  { name: 'a mark in the middle is a character', content: `${H}1,\ufeffa\n`, outcome: read(['1']) },
  { name: 'two marks: the second belongs to the header', content: `\ufeff\ufeffid,name\n1,a\n`, outcome: read(['1']) },
  { name: 'a replacement character that was already there', content: `${H}1,\ufffd\n`, outcome: read(['1']) },
  { name: 'UTF-16 without a mark', content: Buffer.from(`${H}1,a\n`, 'utf16le'), outcome: 'feed.header' },
  {
    name: 'UTF-16 with an odd number of bytes',
    content: bytes([0xff, 0xfe], 'i\0d\0\n\x001\0\n\0x'),
    outcome: 'feed.truncated',
  },
  { name: 'a mark of UTF-16 before UTF-8', content: bytes([0xff, 0xfe], H, '1,abc\n'), outcome: 'feed.empty' },
  { name: 'a gzip file', content: bytes([0x1f, 0x8b, 0x08, 0x00, 0x91, 0xff, 0x0a, 0x80]), outcome: 'feed.truncated' },
  { name: 'a spreadsheet file', content: bytes('PK', [3, 4, 20, 0, 8, 8, 8, 0, 0xb5, 0x9d]), outcome: 'feed.encoding' },
  // Emptiness
  { name: 'nothing', content: '', outcome: 'feed.empty' },
  { name: 'one line end', content: '\n', outcome: 'feed.empty' },
  { name: 'only separators', content: ',,,\n1,2,3,4\n', outcome: 'feed.header' },
  { name: 'only blanks', content: '   \n1\n', outcome: 'feed.header' },
  { name: 'a quoted empty header', content: '""\n1\n', outcome: 'feed.header' },
  { name: 'rows of separators only', content: `${H},\n,\n1,a\n`, outcome: read(['', '', '1']) },
  { name: 'half a megabyte of blank lines', content: `${H}1,a${'\n'.repeat(524_288)}2,b\n`, outcome: read(['1', '2']) },
  // Headers
  { name: 'the same column twice', content: 'id,name,name\n1,a,b\n', outcome: 'feed.header' },
  { name: 'the same column twice but for blanks', content: 'id,name, id\n1,a,b\n', outcome: 'feed.header' },
  { name: 'a column without name', content: 'id,,name\n1,a,b\n', outcome: 'feed.header' },
  { name: 'two stray separators at the end', content: 'id,name,,\n1,a,,\n', outcome: 'feed.header' },
  { name: 'a NUL in the header', content: 'id,na\0me\n1,a\n', outcome: 'feed.header' },
  { name: 'a stray quote in the header', content: 'id,na"me\n1,a\n', outcome: 'feed.header' },
  { name: 'text after a quoted header', content: '"id"x,name\n1,a\n', outcome: 'feed.header' },
  {
    name: 'a quote that opens in the header and never closes',
    content: 'id,"name\n1,a\n2,b\n',
    outcome: 'feed.unclosed-quote',
  },
  {
    name: '1,001 columns',
    content: `${Array.from({ length: 1_001 }, (_, i) => `c${i}`).join(',')}\n1\n`,
    outcome: 'feed.header',
  },
  { name: 'a header of two megabytes', content: `${'x'.repeat(2 * ROW_LIMIT)}\n1\n`, outcome: 'feed.header' },
  {
    name: 'columns called like what objects inherit',
    content: 'id,__proto__,constructor\n1,a,b\n',
    outcome: read(['1']),
  },
  {
    name: 'columns called like paths and formulas',
    content: 'id,../../etc/passwd,=1+1\n1,a,b\n',
    outcome: read(['1']),
  },
  { name: 'a header that says id in another script', content: 'іd,id\nx,1\n', outcome: read(['1']) },
  // Quotes
  { name: 'a quote that never closes', content: `${H}1,a\n2,"b\n3,c\n`, outcome: 'feed.unclosed-quote' },
  { name: 'a quote that never closes as the last byte', content: `${H}1,a\n2,"`, outcome: 'feed.unclosed-quote' },
  { name: 'an odd number of quotes', content: `${H}1,"""\n2,b\n`, outcome: 'feed.unclosed-quote' },
  { name: 'a quote inside a bare cell', content: `${H}1,5" disk\n2,b\n`, outcome: read(['2'], 'row.quoting') },
  { name: 'a bare cell that ends in a quote', content: `${H}1,a"\n2,b\n`, outcome: read(['2'], 'row.quoting') },
  { name: 'blanks before a quote', content: `${H}1, "a"\n2,b\n`, outcome: read(['2'], 'row.quoting') },
  { name: 'blanks after a quote', content: `${H}1,"a" \n2,b\n`, outcome: read(['2'], 'row.quoting') },
  { name: 'a backslash before a quote', content: `${H}1,"a\\"b"\n2,b\n`, outcome: read(['2'], 'row.quoting') },
  { name: 'a swallowed row', content: `${H}1,"a\n2,"b"\n3,c\n`, outcome: read(['3'], 'row.quoting') },
  { name: 'only quotes', content: `${H}"",""\n"""",""""""\n`, outcome: read(['', '"']) },
  { name: 'a separator and a line end in quotes', content: `${H}1,"a,\r\n\r,b"\n2,b\n`, outcome: read(['1', '2']) },
  { name: 'a quoted cell of 200 lines', content: `${H}1,"${'x\n'.repeat(200)}"\n2,b\n`, outcome: read(['1', '2']) },
  {
    name: 'the quote that is configured, and the other',
    content: `${H}1,'a"b'\n2,"b"\n`,
    settings: { quote: "'" },
    outcome: read(['1', '2']),
  },
  // Rows
  {
    name: 'one field too few and too many',
    content: `${H}1\n2,b\n3,c,d\n`,
    outcome: read(['2'], 'row.ragged', 'row.ragged'),
  },
  { name: 'a NUL in a row', content: `${H}1,a\0\n2,b\n`, outcome: read(['2'], 'row.nul') },
  { name: 'a NUL in quotes', content: `${H}1,"\0"\n2,b\n`, outcome: read(['2'], 'row.nul') },
  {
    name: 'rows of NUL bytes, as a crash of the disk leaves them',
    content: `${H}1,a\n${'\0'.repeat(4_096)}\n2,b\n`,
    outcome: read(['1', '2'], 'row.nul'),
  },
  { name: 'the end-of-file sign of old systems', content: `${H}1,a\r\n\x1a\r\n`, outcome: read(['1'], 'row.ragged') },
  { name: 'escape sequences of a terminal', content: `${H}1,\x1b[31mred\n`, outcome: read(['1']) },
  { name: 'formulas', content: `${H}"=cmd|' /C calc'!A0",a\n`, outcome: read(["=cmd|' /C calc'!A0"]) },
  { name: 'line separators of Unicode', content: `${H}1,a\u2028b\u0085c\n`, outcome: read(['1']) },
  {
    name: 'a row just within the limit',
    content: `${H}1,${'x'.repeat(ROW_LIMIT - 2)}\n2,b\n`,
    outcome: read(['1', '2']),
  },
  {
    name: 'a row just beyond the limit',
    content: `${H}1,${'x'.repeat(ROW_LIMIT - 1)}\n2,b\n`,
    outcome: read(['2'], 'row.too-long'),
  },
  {
    name: 'a quoted row beyond the limit',
    content: `${H}1,"${'x,\n'.repeat(ROW_LIMIT)}"\n2,b\n`,
    outcome: read(['2'], 'row.too-long'),
  },
  {
    name: 'a megabyte of separators',
    content: `${H}${','.repeat(ROW_LIMIT)}\n2,b\n`,
    outcome: read(['2'], 'row.ragged'),
  },
  {
    name: 'two megabytes of quotes',
    content: `${H}1,${'"'.repeat(2 * ROW_LIMIT)}\n2,b\n`,
    outcome: read(['2'], 'row.too-long'),
  },
  {
    name: 'a quote that never closes over two megabytes',
    content: `${H}1,"${'x\n'.repeat(ROW_LIMIT)}`,
    outcome: 'feed.unclosed-quote',
  },
  {
    name: 'a file of another system',
    content: '%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\n',
    settings: {},
    outcome: read(['1 0 obj', '<< /Type /Catalog >>']),
  },
  { name: 'a sign-in page', content: '<!DOCTYPE html>\n<html lang="en">\n', outcome: read([], 'row.quoting') },
  // JSON
  {
    name: 'a bomb of brackets',
    content: `[${'['.repeat(200_000)}${']'.repeat(200_000)},{"id":"2"}]`,
    settings: json,
    outcome: read(['2'], 'row.too-deep'),
  },
  { name: 'a bomb of open brackets', content: '['.repeat(200_000), settings: json, outcome: 'feed.truncated' },
  { name: 'a bomb in the envelope', content: `{"a":${'{"a":'.repeat(1_000)}`, settings: json, outcome: 'feed.json' },
  {
    name: 'an element beyond the limit',
    content: `[{"id":"${'x'.repeat(ROW_LIMIT)}"},{"id":"2"}]`,
    settings: json,
    outcome: read(['2'], 'row.too-long'),
  },
  {
    name: 'a name beyond the limit in the envelope',
    content: `{"${'x'.repeat(ROW_LIMIT)}":1,"r":[{"id":"2"}]}`,
    settings: json,
    outcome: read(['2']),
  },
  {
    name: 'a number beyond the limit in the envelope',
    content: `{"n":${'1'.repeat(ROW_LIMIT)},"r":[{"id":"2"}]}`,
    settings: json,
    outcome: 'feed.json',
  },
  {
    name: 'JSON members called like what objects inherit',
    content: '[{"id":"1","__proto__":{"id":"2"},"constructor":{"prototype":{"x":1}}}]',
    settings: json,
    outcome: read(['1']),
  },
  { name: 'JSON with comments', content: '[/* all */{"id":"1"}]', settings: json, outcome: 'feed.json' },
  { name: 'JSON with NaN', content: '[{"id":NaN},{"id":"2"}]', settings: json, outcome: read(['2'], 'row.not-json') },
  {
    name: 'JSON with a lone surrogate escape',
    content: '[{"id":"\\ud800"}]',
    settings: json,
    outcome: read(['\ud800']),
  },
  {
    name: 'JSON that a string never ends',
    content: '[{"id":"1},{"id":"2"}]',
    settings: json,
    outcome: 'feed.truncated',
  },
  {
    name: 'JSON with its records in an object',
    content: '{"1":{"id":"1"},"2":{"id":"2"}}',
    settings: json,
    outcome: 'feed.no-records',
  },
  {
    name: 'JSON with a NUL between records',
    content: '[{"id":"1"}\0,{"id":"2"}]',
    settings: json,
    outcome: 'feed.json',
  },
  { name: 'CSV taken for JSON', content: `${H}1,a\n`, settings: json, outcome: 'feed.json' },
  {
    name: 'an array taken for JSON Lines',
    content: '[{"id":"1"},\n{"id":"2"}]\n',
    settings: jsonl,
    outcome: read([], 'row.not-json', 'row.not-json'),
  },
  {
    name: 'JSON Lines of concatenated objects',
    content: '{"id":"1"}{"id":"2"}\n{"id":"3"}\n',
    settings: jsonl,
    outcome: read(['3'], 'row.not-json'),
  },
  {
    name: 'JSON Lines with one line beyond the limit',
    content: `{"id":"${'x'.repeat(ROW_LIMIT)}"}\n{"id":"2"}\n`,
    settings: jsonl,
    outcome: read(['2'], 'row.too-long'),
  },
];
