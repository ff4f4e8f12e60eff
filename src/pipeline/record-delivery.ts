// Records that somebody handed over, as a delivery of their own: a webhook's record takes the way of every row.
import { assert } from '../base/assert.ts';
import type { Instant } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Delivery, ReadRow, Scan } from '../sources/source.ts';

/** Characters of a row's digest: the first half of SHA-256. */
const DIGEST_CHARS = 32;

export interface ToldRecord {
  readonly record: RawRecord;
  /** When the record was so. */
  readonly asOf: Instant;
}

/** @param told at least one, all with the same columns; their places count from 1. */
export function recordDelivery(name: string, told: readonly ToldRecord[]): Delivery {
  const [first] = told;
  assert(first !== undefined, 'a delivery of records has one');
  const digests = told.map(({ record }) => sha256(canonicalJson(record)));
  const digest = digests.length === 1 ? (digests[0] ?? '') : sha256(digests.join('\n'));
  const rows = told.map(
    ({ record, asOf }, index): ReadRow => ({
      place: { record: index + 1 },
      digest: (digests[index] ?? '').slice(0, DIGEST_CHARS),
      fault: null,
      record,
      asOf,
    }),
  );
  const scan: Scan = {
    rows: rows.length,
    unknownRows: rows.length,
    knownSeen: new Uint8Array(0),
    completeness: { strength: 'weak', proof: 'told by themselves' },
    contentDigest: digest,
  };
  return {
    id: digest,
    name,
    asOf: told.reduce((latest, { asOf }) => (asOf > latest ? asOf : latest), first.asOf),
    content: 'delta',
    columns: Object.keys(first.record),
    format: 'record',
    contentDigest: async () => digest,
    scan: async () => scan,
    async *read() {
      yield rows;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
