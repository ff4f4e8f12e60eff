// Requests to webhooks that break servers and readers. Each is signed by whoever holds the secret unless it says otherwise: what
// a sender may say is as hostile as who may say it.
import { gzipSync } from 'node:zlib';

export interface HostilePost {
  readonly name: string;
  readonly hook: 'hint' | 'record' | 'emergency';
  readonly body: string | Buffer;
  /** Put over the headers of a good request; null takes one away. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** In place of the signature over exactly this body. */
  readonly signature?: string;
  readonly status: 202 | 400 | 401 | 413 | 415;
  /** What becomes of one that was taken: `rejected` is told with a reason, `harmless` changes nobody. */
  readonly end: 'rejected' | 'harmless' | 'refused';
}

const refused = (status: 400 | 401 | 413 | 415) => ({ status, end: 'refused' }) as const;
const rejected = { status: 202, end: 'rejected' } as const;
const harmless = { status: 202, end: 'harmless' } as const;
const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const LEAVE = '{"id":"1003"}';

const unproven: readonly HostilePost[] = [
  { name: 'no signature', hook: 'emergency', body: LEAVE, headers: { 'x-signature': null }, ...refused(401) },
  { name: 'an empty signature', hook: 'emergency', body: LEAVE, signature: '', ...refused(401) },
  { name: 'a signature of zeros', hook: 'emergency', body: LEAVE, signature: '0'.repeat(64), ...refused(401) },
  {
    name: 'a signature of half the length',
    hook: 'emergency',
    body: LEAVE,
    signature: 'ab'.repeat(16),
    ...refused(401),
  },
  {
    name: 'a signature that is no hexadecimal',
    hook: 'emergency',
    body: LEAVE,
    signature: 'zz'.repeat(32),
    ...refused(401),
  },
  {
    name: 'a signature of ten thousand digits',
    hook: 'emergency',
    body: LEAVE,
    signature: 'ab'.repeat(5_000),
    ...refused(401),
  },
  {
    name: 'two signatures in one header',
    hook: 'emergency',
    body: LEAVE,
    signature: `${'0'.repeat(64)}, ${'1'.repeat(64)}`,
    ...refused(401),
  },
  { name: 'the word null', hook: 'emergency', body: LEAVE, signature: 'null', ...refused(401) },
  {
    name: 'a prefix that nobody agreed on',
    hook: 'emergency',
    body: LEAVE,
    signature: `sha256=${'0'.repeat(64)}`,
    ...refused(401),
  },
  {
    name: 'a time without a signature over it',
    hook: 'hint',
    body: '{"employee":{"id":"1003"}}',
    headers: { 'x-timestamp': '1' },
    ...refused(401),
  },
  {
    name: 'a time that is no time',
    hook: 'hint',
    body: '{"employee":{"id":"1003"}}',
    headers: { 'x-timestamp': 'now' },
    ...refused(401),
  },
  {
    name: 'a time beyond all times',
    hook: 'hint',
    body: '{"employee":{"id":"1003"}}',
    headers: { 'x-timestamp': '9'.repeat(30) },
    ...refused(401),
  },
  {
    name: 'no time',
    hook: 'hint',
    body: '{"employee":{"id":"1003"}}',
    headers: { 'x-timestamp': null },
    ...refused(401),
  },
];

const wrapped: readonly HostilePost[] = [
  {
    name: 'a body one byte beyond the limit',
    hook: 'emergency',
    body: `{"id":"${'x'.repeat(65_536)}"}`,
    ...refused(413),
  },
  { name: 'ten megabytes', hook: 'record', body: 'x'.repeat(10_485_760), ...refused(413) },
  {
    name: 'a packed body',
    hook: 'emergency',
    body: gzipSync(LEAVE),
    headers: { 'content-encoding': 'gzip' },
    ...refused(415),
  },
  {
    name: 'a body packed twice',
    hook: 'emergency',
    body: LEAVE,
    headers: { 'content-encoding': 'gzip, br' },
    ...refused(415),
  },
  {
    name: 'XML',
    hook: 'emergency',
    body: '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><id>&b;</id>',
    headers: { 'content-type': 'application/xml' },
    ...refused(415),
  },
  {
    name: 'a form of several parts',
    hook: 'record',
    body: '--x\r\n\r\n1\r\n--x--',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    ...refused(415),
  },
  {
    name: 'UTF-16',
    hook: 'emergency',
    body: Buffer.from(LEAVE, 'utf16le'),
    headers: { 'content-type': 'application/json; charset=utf-16' },
    ...refused(415),
  },
  { name: 'no content type', hook: 'emergency', body: LEAVE, headers: { 'content-type': null }, ...refused(415) },
  {
    name: 'a content type of a script',
    hook: 'emergency',
    body: LEAVE,
    headers: { 'content-type': 'text/javascript' },
    ...refused(415),
  },
];

const unreadable: readonly HostilePost[] = [
  { name: 'an empty body', hook: 'emergency', body: '', ...rejected },
  { name: 'half a document', hook: 'emergency', body: '{"id":"1003"', ...rejected },
  { name: 'two documents', hook: 'emergency', body: '{"id":"1003"}{"id":"1004"}', ...rejected },
  { name: 'a list', hook: 'emergency', body: '[{"id":"1003"}]', ...rejected },
  { name: 'a text', hook: 'emergency', body: '"1003"', ...rejected },
  { name: 'null as the whole body', hook: 'emergency', body: 'null', ...rejected },
  { name: 'bytes that are no UTF-8', hook: 'emergency', body: Buffer.from('{"id":"1003\xff"}', 'latin1'), ...rejected },
  {
    name: 'an overlong slash',
    hook: 'emergency',
    body: Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]),
    ...rejected,
  },
  { name: 'a NUL in the middle', hook: 'emergency', body: '{"id":\0"1003"}', ...rejected },
  { name: 'a bomb of brackets', hook: 'emergency', body: `{"id":${deep(30_000)}}`, ...rejected },
  {
    name: 'a bomb of objects',
    hook: 'record',
    body: `{"record":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    ...rejected,
  },
  { name: 'no id', hook: 'emergency', body: '{"name":"Ada"}', ...rejected },
  { name: 'null for an id', hook: 'emergency', body: '{"id":null}', ...rejected },
  { name: 'a blank id', hook: 'emergency', body: '{"id":"  "}', ...rejected },
  { name: 'an object for an id', hook: 'emergency', body: '{"id":{"$ne":""}}', ...rejected },
  {
    name: 'a thousand ids',
    hook: 'emergency',
    body: JSON.stringify({ id: Array.from({ length: 1_000 }, (_, at) => String(1_000 + at)) }),
    ...rejected,
  },
  {
    name: 'an id of fifty thousand letters',
    hook: 'hint',
    body: `{"employee":{"id":"${'x'.repeat(50_000)}"}}`,
    ...harmless,
  },
  { name: 'a record that is a list of lists', hook: 'record', body: '{"record":[[1],[2]]}', ...rejected },
  { name: 'a record that is a text', hook: 'record', body: '{"record":"1003"}', ...rejected },
  {
    name: 'a hundred and one records',
    hook: 'record',
    body: JSON.stringify({ record: Array.from({ length: 101 }, () => ({})) }),
    ...rejected,
  },
  {
    name: 'a record by way of a prototype',
    hook: 'record',
    body: '{"__proto__":{"record":{"ID":"1003","Status":"T"}}}',
    ...rejected,
  },
  {
    name: 'a time of the year 275760',
    hook: 'record',
    body: '{"record":{"ID":"1003"},"at":"+275760-09-13T00:00:00Z"}',
    ...rejected,
  },
  {
    name: 'a form where an object is due',
    hook: 'emergency',
    body: 'id[]=1003&id[]=1004',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    ...rejected,
  },
];

/** They can be read, and nothing may follow from them. */
const idle: readonly HostilePost[] = [
  { name: 'an id by way of a prototype', hook: 'emergency', body: '{"__proto__":{"id":"1003"}}', ...rejected },
  { name: 'an id of somebody whom nobody knows', hook: 'hint', body: '{"employee":{"id":"nobody"}}', ...harmless },
  { name: 'an id called like an inherited member', hook: 'hint', body: '{"employee":{"id":"__proto__"}}', ...harmless },
  { name: 'an id that is a path', hook: 'hint', body: '{"employee":{"id":"../../users/1003"}}', ...harmless },
  { name: 'an id that is SQL', hook: 'hint', body: `{"employee":{"id":"' OR 1=1 --"}}`, ...harmless },
  {
    name: 'an id that differs by what nobody sees',
    hook: 'hint',
    body: '{"employee":{"id":"1003\u200b"}}',
    ...harmless,
  },
  {
    name: 'an id that is a number beyond 2^53',
    hook: 'hint',
    body: '{"employee":{"id":10030000000000000000000001}}',
    ...harmless,
  },
  {
    name: 'a record whose status nobody knows',
    hook: 'record',
    body: '{"record":{"ID":"1003","First":"a","Last":"b","Status":"DROP","Start":"2020-01-01","End":"","Manager":"","Dept":"","Title":""}}',
    ...rejected,
  },
  { name: 'a record that lacks most of its columns', hook: 'record', body: '{"record":{"ID":"1003"}}', ...rejected },
  {
    name: 'a record whose day is none',
    hook: 'record',
    body: '{"record":{"ID":"1003","First":"a","Last":"b","Status":"A","Start":"2020-02-31","End":"","Manager":"","Dept":"","Title":""}}',
    ...rejected,
  },
];

export const hostilePosts: readonly HostilePost[] = [...unproven, ...wrapped, ...unreadable, ...idle];
