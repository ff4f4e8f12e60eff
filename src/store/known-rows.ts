// Fingerprints in memory: digests one after the other in one buffer, found through an open-addressing table of indexes.
// No object per row: 300,000 rows take about 12 MB and no work of the garbage collector.
import { assert } from '../base/assert.ts';

export const DIGEST_BYTES = 16;
/** A mark is a number below 65,536, least significant byte first. */
export const MARK_BYTES = 2;
const EMPTY = -1;

export interface KnownTable {
  readonly size: number;
  readonly employmentCount: number;
  readonly indexOf: (digest: Uint8Array) => number;
  /** Number of the employment that the row of this index led to. */
  readonly employmentAt: (index: number) => number;
  /** What the row of this index adds to the shape of a delivery. */
  readonly markAt: (index: number) => number;
  /** First index and the one after the last of an employment's rows. */
  readonly rangeOf: (employment: number) => readonly [number, number];
  readonly hasEmployment: (employment: number) => boolean;
  /** Employments none of whose rows is marked in `seen` (one bit per index), in batches. */
  readonly unseenEmployments: (seen: Uint8Array, batch: number) => Iterable<readonly number[]>;
}

export interface KnownTableBuilder {
  /** Employments come in ascending order, each with its digests one after the other, and as many marks. */
  readonly add: (employment: number, digests: Uint8Array, marks: Uint8Array) => void;
  readonly build: () => KnownTable;
}

export function knownTableBuilder(rowsExpected: number): KnownTableBuilder {
  let digests = new Uint8Array(Math.max(rowsExpected, 16) * DIGEST_BYTES);
  let employments = new Float64Array(Math.max(rowsExpected, 16));
  let marks = new Uint16Array(Math.max(rowsExpected, 16));
  let size = 0;
  let employmentCount = 0;

  const grow = () => {
    const more = new Uint8Array(digests.length * 2);
    more.set(digests);
    digests = more;
    const moreEmployments = new Float64Array(employments.length * 2);
    moreEmployments.set(employments);
    employments = moreEmployments;
    const moreMarks = new Uint16Array(marks.length * 2);
    moreMarks.set(marks);
    marks = moreMarks;
  };

  return {
    add: (employment, bytes, markBytes) => {
      assert(bytes.length * MARK_BYTES === markBytes.length * DIGEST_BYTES, 'every row has its mark');
      assert(size === 0 || employment > (employments[size - 1] ?? 0), 'employments come in ascending order');
      employmentCount += 1;
      for (let from = 0; from < bytes.length; from += DIGEST_BYTES) {
        if (size === employments.length) grow();
        const at = size * DIGEST_BYTES;
        for (let byte = 0; byte < DIGEST_BYTES; byte += 1) digests[at + byte] = bytes[from + byte] as number;
        employments[size] = employment;
        const mark = (from / DIGEST_BYTES) * MARK_BYTES;
        marks[size] = (markBytes[mark] as number) | ((markBytes[mark + 1] as number) << 8);
        size += 1;
      }
    },
    build: () =>
      tableOf(
        digests.subarray(0, size * DIGEST_BYTES),
        employments.subarray(0, size),
        marks.subarray(0, size),
        employmentCount,
      ),
  };
}

function tableOf(
  digests: Uint8Array,
  employments: Float64Array,
  marks: Uint16Array,
  employmentCount: number,
): KnownTable {
  const size = employments.length;
  // At most half full: a look-up of a stranger meets 1.5 slots on average.
  const slotCount = 2 ** Math.max(4, Math.ceil(Math.log2(size * 2 + 1)));
  const mask = slotCount - 1;
  const slots = new Int32Array(slotCount).fill(EMPTY);

  // SHA-256 is evenly spread: its first four bytes serve as the hash.
  const slotOf = (bytes: Uint8Array, at: number): number =>
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) &
    mask;
  const equal = (at: number, bytes: Uint8Array, from: number): boolean => {
    for (let byte = 0; byte < DIGEST_BYTES; byte += 1) if (digests[at + byte] !== bytes[from + byte]) return false;
    return true;
  };

  for (let index = 0; index < size; index += 1) {
    let slot = slotOf(digests, index * DIGEST_BYTES);
    while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    slots[slot] = index;
  }

  /** The first index whose employment is not below this one. */
  const lowerBound = (employment: number): number => {
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((employments[middle] as number) < employment) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    size,
    employmentCount,
    indexOf: (digest) => {
      let slot = slotOf(digest, 0);
      for (;;) {
        const index = slots[slot] as number;
        if (index === EMPTY) return -1;
        if (equal(index * DIGEST_BYTES, digest, 0)) return index;
        slot = (slot + 1) & mask;
      }
    },
    employmentAt: (index) => {
      assert(index >= 0 && index < size, `there is a known row ${index}`);
      return employments[index] as number;
    },
    markAt: (index) => {
      assert(index >= 0 && index < size, `there is a known row ${index}`);
      return marks[index] as number;
    },
    rangeOf: (employment) => [lowerBound(employment), lowerBound(employment + 1)],
    hasEmployment: (employment) => employments[lowerBound(employment)] === employment,
    *unseenEmployments(seen, batch) {
      let unseen: number[] = [];
      let index = 0;
      while (index < size) {
        const employment = employments[index] as number;
        let anySeen = false;
        for (; index < size && employments[index] === employment; index += 1) {
          if (((seen[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) anySeen = true;
        }
        if (anySeen) continue;
        unseen.push(employment);
        if (unseen.length < batch) continue;
        yield unseen;
        unseen = [];
      }
      if (unseen.length > 0) yield unseen;
    },
  };
}
