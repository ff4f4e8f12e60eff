// Where sealed parts of the audit were, and the only way in which entries leave the table.
import { assert } from '../base/assert.ts';
import type { JsonObject } from '../base/json.ts';
import type { ChainRow, SealOrder, SegmentRow } from './door.ts';
import type { Sql } from './sql.ts';

export interface Segments {
  readonly all: () => readonly SegmentRow[];
  /** Entries as the chain holds them, in order, after `seq`. */
  readonly rowsAfter: (seq: number, limit: number) => readonly ChainRow[];
  /** Only inside a transaction; `entrySeq` is the number of the entry that will say so. Deletes what the segment holds. */
  readonly seal: (order: SealOrder, entrySeq: number) => void;
}

interface Row {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly first_prev: string;
  readonly last_hash: string;
  readonly manifest: string;
  readonly sig: string;
  readonly entry_seq: number;
}

export function segmentsOf(sql: Sql): Segments {
  const all = sql.prepare<[], Row>(
    'SELECT first_seq, last_seq, first_prev, last_hash, manifest, sig, entry_seq FROM segments ORDER BY first_seq',
  );
  const rows = sql.prepare<[number, number], { seq: number; prev_hash: string; hash: string; body: string }>(
    'SELECT seq, prev_hash, hash, body FROM entries WHERE seq > ? ORDER BY seq LIMIT ? + 0',
  );
  const add = sql.prepare<[number, number, string, string, string, string, number]>(
    `INSERT INTO segments (first_seq, last_seq, first_prev, last_hash, manifest, sig, entry_seq) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const gate = sql.prepare(`INSERT INTO settings (key, value) VALUES ('audit.sealing', 'true')`);
  const closeGate = sql.prepare(`DELETE FROM settings WHERE key = 'audit.sealing'`);
  const dropPersonal = sql.prepare<[number, number]>('DELETE FROM personal WHERE seq BETWEEN ? AND ?');
  const dropEntries = sql.prepare<[number, number]>('DELETE FROM entries WHERE seq BETWEEN ? AND ?');

  return {
    all: () =>
      all.all().map((row) => ({
        first: row.first_seq,
        last: row.last_seq,
        firstPrev: row.first_prev,
        lastHash: row.last_hash,
        manifest: JSON.parse(row.manifest) as JsonObject,
        sig: row.sig,
        entrySeq: row.entry_seq,
      })),
    rowsAfter: (seq, limit) =>
      rows.all(seq, limit).map((row) => ({ seq: row.seq, prev: row.prev_hash, hash: row.hash, body: row.body })),
    seal: ({ first, last, firstPrev, lastHash, manifest, sig }, entrySeq) => {
      add.run(first, last, firstPrev, lastHash, manifest, sig, entrySeq);
      gate.run();
      dropPersonal.run(first, last);
      const { changes } = dropEntries.run(first, last);
      closeGate.run();
      assert(changes === last - first + 1, 'a segment holds every entry from its first to its last');
    },
  };
}
