// The rows of a look as a Delivery: read like JSON Lines, with the proof that the look found.
import { assert } from '../../base/assert.ts';
import type { Instant } from '../../base/instant.ts';
import { Problem } from '../../base/problem.ts';
import { contentDigestOf } from '../file/content-digest.ts';
import { encodingOf } from '../file/encoding.ts';
import { type FeedShape, shapeOf } from '../file/feed-shape.ts';
import { LineSplitter } from '../file/line-splitter.ts';
import { readRows } from '../file/rows.ts';
import { type ScanResult, scanFile } from '../file/scan.ts';
import type { OpenFile } from '../file/walk.ts';
import type { Completeness, Delivery } from '../source.ts';
import { readLine } from './records.ts';
import type { RowSpool } from './row-spool.ts';

/** What a look brought, ready to be split. */
export interface Rows {
  readonly spool: RowSpool;
  readonly file: OpenFile;
  readonly shape: FeedShape;
  readonly completeness: Completeness;
}

export interface DeliveryHead {
  readonly id: string;
  readonly name: string;
  readonly asOf: Instant;
  readonly content: 'snapshot' | 'delta';
  readonly watermark?: string;
  readonly minRows?: number;
}

const UTF8 = encodingOf(new Uint8Array(), 'utf-8');

/** @param format canonical text of the requests: whatever they bring is read by it. */
export const jsonShape = (columns: readonly string[], format: string): FeedShape => ({
  encoding: UTF8,
  columns,
  format,
  csv: null,
  split: (rows) => new LineSplitter(rows),
  parse: (texts) => texts.map(readLine),
});

/** The shape of CSV, from its header. @throws Problem where the header is at fault. */
export async function csvShape(file: OpenFile, format: string, signal: AbortSignal): Promise<FeedShape> {
  const settings = {
    format: 'csv',
    content: 'snapshot',
    encoding: 'utf-8',
    separator: null,
    quote: '"',
    recordPath: null,
  } as const;
  const shape = await shapeOf(file, settings, signal);
  return { ...shape, format: `${shape.format} ${format}` };
}

/** What is known of an answer before it is read: that it is the one of the look before. */
export interface Known {
  readonly columns: readonly string[];
  readonly format: string;
  readonly contentDigest: string;
}

export type RowsOrKnown =
  | { readonly rows: Rows; readonly known: null; readonly reopen: null }
  /** The source said that nothing changed since: rows are asked for only where somebody has to be judged again. */
  | { readonly rows: null; readonly known: Known; readonly reopen: (signal: AbortSignal) => Promise<Rows> };

/** @param told the digest of the rows, as soon as it is known. */
export function rowsDelivery(
  head: DeliveryHead,
  { rows, known, reopen }: RowsOrKnown,
  told: (contentDigest: string) => void = () => {},
): Delivery {
  const { columns, format } = rows === null ? known : rows.shape;
  const { minRows, ...common } = head;
  let opened = rows;
  let scanned: ScanResult | null = null;
  let closed = false;
  const rowsNow = async (signal: AbortSignal): Promise<Rows> => {
    assert(!closed, 'a delivery is read after it was closed');
    opened ??= rows ?? (await reopen(signal));
    const { shape } = opened;
    if (shape.format === format && shape.columns.join() === columns.join()) return opened;
    throw new Problem({
      code: 'feed.changed',
      message: 'The source said that nothing changed, and then answered with other members.',
      hint: 'it is read again at the next look',
      place: { file: head.name },
    });
  };
  return {
    ...common,
    columns,
    format,
    contentDigest: async (signal) => {
      if (known !== null) return known.contentDigest;
      const digest = await contentDigestOf((await rowsNow(signal)).file, signal);
      told(digest);
      return digest;
    },
    scan: async (knownRows, signal) => {
      const { file, shape, completeness } = await rowsNow(signal);
      const found = await scanFile(
        file,
        shape,
        { content: head.content, complete: minRows === undefined ? {} : { minRows }, finalNewline: false },
        { proof: completeness.proof, proofs: [], promised: null },
        knownRows,
        signal,
      );
      const proven = completeness.strength === 'strong' ? completeness : found.scan.completeness;
      scanned = { ...found, scan: { ...found.scan, completeness: proven } };
      told(found.scan.contentDigest);
      return scanned.scan;
    },
    read: (alsoKnown, signal) => {
      assert(scanned !== null && opened !== null, 'a delivery is read before it was scanned');
      return readRows(opened.file, opened.shape, scanned, alsoKnown, signal);
    },
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      await opened?.spool[Symbol.asyncDispose]();
    },
  };
}
