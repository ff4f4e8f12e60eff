// Answers of an HR system that break readers, or that something in between sends in its place.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Answer } from '../../support/http-desk.ts';

export interface HostileAnswer {
  readonly name: string;
  readonly answer: Answer;
  /** Keys of `source` beside those that every answer here is read with. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** Code of the refusal, `later` where it is asked for again until patience ends, or ids and `!CODE` of rejected records. */
  readonly outcome: string | readonly string[];
}

const raw = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Answer => ({ body, headers });
const items = (...texts: readonly string[]): Answer => raw(`{"items":[${texts.join(',')}]}`);
const good = '{"id":"2"}';
const packed = (body: string | Buffer): Answer => raw(gzipSync(body), { 'content-encoding': 'gzip' });
const XML = { list: { path: '/r', format: 'xml', recordPath: 'Report.Entry' } };
const xml = (text: string): Answer => raw(text, { 'content-type': 'text/xml' });
const CSV = { list: { path: '/r.csv', format: 'csv' } };
const csv = (text: string | Buffer): Answer => raw(text, { 'content-type': 'text/csv' });
const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const json: readonly HostileAnswer[] = [
  { name: 'nothing at all', answer: raw(''), outcome: 'later' },
  { name: 'blanks', answer: raw(' \n '), outcome: 'later' },
  { name: 'half a document', answer: raw('{"items":[{"id":"1"}'), outcome: 'later' },
  { name: 'a text that says error', answer: raw('"error"'), outcome: 'feed.no-records' },
  { name: 'null', answer: raw('null'), outcome: 'feed.no-records' },
  { name: 'a number', answer: raw('429'), outcome: 'feed.no-records' },
  { name: 'an empty list with a good status', answer: items(), outcome: 'feed.empty' },
  { name: 'null where the list should be', answer: raw('{"items":null}'), outcome: 'feed.no-records' },
  { name: 'a list of lists', answer: items('[]', '[1]', good), outcome: ['!row.not-object', '!row.not-object', '2'] },
  {
    name: 'words for records',
    answer: items('true', 'null', '7', good),
    outcome: ['!row.not-object', '!row.not-object', '!row.not-object', '2'],
  },
  {
    name: 'a bomb of brackets in a record',
    answer: items(`{"id":"1","a":${deep(5_000)}}`, good),
    outcome: ['!row.too-deep', '2'],
  },
  {
    name: 'a bomb of brackets around the list',
    answer: raw(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`),
    outcome: 'feed.json',
  },
  {
    name: 'a bomb of objects in a record',
    answer: items(`{"id":"1","a":${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}}`, good),
    outcome: ['!row.too-deep', '2'],
  },
  {
    name: 'a record of a hundred thousand members',
    answer: items(`{"id":"1",${Array.from({ length: 100_000 }, (_, i) => `"m${i}":0`).join()}}`, good),
    outcome: ['!row.too-long', '2'],
  },
  {
    name: 'numbers beyond all numbers',
    answer: items('{"id":"1","n":1e400}', '{"id":"3","n":[-1e999]}', good),
    outcome: ['!row.number', '!row.number', '2'],
  },
  {
    name: 'NaN and Infinity',
    answer: items('{"id":NaN}', '{"id":-Infinity}', good),
    outcome: ['!row.not-json', '!row.not-json', '2'],
  },
  {
    name: 'a prototype as a member',
    answer: items(
      '{"id":"1","__proto__":{"admin":true}}',
      '{"id":"3","constructor":{"prototype":{"admin":true}}}',
      good,
    ),
    outcome: ['1', '3', '2'],
  },
  {
    name: 'a member twice, once in disguise',
    answer: items('{"id":"1","\\u0069d":"9"}', good),
    outcome: ['!row.duplicate-key', '2'],
  },
  { name: 'a lone surrogate', answer: items('{"id":"\\ud800"}', good), outcome: ['\ud800', '2'] },
  { name: 'a NUL that is written out', answer: items('{"id":"1\\u0000"}', good), outcome: ['1\0', '2'] },
  { name: 'a raw NUL between records', answer: raw('{"items":[{"id":"1"}\0,{"id":"2"}]}'), outcome: 'feed.json' },
  { name: 'something behind the document', answer: raw('{"items":[{"id":"1"}]}{"items":[]}'), outcome: 'feed.json' },
  { name: 'single quotes', answer: raw("{'items':[]}"), outcome: 'feed.json' },
  {
    name: 'ids that are paths and references',
    answer: items('{"id":"../../etc/passwd"}', '{"id":"${env:HOME}"}'),
    outcome: ['../../etc/passwd', '${env:HOME}'],
  },
  { name: 'a byte order mark', answer: raw('\ufeff{"items":[{"id":"2"}]}'), outcome: ['2'] },
  {
    name: 'UTF-16',
    answer: raw(Buffer.from('\ufeff{"items":[{"id":"2"}]}', 'utf16le'), {
      'content-type': 'application/json; charset=utf-16',
    }),
    outcome: 'feed.encoding',
  },
  { name: 'Latin-1', answer: raw(Buffer.from('{"items":[{"id":"é"}]}', 'latin1')), outcome: 'feed.encoding' },
  { name: 'a prefix against hijacking', answer: raw(')]}\',\n{"items":[{"id":"2"}]}'), outcome: 'feed.json' },
  {
    name: 'JSON under another name',
    answer: raw('{"items":[{"id":"2"}]}', { 'content-type': 'text/plain' }),
    outcome: ['2'],
  },
];

const around: readonly HostileAnswer[] = [
  {
    name: 'a sign-in page',
    answer: raw('<html><body>sign in</body></html>', { 'content-type': 'text/html' }),
    outcome: 'source.web-page',
  },
  {
    name: 'a sign-in page that calls itself JSON',
    answer: raw('\n <!doctype html><title>x</title>'),
    outcome: 'source.web-page',
  },
  {
    name: 'a redirect to another host',
    answer: { status: 301, headers: { location: 'http://127.0.0.1:1/' } },
    outcome: 'source.redirect',
  },
  {
    name: 'a redirect to itself',
    answer: { status: 307, headers: { location: '/people' } },
    outcome: 'source.redirect',
  },
  {
    name: 'content that was not asked for',
    answer: raw('{}', { 'content-encoding': 'zstd' }),
    outcome: 'source.encoding',
  },
  {
    name: 'brotli',
    answer: raw(brotliCompressSync('{"items":[]}'), { 'content-encoding': 'br' }),
    outcome: 'source.encoding',
  },
  {
    name: 'deflate',
    answer: raw(deflateSync('{"items":[]}'), { 'content-encoding': 'deflate' }),
    outcome: 'source.encoding',
  },
  {
    name: 'two packings at once',
    answer: raw(gzipSync(gzipSync('{"items":[]}')), { 'content-encoding': 'gzip, gzip' }),
    outcome: 'source.encoding',
  },
  {
    name: 'gzip that is none',
    answer: raw('{"items":[{"id":"2"}]}', { 'content-encoding': 'gzip' }),
    outcome: 'later',
  },
  {
    name: 'gzip that is cut',
    answer: raw(gzipSync('{"items":[{"id":"2"}]}').subarray(0, 15), { 'content-encoding': 'gzip' }),
    outcome: 'later',
  },
  { name: 'gzip of gzip', answer: packed(gzipSync('{"items":[{"id":"2"}]}')), outcome: 'feed.encoding' },
  {
    name: 'a bomb of sixteen megabytes in sixteen kilobytes',
    answer: packed(
      Buffer.concat([Buffer.from('{"items":[{"id":"'), Buffer.alloc(16_777_216, 0x41), Buffer.from('"}]}')]),
    ),
    source: { limits: { megabytes: 2 } },
    outcome: 'source.too-large',
  },
  {
    name: 'a good status that nobody defined',
    answer: { status: 299, body: { items: [{ id: '2' }] } },
    outcome: ['2'],
  },
  {
    name: 'a part that nobody asked for',
    answer: { status: 206, headers: { 'content-range': 'bytes 0-24/90' }, body: { items: [{ id: '2' }] } },
    outcome: 'source.refused',
  },
  { name: 'a teapot', answer: { status: 418 }, outcome: 'source.refused' },
  { name: 'no right to read', answer: { status: 403, body: '{"error":"scope"}' }, outcome: 'source.forbidden' },
  { name: 'a list that is gone', answer: { status: 410 }, outcome: 'source.not-found' },
  { name: 'a server in trouble', answer: { status: 503 }, outcome: 'later' },
  {
    name: 'a Retry-After of a thousand years',
    answer: { status: 429, headers: { 'retry-after': '31536000000' } },
    outcome: 'later',
  },
  {
    name: 'a Retry-After that is nonsense',
    answer: { status: 429, headers: { 'retry-after': 'soon; DROP TABLE' } },
    outcome: 'later',
  },
  { name: 'a connection that closes at once', answer: { by: (response) => void response.destroy() }, outcome: 'later' },
  {
    name: 'a length that is never reached',
    answer: {
      by: (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"items":[', () => response.destroy());
      },
    },
    outcome: 'later',
  },
];

const xmls: readonly HostileAnswer[] = [
  { name: 'a billion laughs', source: XML, answer: xml(laughs()), outcome: 'feed.xml-doctype' },
  {
    name: 'an entity that is a file',
    source: XML,
    answer: xml('<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Report><Entry><id>&x;</id></Entry></Report>'),
    outcome: 'feed.xml-doctype',
  },
  {
    name: 'an entity that is a request',
    source: XML,
    answer: xml('<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><Report><Entry><id>1</id></Entry></Report>'),
    outcome: 'feed.xml-doctype',
  },
  {
    name: 'a parameter entity',
    source: XML,
    answer: xml('<!doctype r [<!ENTITY % a "<!ENTITY b \'x\'>"> %a;]><Report><Entry><id>1</id></Entry></Report>'),
    outcome: 'feed.xml-doctype',
  },
  {
    name: 'an entity that nobody defined',
    source: XML,
    answer: xml('<Report><Entry><id>&lol;</id></Entry></Report>'),
    outcome: ['&lol;'],
  },
  {
    name: 'a numeric entity beyond Unicode',
    source: XML,
    answer: xml('<Report><Entry><id>&#x110000;&#65;</id></Entry></Report>'),
    outcome: ['&#x110000;A'],
  },
  {
    name: 'nesting of ten thousand',
    source: XML,
    answer: xml(`<Report>${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}</Report>`),
    outcome: 'feed.xml',
  },
  {
    name: 'tags that close others',
    source: XML,
    answer: xml('<Report><Entry><id>1</Entry></id></Report>'),
    outcome: 'later',
  },
  {
    name: 'two roots',
    source: XML,
    answer: xml('<Report><Entry><id>1</id></Entry></Report><Report/>'),
    outcome: 'feed.no-records',
  },
  {
    name: 'an element called like a prototype',
    source: XML,
    answer: xml('<Report><Entry><id>1</id><__proto__><x>1</x></__proto__></Entry></Report>'),
    outcome: 'feed.xml',
  },
  {
    name: 'an attribute a hundred kilobytes long',
    source: XML,
    answer: xml(`<Report><Entry k="${'x'.repeat(100_000)}"><id>1</id></Entry></Report>`),
    outcome: ['1'],
  },
  {
    name: 'a comment that hides records',
    source: XML,
    answer: xml('<Report><!-- <Entry><id>9</id></Entry> --><Entry><id>1</id></Entry></Report>'),
    outcome: ['1'],
  },
  {
    name: 'text that is no text',
    source: XML,
    answer: xml('<Report><Entry><id><![CDATA[</id><id>9]]></id></Entry></Report>'),
    outcome: ['</id><id>9'],
  },
  { name: 'no record at all', source: XML, answer: xml('<Report/>'), outcome: 'feed.no-records' },
  { name: 'another document', source: XML, answer: xml('<Fault><Code>1</Code></Fault>'), outcome: 'feed.no-records' },
];

const csvs: readonly HostileAnswer[] = [
  {
    name: 'CSV with one quote too many',
    source: CSV,
    answer: csv('id,name\n1,"a\n2,b\n'),
    outcome: 'feed.unclosed-quote',
  },
  { name: 'CSV with two columns of one name', source: CSV, answer: csv('id,id\n1,2\n'), outcome: 'feed.header' },
  {
    name: 'CSV with 100,000 columns',
    source: CSV,
    answer: csv(`id${',x'.repeat(99_999)}\n1\n`),
    outcome: 'feed.header',
  },
  {
    name: 'CSV in Latin-1',
    source: CSV,
    answer: csv(Buffer.from('id,name\n1,é\n', 'latin1')),
    outcome: 'feed.encoding',
  },
  { name: 'CSV with a header and no rows', source: CSV, answer: csv('id,name\n'), outcome: 'feed.empty' },
  {
    name: 'CSV with formulas and ragged rows',
    source: CSV,
    answer: csv('id,name\n=1+1,a\n2\n3,b,c\n'),
    outcome: ['=1+1', '!row.ragged', '!row.ragged'],
  },
  { name: 'CSV with a NUL', source: CSV, answer: csv('id,name\n1,a\0\n2,b\n'), outcome: ['!row.nul', '2'] },
  { name: 'an error in place of CSV', source: CSV, answer: csv('{"error":"expired"}'), outcome: 'feed.empty' },
];

/** Ten levels of ten make ten thousand million; they are never counted. */
function laughs(): string {
  const levels = Array.from({ length: 10 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`);
  return `<!DOCTYPE r [<!ENTITY l0 "ha">${levels.join('')}]><Report><Entry><id>&l10;</id></Entry></Report>`;
}

export const hostileAnswers: readonly HostileAnswer[] = [...json, ...around, ...xmls, ...csvs];
