// Recomputes the chain from its first entry on and names every place where it is not what was written. Trusts no column that the
// hash does not cover, and goes on behind a fault: whoever looks wants to know all of them.
import type { JsonObject } from '../base/json.ts';
import type { EntryBody, EntryReader, EntryRow } from './audit.ts';
import { CHAIN_START, chainHash, personalHash } from './audit.ts';
import type { AuditFault, SegmentRow, Verification } from './door.ts';
import type { Sql } from './sql.ts';

/** One read and its hashes keep the event loop busy for about 5 ms. */
const VERIFY_BATCH = 500;
const PROGRESS_EVERY = 10_000;
/** Beyond so many the log as a whole is not to be believed. */
const FAULTS_MAX = 10_000;

/** What stands beside the entries. */
interface Beside {
  readonly segments: readonly SegmentRow[];
  readonly formerNames: ReadonlyMap<number, ReadonlySet<string>>;
}

export async function verifyChain(
  sql: Sql,
  reader: EntryReader,
  onProgress: (done: number, total: number) => void,
  signed: ReadonlyMap<number, string>,
  { segments, formerNames }: Beside = { segments: [], formerNames: new Map() },
): Promise<Verification> {
  const head = sql.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit_head').get();
  const strays = sql
    .prepare<[number], { seq: number }>(
      'SELECT seq FROM personal WHERE seq NOT IN (SELECT seq FROM entries) ORDER BY seq LIMIT ?',
    )
    .all(FAULTS_MAX);
  const total = head?.seq ?? 0;
  const faults: AuditFault[] = [];
  const sealed = segments.at(-1)?.last ?? 0;
  let good = sealed;
  let at = sealed;
  let erased = 0;
  let last = segments.at(-1)?.lastHash ?? CHAIN_START;
  // The last entry that a checkpoint and the chain agree on.
  let agreed = 0;
  const fault = (seq: number, reason: string): void => {
    if (faults.length < FAULTS_MAX) faults.push({ seq, reason });
  };

  for (const { seq, reason } of anchorFaults(segments, signed)) fault(seq, reason);
  const untold = new Map(segments.filter(({ entrySeq }) => entrySeq > sealed).map((one) => [one.entrySeq, one]));

  for (;;) {
    // Up to the head as it was at the start: a daemon may be appending meanwhile.
    const rows = at >= total ? [] : reader.rowsAfter(at, VERIFY_BATCH).filter(({ seq }) => seq <= total);
    if (rows.length === 0) break;
    const from = at;
    for (const row of rows) {
      if (row.seq !== at + 1) fault(at + 1, gone(at + 1, row.seq - 1));
      const reason = faultOf(row, row.seq === at + 1 ? last : null, formerNames);
      if (reason !== null) fault(row.seq, reason);
      else if (row.personal === null && (JSON.parse(row.body) as EntryBody).personal !== undefined) erased += 1;
      const segment = untold.get(row.seq);
      if (segment !== undefined && tells(row, segment)) untold.delete(row.seq);
      const said = signed.get(row.seq);
      if (said !== undefined && said !== row.hash)
        fault(row.seq, `a checkpoint says otherwise: the chain was rewritten after entry ${agreed}`);
      else if (said !== undefined) agreed = row.seq;
      at = row.seq;
      last = row.hash;
      if (faults.length === 0) good = row.seq;
    }
    if (Math.floor(at / PROGRESS_EVERY) > Math.floor(from / PROGRESS_EVERY)) onProgress(at, total);
    await new Promise(setImmediate);
  }
  if (head === undefined) fault(at + 1, 'the record of where the chain ends is gone');
  else if (at < head.seq) fault(at + 1, gone(at + 1, head.seq));
  else if (last !== head.hash) fault(at, 'the last entry is not the one the chain ended with');
  for (const [seq, one] of untold)
    fault(seq, `it does not say that entries ${one.first} to ${one.last} were sealed: they were deleted`);
  for (const { seq } of strays) fault(seq, 'personal values belong to no entry');
  const furthest = Math.max(0, ...signed.keys());
  if (furthest > total)
    fault(total + 1, `${gone(total + 1, furthest)}, a checkpoint says: the database is older, or was cut`);
  onProgress(at, total);
  faults.sort((a, b) => a.seq - b.seq);
  const [first] = faults;
  return {
    ok: first === undefined,
    entries: good,
    erased,
    head: last,
    faults,
    ...(sealed === 0 ? {} : { sealed }),
    ...(first === undefined ? {} : { brokenAt: first.seq, reason: first.reason }),
  };
}

/** Segments follow one another without a gap, and end with the hashes that checkpoints say. */
function anchorFaults(segments: readonly SegmentRow[], signed: ReadonlyMap<number, string>): readonly AuditFault[] {
  const faults: AuditFault[] = [];
  let last = 0;
  let hash = CHAIN_START;
  for (const one of segments) {
    const { manifest } = one;
    if (one.first !== last + 1 || one.firstPrev !== hash)
      faults.push({ seq: one.first, reason: 'its segment does not follow the one before it' });
    const same = (['first', 'last', 'firstPrev', 'lastHash'] as const).every((name) => manifest[name] === one[name]);
    if (!same) faults.push({ seq: one.first, reason: 'its segment is not the one that was signed' });
    const said = signed.get(one.last);
    if (said !== undefined && said !== one.lastHash)
      faults.push({ seq: one.last, reason: 'a checkpoint says otherwise than its segment' });
    last = one.last;
    hash = one.lastHash;
  }
  return faults;
}

/** Whether the entry says that this very segment was sealed. */
function tells({ body }: EntryRow, { first, last, lastHash, manifest }: SegmentRow): boolean {
  const said = (JSON.parse(body) as EntryBody).body;
  const wanted: JsonObject = { act: 'seal', first, last, lastHash, sha256: manifest.sha256 ?? '' };
  return Object.entries(wanted).every(([name, value]) => said[name] === value);
}

const gone = (from: number, to: number): string =>
  from === to ? `entry ${from} is gone` : `entries ${from} to ${to} are gone`;

/** `previousHash` null behind a gap, which has been said. */
function faultOf(
  row: EntryRow,
  previousHash: string | null,
  formerNames: ReadonlyMap<number, ReadonlySet<string>>,
): string | null {
  if (previousHash !== null && row.prev_hash !== previousHash) return 'it does not follow the entry before it';
  if (row.hash !== chainHash(row.prev_hash, row.body)) return 'its text is not the one that was hashed';
  const body = JSON.parse(row.body) as EntryBody;
  const misfiled = row.filed !== null && (body.worker !== row.filed_key || body.connection !== row.filed_connection);
  // An entry keeps the key of its time.
  if (misfiled && formerNames.get(row.filed ?? 0)?.has(`${body.connection} ${body.worker}`) !== true) {
    return 'it is filed under another worker';
  }
  if (row.personal === null || row.salt === null) return null;
  if (body.personal === undefined) return 'personal values were added to it';
  if (personalHash(row.salt, row.personal) !== body.personal)
    return 'its personal values are not the ones that were hashed';
  return null;
}
