// Inputs too large for a test run: written to disk as holes or by streams, or served without end. Each says what must come of it.
import { createWriteStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { FileSourceSettings } from '../../src/sources/file/file-source.ts';

const MB = 1_048_576;

interface Common {
  readonly name: string;
  /** Code of the refusal, or `N read, N rejected`. */
  readonly outcome: string;
}
export interface FileCase extends Common {
  readonly kind: 'file';
  readonly settings?: Partial<FileSourceSettings>;
  readonly make: (path: string) => Promise<void> | void;
}
export interface HttpCase extends Common {
  readonly kind: 'http';
  /** Keys of `source`. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly answer: (response: ServerResponse) => Promise<void> | void;
}
export type HostileCase = FileCase | HttpCase;

/** A hole is NUL bytes that take no disk. */
function withHole(path: string, before: string, bytes: number, after: string): void {
  const file = openSync(path, 'w');
  writeSync(file, before);
  ftruncateSync(file, before.length + bytes);
  writeSync(file, after, before.length + bytes);
}

/** So many times the same text. */
const repeated = (text: string, times: number): Readable =>
  Readable.from(
    (function* () {
      const block = Buffer.from(text.repeat(Math.max(1, Math.floor(65_536 / text.length))));
      const each = Math.floor(block.length / text.length);
      for (let left = times; left > 0; left -= each) yield left >= each ? block : block.subarray(0, left * text.length);
    })(),
  );
const written = (path: string, ...parts: readonly Readable[]): Promise<void> =>
  pipeline(async function* () {
    for (const part of parts) yield* part;
  }, createWriteStream(path));
const zipped = (path: string, ...parts: readonly Readable[]): Promise<void> =>
  pipeline(
    async function* () {
      for (const part of parts) yield* part;
    },
    createGzip({ level: 1 }),
    createWriteStream(path),
  );
const text = (value: string): Readable => Readable.from([Buffer.from(value)]);

/** Resolves when more may be written, or nobody reads any more. */
const roomIn = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    const go = (): void => {
      stream.off('drain', go).off('close', go);
      resolve();
    };
    stream.once('drain', go).once('close', go);
  });

/** Sends for ever, until the other side has had enough. */
async function endless(response: ServerResponse, before: string, piece: string): Promise<void> {
  const block = piece.repeat(Math.ceil(65_536 / piece.length));
  response.on('error', () => {});
  response.write(before);
  while (!response.destroyed) {
    if (!response.write(block)) await roomIn(response);
  }
}

const LIST = { list: { path: '/people', recordPath: 'items' }, limits: { megabytes: 256 } };
const JSON_FORM = { format: 'json' } as const;

export const hostileCases: readonly HostileCase[] = [
  {
    kind: 'file',
    name: 'a cell of 600 megabytes',
    make: (path) => withHole(path, 'id,name\n0,a\n1,"', 600 * MB, '"\n2,b\n'),
    outcome: '2 read, 1 rejected',
  },
  {
    kind: 'file',
    name: 'a quote that never closes over 600 megabytes',
    make: (path) => withHole(path, 'id,name\n0,a\n1,"', 600 * MB, '\n'),
    outcome: 'feed.unclosed-quote',
  },
  {
    kind: 'file',
    name: 'a header of 600 megabytes',
    make: (path) => withHole(path, 'id,', 600 * MB, '\n1,a\n'),
    outcome: 'feed.header',
  },
  {
    kind: 'file',
    name: 'a hundred million blank lines',
    make: (path) => written(path, text('id,name\n1,a\n'), repeated('\n', 100_000_000), text('2,b\n')),
    outcome: '2 read, 0 rejected',
  },
  {
    kind: 'file',
    name: 'a million ragged rows',
    make: (path) => written(path, text('id,name\n1,a\n'), repeated('x\n', 1_000_000)),
    outcome: '1 read, 1000000 rejected',
  },
  {
    kind: 'file',
    name: 'a hundred rows of a thousand columns with a kilobyte each',
    make: (path) =>
      written(
        path,
        text(`id${Array.from({ length: 999 }, (_, at) => `,c${at}`).join('')}\n`),
        repeated(`1${`,${'x'.repeat(1_000)}`.repeat(999)}\n`, 100),
      ),
    outcome: '100 read, 0 rejected',
  },
  {
    kind: 'file',
    name: 'a hundred million open brackets',
    settings: JSON_FORM,
    make: (path) => written(path, repeated('[', 100_000_000)),
    outcome: 'feed.truncated',
  },
  {
    kind: 'file',
    name: 'a JSON text of 600 megabytes',
    settings: JSON_FORM,
    make: (path) => withHole(path, '[{"id":"', 600 * MB, '"},{"id":"2"}]'),
    outcome: '1 read, 1 rejected',
  },
  {
    kind: 'file',
    name: 'two million empty objects',
    settings: JSON_FORM,
    make: (path) => written(path, text('['), repeated('{},', 1_999_999), text('{}]')),
    outcome: '2000000 read, 0 rejected',
  },
  {
    kind: 'file',
    name: 'an envelope of many million brackets',
    settings: { ...JSON_FORM, recordPath: 'employees' },
    make: (path) => written(path, text('{"a":'), repeated('[', 100_000_000)),
    outcome: 'feed.json',
  },
  {
    kind: 'file',
    name: '700 megabytes of blanks in three packed ones',
    make: (path) => zipped(path, text('id,name\n1,'), repeated(' ', 700_000_000)),
    outcome: 'feed.too-large',
  },
  {
    kind: 'http',
    name: 'an answer whose record never ends',
    source: LIST,
    answer: (response) => endless(response, '{"items":[{"id":"', 'x'),
    outcome: 'source.too-large',
  },
  {
    kind: 'http',
    name: 'an answer whose list never ends',
    source: { ...LIST, limits: { megabytes: 32 } },
    answer: (response) => endless(response, '{"items":[{"id":"1"}', ',{"id":"1"}'),
    outcome: 'source.too-large',
  },
  {
    kind: 'http',
    name: 'an answer of brackets that never end',
    source: LIST,
    answer: (response) => endless(response, '{"items":[{"id":', '['),
    outcome: 'source.too-large',
  },
  {
    kind: 'http',
    name: 'a packed answer that never ends',
    source: LIST,
    answer: async (response) => {
      response.setHeader('content-encoding', 'gzip');
      const gzip = createGzip({ level: 1 });
      gzip.pipe(response);
      response.on('error', () => {}).on('close', () => gzip.destroy());
      gzip.on('error', () => {});
      gzip.write('{"items":[{"id":"');
      while (!response.destroyed && !gzip.destroyed) {
        if (!gzip.write(Buffer.alloc(MB, 0x41))) await roomIn(gzip);
      }
    },
    outcome: 'source.too-large',
  },
  {
    kind: 'http',
    name: 'XML of thirty megabytes in small elements',
    source: { ...LIST, list: { path: '/r', format: 'xml', recordPath: 'Report.Entry' } },
    answer: async (response) => {
      response.write('<Report>');
      await pipeline(repeated('<Entry><id>1</id></Entry>', 1_200_000), response, { end: false });
      response.end('</Report>');
    },
    outcome: 'source.too-large',
  },
  {
    kind: 'http',
    name: 'XML of as many elements as are read',
    source: { ...LIST, list: { path: '/r', format: 'xml', recordPath: 'Report.Entry' } },
    answer: async (response) => {
      response.write('<Report>');
      await pipeline(repeated('<Entry><id>1</id></Entry>', 62_000), response, { end: false });
      response.end('</Report>');
    },
    outcome: '62000 read, 0 rejected',
  },
  {
    kind: 'http',
    name: 'CSV that never ends its first line',
    source: { list: { path: '/r.csv', format: 'csv' }, limits: { megabytes: 16 } },
    answer: (response) => endless(response, 'id,', 'x'),
    outcome: 'source.too-large',
  },
];

export const pathIn = (dir: string): string => join(dir, 'workers');
