// Recomputes the chain from its first entry on. Trusts no column that the hash does not cover.
import type { EntryBody, EntryReader, EntryRow } from './audit.ts';
import { CHAIN_START, chainHash, personalHash } from './audit.ts';
import type { Verification } from './door.ts';
import type { Sql } from './sql.ts';

/** One read and its hashes keep the event loop busy for about 5 ms. */
const VERIFY_BATCH = 500;
const PROGRESS_EVERY = 10_000;

export async function verifyChain(
  sql: Sql,
  reader: EntryReader,
  onProgress: (done: number, total: number) => void,
): Promise<Verification> {
  const head = sql.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit_head').get();
  const strays = sql.prepare<[], { seq: number | null }>(
    'SELECT min(seq) AS seq FROM personal WHERE seq NOT IN (SELECT seq FROM entries)',
  );
  const stray = strays.get()?.seq ?? null;
  const total = head?.seq ?? 0;
  let entries = 0;
  let erased = 0;
  let last = CHAIN_START;
  const broken = (brokenAt: number, reason: string): Verification => ({
    ok: false,
    entries,
    erased,
    head: last,
    brokenAt,
    reason,
  });

  for (;;) {
    // Up to the head as it was at the start: a daemon may be appending meanwhile.
    const rows = entries >= total ? [] : reader.rowsAfter(entries, Math.min(VERIFY_BATCH, total - entries));
    if (rows.length === 0) break;
    for (const row of rows) {
      const reason = faultOf(row, entries + 1, last);
      if (reason !== null) return broken(entries + 1, reason);
      if (row.personal === null && (JSON.parse(row.body) as EntryBody).personal !== undefined) erased += 1;
      entries = row.seq;
      last = row.hash;
    }
    if (Math.floor(entries / PROGRESS_EVERY) > Math.floor((entries - rows.length) / PROGRESS_EVERY))
      onProgress(entries, total);
    await new Promise(setImmediate);
  }
  if (head === undefined) return broken(entries + 1, 'the record of where the chain ends is gone');
  if (entries < head.seq) return broken(entries + 1, `entries ${entries + 1} to ${head.seq} are gone`);
  if (last !== head.hash) return broken(entries, 'the last entry is not the one the chain ended with');
  if (stray !== null) return broken(stray, 'personal values belong to no entry');
  onProgress(entries, total);
  return { ok: true, entries, erased, head: last };
}

function faultOf(row: EntryRow, expectedSeq: number, previousHash: string): string | null {
  if (row.seq !== expectedSeq) return `entry ${expectedSeq} is gone`;
  if (row.prev_hash !== previousHash) return 'it does not follow the entry before it';
  if (row.hash !== chainHash(previousHash, row.body)) return 'its text is not the one that was hashed';
  const body = JSON.parse(row.body) as EntryBody;
  if (row.filed !== null && (body.worker !== row.filed_key || body.connection !== row.filed_connection)) {
    return 'it is filed under another worker';
  }
  if (row.personal === null || row.salt === null) return null;
  if (body.personal === undefined) return 'personal values were added to it';
  if (personalHash(row.salt, row.personal) !== body.personal)
    return 'its personal values are not the ones that were hashed';
  return null;
}
