// From an open file to a Delivery: its shape is known, its rows are still to be split. The bytes may lie on this machine or be a
// copy of what lies elsewhere.
import { assert } from '../../base/assert.ts';
import type { Instant } from '../../base/instant.ts';
import type { Delivery } from '../source.ts';
import { keepsPromises, type Promised } from './checksum.ts';
import { contentDigestOf } from './content-digest.ts';
import { type ShapeSettings, shapeOf } from './feed-shape.ts';
import { readRows } from './rows.ts';
import { type CompleteSettings, type ScanResult, scanFile } from './scan.ts';
import type { OpenFile } from './walk.ts';

export interface ReadSettings extends ShapeSettings {
  readonly complete: CompleteSettings;
  /** False where the feed's files end without a line end. Null and true: a last row without one is taken for cut, unless strong proof says otherwise. */
  readonly finalNewline?: boolean | null;
}

export interface DeliveryParts {
  /** The feed itself, out of any wrapping. */
  readonly file: OpenFile;
  readonly settings: ReadSettings;
  readonly id: string;
  readonly asOf: Instant;
  /** What the look proved: the marker, or how long the file stood still. */
  readonly readyProof: string;
  /** What else is proven already: strong. */
  readonly proofs: readonly string[];
  /** Checksums of `file` that are still to be compared. */
  readonly promised: readonly Promised[];
  /** Throws a Problem when the bytes are no longer those that were opened. */
  readonly unchanged: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly accepted?: Delivery['accepted'];
  readonly writtenAt?: Delivery['writtenAt'];
}

/** Reads as much as the shape needs. @throws Problem when the feed is empty or its header is at fault; `close` is the caller's then. */
export async function openDelivery(parts: DeliveryParts, signal: AbortSignal): Promise<Delivery> {
  const { file, settings, id, asOf, accepted, writtenAt } = parts;
  const shape = await shapeOf(file, settings, signal);
  const sha256 = parts.promised.find(({ algorithm }) => algorithm === 'sha256');
  const others = parts.promised.filter((one) => one !== sha256);
  let scanned: ScanResult | null = null;
  let closed = false;
  return {
    id,
    name: file.name,
    asOf,
    ...(writtenAt === undefined ? {} : { writtenAt }),
    content: settings.content,
    columns: shape.columns,
    format: shape.format,
    contentDigest: (aborted) => contentDigestOf(file, aborted),
    scan: async (known, aborted) => {
      const proofs = [...parts.proofs, ...(await keepsPromises(file, others, aborted))];
      scanned = await scanFile(
        file,
        shape,
        { ...settings, finalNewline: settings.finalNewline !== false },
        { proof: parts.readyProof, proofs, promised: sha256 ?? null },
        known,
        aborted,
      );
      await parts.unchanged();
      return scanned.scan;
    },
    read: (alsoKnown, aborted) => {
      assert(scanned !== null, 'a delivery is read before it was scanned');
      return readRows(file, shape, scanned, alsoKnown, aborted);
    },
    ...(accepted === undefined ? {} : { accepted }),
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      await parts.close();
    },
  };
}
