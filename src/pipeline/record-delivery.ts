// One record that somebody handed over, as a delivery of its own: a webhook's record takes the way of every row.
import type { Instant } from '../base/instant.ts';
import { canonicalJson } from '../base/json.ts';
import type { RawRecord } from '../mapping/bound-mapping.ts';
import { sha256 } from '../runtime/hash.ts';
import type { Delivery, ReadRow, Scan } from '../sources/source.ts';

/** Characters of a row's digest: the first half of SHA-256. */
const DIGEST_CHARS = 32;

/** @param asOf when the record was so. */
export function recordDelivery(name: string, record: RawRecord, asOf: Instant): Delivery {
  const digest = sha256(canonicalJson(record));
  const row: ReadRow = { place: { record: 1 }, digest: digest.slice(0, DIGEST_CHARS), fault: null, record };
  const scan: Scan = {
    rows: 1,
    unknownRows: 1,
    knownSeen: new Uint8Array(0),
    completeness: { strength: 'weak', proof: 'one record' },
    contentDigest: digest,
  };
  return {
    id: digest,
    name,
    asOf,
    content: 'delta',
    columns: Object.keys(record),
    format: 'record',
    contentDigest: async () => digest,
    scan: async () => scan,
    async *read() {
      yield [row];
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
