// After an edit of the connection file: what a delivery would look like under the mapping of the last good one. Only so can the two be
// compared: other words for status or department are the edit's doing, and neither hide nor feign that the feed has changed.
import type { Instant } from '../base/instant.ts';
import type { Place } from '../base/problem.ts';
import type { BoundMapping, RawRecord } from '../mapping/bound-mapping.ts';
import { readConnection } from '../mapping/connection-file.ts';
import { FeedMarks } from '../planning/feed-marks.ts';
import type { FeedShape } from '../planning/seal.ts';
import { sha256 } from '../runtime/hash.ts';
import type { House } from './house.ts';
import { markOf } from './row-marks.ts';

export class EarlierMarks {
  readonly #mapping: BoundMapping;
  readonly #marks = new FeedMarks([]);
  readonly #counts = new Map<number, number>();

  constructor(mapping: BoundMapping) {
    this.#mapping = mapping;
  }

  /** Every row that was read, once; null for one that could not be. */
  count(record: RawRecord | null, place: Place, asOf: Instant): void {
    const mark =
      record === null
        ? this.#marks.numberOf('', '', [])
        : markOf(this.#marks, this.#mapping.readColumns, record, this.#mapping.toEmployment(record, place, asOf));
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  shape(rows: number): FeedShape {
    return this.#marks.shape(rows, this.#counts, this.#mapping.readColumns);
  }
}

/**
 * Null where the last good delivery was read by the mapping of today, and where nothing can be read by its mapping any more: then
 * the delivery is compared as it is, and a person releases what an edit has changed.
 */
export async function earlierMarks(
  house: House,
  sealedUnder: string | undefined,
  today: BoundMapping,
  columns: readonly string[],
): Promise<EarlierMarks | null> {
  if (sealedUnder === undefined || sealedUnder === today.digest) return null;
  const archived = await house.store.mapping(sealedUnder);
  if (archived === null) return null;
  const read = readConnection('archived', archived, { sha256 });
  if ('faults' in read) return null;
  const bound = read.connection.bind(columns);
  return 'faults' in bound ? null : new EarlierMarks(bound.mapping);
}
