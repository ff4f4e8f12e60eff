// Second pass: parses the rows that are new or wanted again, and nothing else.
import { createHash } from 'node:crypto';
import { type Fault, Problem } from '../../base/problem.ts';
import type { ReadRow } from '../source.ts';
import { type FeedShape, textOf } from './feed-shape.ts';
import type { ScanResult } from './scan.ts';
import { DIGEST_BYTES, digestInto, ROW_BYTES_MAX } from './splitter.ts';
import { type OpenFile, walk } from './walk.ts';

/** Rows in one batch; what is made of them is gone before the collector would take it for something that stays. */
const BATCH_ROWS_MAX = 25;
/** Bytes of the rows waiting for a batch: a few huge rows must not wait for many of their kind. */
const BATCH_BYTES_MAX = 4_194_304;

/** A row as split; `text` is null for one that was too long to keep. */
interface SplitRow {
  readonly text: string | null;
  readonly digest: string;
  readonly line: number;
  readonly row: number;
}

/** @throws Problem `feed.changed` after the last full batch when the bytes are not those of the scan: then nothing read counts. */
export async function* readRows(
  file: OpenFile,
  shape: FeedShape,
  scanned: ScanResult,
  alsoKnown: ReadonlySet<number>,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadRow[]> {
  if (scanned.scan.unknownRows === 0 && alsoKnown.size === 0) return;
  const content = createHash('sha256');
  const digest = Buffer.alloc(DIGEST_BYTES);
  let waiting: SplitRow[] = [];
  let waitingBytes = 0;
  let row = -1;
  const take = (text: string | null): void => {
    waiting.push({ text, digest: digest.toString('hex'), line: splitter.recordLine, row });
    waitingBytes += text?.length ?? 0;
  };
  const splitter = shape.split({
    record: (bytes, start, end) => {
      row++;
      if (row >= scanned.scan.rows) return; // The trailer.
      const index = scanned.indexes.at(row);
      if (index >= 0 && !alsoKnown.has(index)) return;
      digestInto(digest, bytes, start, end);
      take(textOf(bytes, start, end));
    },
    overlong: (whole) => {
      row++;
      digest.set(whole);
      take(null);
    },
  });
  for await (const _ of walk(file, shape.encoding, splitter, signal, (chunk) => content.update(chunk))) {
    while (waiting.length > BATCH_ROWS_MAX || waitingBytes > BATCH_BYTES_MAX) {
      const batch = waiting.slice(0, BATCH_ROWS_MAX);
      waiting = waiting.slice(BATCH_ROWS_MAX);
      waitingBytes = waiting.reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
      yield parsed(batch, file, shape, scanned);
    }
  }
  if (content.digest('hex') !== scanned.scan.contentDigest) throw changedFeed(file.name);
  while (waiting.length > 0) yield parsed(waiting.splice(0, BATCH_ROWS_MAX), file, shape, scanned);
}

export const changedFeed = (name: string): Problem =>
  new Problem({
    code: 'feed.changed',
    message: 'The file changed while it was being read, so nothing of it counts.',
    hint: 'it is read again at the next look; write feeds under another name and rename them',
    place: { file: name },
  });

function parsed(batch: readonly SplitRow[], file: OpenFile, shape: FeedShape, scanned: ScanResult): ReadRow[] {
  const texts = batch.flatMap(({ text }) => (text === null ? [] : [text]));
  const results = shape.parse(texts)[Symbol.iterator]();
  return batch.map(({ text, digest, line, row }) => {
    const place = { file: file.name, line, record: row + 1 };
    const result = text === null ? null : (results.next().value ?? null);
    const fault = row === scanned.cutRow ? CUT : result === null ? TOO_LONG : result.fault;
    if (fault === null) return { place, digest, fault, record: result?.record ?? null };
    const whole = { ...fault, place: { ...place, ...fault.place } };
    return { place: whole.place, digest, fault: whole, record: null };
  });
}

const TOO_LONG: Fault = {
  code: 'row.too-long',
  message: `This row is longer than ${ROW_BYTES_MAX} bytes.`,
  hint: 'look for a quote that is never closed',
};

const CUT: Fault = {
  code: 'row.cut',
  message: 'The file ends inside this row: it lacks the end of line that closes all others.',
  hint: 'end the file with a line end, add a marker or checksum, or set finalNewline: false',
};
