// First pass: splits and hashes every row without parsing one, and proves that the delivery is whole.
import { createHash } from 'node:crypto';
import type { KnownRows } from '../../base/known-rows.ts';
import { Problem } from '../../base/problem.ts';
import type { Completeness, Scan } from '../source.ts';
import { type Promised, wrongChecksum } from './checksum.ts';
import { readTrailer } from './csv-row.ts';
import { emptyFeed, type FeedShape, textOf } from './feed-shape.ts';
import { RowList } from './row-list.ts';
import { DIGEST_BYTES, digestInto, type RecordSink } from './splitter.ts';
import { type OpenFile, walk } from './walk.ts';

export interface CompleteSettings {
  /** Name of the file that says this one is finished; `*` stands for its name with or without extension. */
  readonly marker?: string;
  /** The last row is no record but counts them: it begins with `pattern`, and field `countField` (from 1) holds the count. */
  readonly trailer?: { readonly pattern: string; readonly countField: number };
  readonly minRows?: number;
}

export interface ScanSettings {
  readonly content: 'snapshot' | 'delta';
  readonly complete: CompleteSettings;
  /** False where the feed's files end without a line end; then a cut at the very end of a file cannot be seen. */
  readonly finalNewline: boolean;
}

/** What the second pass needs to know of the first. */
export interface ScanResult {
  readonly scan: Scan;
  /** One entry for each row, the trailer left out. */
  readonly indexes: RowList;
  /** The last row, when the file may have been cut inside it. */
  readonly cutRow: number | null;
}

/** @param ready what the look already proved, weakly or strongly, and the SHA-256 that is promised of these bytes. */
export async function scanFile(
  file: OpenFile,
  shape: FeedShape,
  settings: ScanSettings,
  ready: { readonly proof: string; readonly proofs: readonly string[]; readonly promised: Promised | null },
  known: KnownRows,
  signal: AbortSignal,
): Promise<ScanResult> {
  const tally = new Tally(known, settings.complete.trailer?.pattern ?? null);
  const content = createHash('sha256');
  const splitter = shape.split(tally);
  for await (const _ of walk(file, shape.encoding, splitter, signal, (chunk) => content.update(chunk)));
  const contentDigest = content.digest('hex');

  const counted = checkTrailer(tally, settings.complete, shape, file.name);
  if (ready.promised !== null && ready.promised.digest !== contentDigest) throw wrongChecksum(file.name);
  const headerCut = shape.csv !== null && splitter.unterminated;
  if (tally.rows === 0 && (settings.content === 'snapshot' || headerCut)) {
    throw emptyFeed(file.name, 'The file holds a header and no rows.');
  }
  const { minRows, marker } = settings.complete;
  if (minRows !== undefined && tally.rows < minRows) {
    const message = `The file holds ${tally.rows} rows, fewer than the ${minRows} that make it believable.`;
    throw refusal(file, 'feed.too-few-rows', message, 'send the whole feed, or lower complete.minRows');
  }
  const strong = [
    ...(marker === undefined ? [] : [ready.proof]),
    ...(counted ? [`trailer says ${tally.rows} rows`] : []),
    ...(ready.promised === null ? [] : [`checksum ${ready.promised.sidecar}`]),
    ...ready.proofs,
  ];
  const weak = [ready.proof, ...(minRows === undefined ? [] : [`at least ${minRows} rows`])];
  const completeness: Completeness =
    strong.length > 0 ? { strength: 'strong', proof: strong.join(', ') } : { strength: 'weak', proof: weak.join(', ') };
  // Bytes equal to those of a row that was accepted before are proof that this row is whole.
  const lastUnknown = tally.rows > 0 && tally.indexes.at(tally.rows - 1) < 0;
  const maybeCut =
    shape.csv !== null && splitter.unterminated && settings.finalNewline && strong.length === 0 && lastUnknown;
  return {
    scan: { rows: tally.rows, unknownRows: tally.unknownRows, knownSeen: tally.knownSeen, completeness, contentDigest },
    indexes: tally.indexes,
    cutRow: maybeCut ? tally.rows - 1 : null,
  };
}

/** Counts and looks up the rows as they come; nothing here may allocate per row. */
class Tally implements RecordSink {
  readonly #known: KnownRows;
  readonly #trailer: Buffer | null;
  readonly #digest = new Uint8Array(DIGEST_BYTES);
  readonly indexes = new RowList();
  readonly knownSeen: Uint8Array;
  unknownRows = 0;
  /** The last row that looked like the trailer. */
  trailer: { readonly row: number; readonly text: string } | null = null;

  constructor(known: KnownRows, trailer: string | null) {
    this.#known = known;
    this.#trailer = trailer === null ? null : Buffer.from(trailer);
    this.knownSeen = new Uint8Array(Math.ceil(known.size / 8));
  }

  get rows(): number {
    return this.indexes.length;
  }

  readonly record = (bytes: Uint8Array, start: number, end: number): void => {
    // A trailer changes with every delivery and may become an ordinary row when another follows: it never counts as known.
    if (this.#trailer !== null && startsWith(bytes, start, end, this.#trailer)) {
      this.trailer = { row: this.rows, text: textOf(bytes, start, end) };
      this.overlong();
      return;
    }
    digestInto(this.#digest, bytes, start, end);
    const index = this.#known.indexOf(this.#digest);
    if (index < 0) {
      this.overlong();
      return;
    }
    this.knownSeen[index >> 3] = (this.knownSeen[index >> 3] as number) | (1 << (index & 7));
    this.indexes.push(index);
  };

  /** An unknown row, whatever its bytes. */
  readonly overlong = (): void => {
    this.indexes.push(-1);
    this.unknownRows++;
  };

  dropTrailer(): void {
    this.indexes.pop();
    this.unknownRows--;
  }
}

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

/** True when a trailer is configured and its count is the number of rows. */
function checkTrailer(tally: Tally, complete: CompleteSettings, shape: FeedShape, name: string): boolean {
  if (complete.trailer === undefined || shape.csv === null) return false;
  const place = { file: name };
  if (tally.trailer?.row !== tally.rows - 1) {
    throw new Problem({
      code: 'feed.truncated',
      message: `The last row is not the trailer that begins with ${JSON.stringify(complete.trailer.pattern)}.`,
      hint: 'send the file again, whole',
      place,
    });
  }
  tally.dropTrailer();
  const count = readTrailer(tally.trailer.text, shape.csv, complete.trailer.countField);
  if (count === tally.rows) return true;
  const says = count === null ? `holds no number in field ${complete.trailer.countField}` : `says ${count} rows`;
  throw new Problem({
    code: 'feed.trailer-count',
    message: `The trailer ${says}, and the file holds ${tally.rows}.`,
    hint: 'send the file again, whole',
    place,
  });
}

const refusal = (file: OpenFile, code: string, message: string, hint: string): Problem =>
  new Problem({ code, message, hint, place: { file: file.name } });
