// Which rows led to which employment, under one context per connection. A new context opens a new generation: the old
// rows can no longer be read from that commit on, and are deleted later in slices.
import { assert } from '../base/assert.ts';
import type { FingerprintChange } from '../planning/changeset.ts';
import { DIGEST_BYTES, type KnownTable, type KnownTableBuilder, knownTableBuilder, MARK_BYTES } from './known-rows.ts';
import type { Sql } from './sql.ts';

/** Rows read in one go: about 5 ms of work. */
const LOAD_BATCH = 5_000;

interface PageWithout {
  readonly ids: readonly string[];
  readonly last: string | null;
}

/** One page of rows; employments and lengths are separated by commas, digests follow each other as hex, and so do marks. */
interface PackedPage {
  readonly count: number;
  readonly last: number;
  readonly employments: string;
  readonly lengths: string;
  readonly digests: string;
  readonly marks: string;
}

export interface Fingerprints {
  /** The generation to write into under this context, opened where it is new; null keeps the present one. */
  readonly generationFor: (connection: number, context: string | null) => number;
  /** Whether rows of this connection were ever recognised by anything. */
  readonly any: (connection: number) => boolean;
  readonly save: (generation: number, employment: number, change: FingerprintChange) => void;
  readonly load: (connection: number, context: string) => Promise<KnownTable>;
  /**
   * Of the next `limit` employments after `after` in the order of their ids, those that `table` holds no row of; `last` is
   * where to go on, null at the end.
   */
  readonly without: (connection: number, table: KnownTable, after: string, limit: number) => PageWithout;
  readonly employmentCount: (connection: number) => number;
  /** Deletes at most `limit` unusable rows; false when none are left. */
  readonly sweep: (limit: number) => boolean;
}

export function fingerprintsOf(sql: Sql): Fingerprints {
  const current = sql.prepare<[number], { id: number; context: string }>(
    'SELECT id, context FROM fingerprint_generations WHERE connection_id = ? AND current = 1',
  );
  const retire = sql.prepare<[number]>(
    'UPDATE fingerprint_generations SET current = 0 WHERE connection_id = ? AND current = 1',
  );
  const open = sql.prepare<[number, string]>(
    'INSERT INTO fingerprint_generations (connection_id, context, current) VALUES (?, ?, 1)',
  );
  const save = sql.prepare<[number, number, Buffer, Buffer]>(
    `INSERT INTO fingerprints (generation, employment, digests, marks) VALUES (?, ?, ?, ?)
     ON CONFLICT (generation, employment) DO UPDATE SET digests = excluded.digests, marks = excluded.marks`,
  );
  const remove = sql.prepare<[number, number]>('DELETE FROM fingerprints WHERE generation = ? AND employment = ?');
  // Packed into four texts: an object and a Buffer for each row would cost twice as much.
  const page = sql.prepare<[number, number, number], PackedPage>(
    `SELECT count(*) AS count, max(employment) AS last, group_concat(employment) AS employments,
       group_concat(length(digests)) AS lengths, group_concat(hex(digests), '') AS digests,
       group_concat(hex(marks), '') AS marks
     FROM (SELECT employment, digests, marks FROM fingerprints WHERE generation = ? AND employment > ? ORDER BY employment LIMIT ?)`,
  );
  const employments = sql
    .prepare<[number, string, number], [number, string]>(
      'SELECT id, employment_id FROM employments WHERE connection_id = ? AND employment_id > ? ORDER BY employment_id LIMIT ?',
    )
    .raw();
  const employmentCount = sql.prepare<[number], { count: number }>(
    'SELECT count(*) AS count FROM employments WHERE connection_id = ?',
  );
  const last = sql.prepare<[number], { employment: number | null }>(
    'SELECT max(employment) AS employment FROM fingerprints WHERE generation = ?',
  );
  const stale = sql.prepare<[], { id: number }>('SELECT id FROM fingerprint_generations WHERE current = 0 LIMIT 1');
  const sweep = sql.prepare<[number, number, number]>(
    `DELETE FROM fingerprints WHERE generation = ? AND employment IN
       (SELECT employment FROM fingerprints WHERE generation = ? LIMIT ?)`,
  );
  const drop = sql.prepare<[number]>('DELETE FROM fingerprint_generations WHERE id = ?');

  return {
    generationFor: (connection, context) => {
      const present = current.get(connection);
      if (present !== undefined && (context === null || context === present.context)) return present.id;
      assert(context !== null, 'fingerprints are taken under a context');
      retire.run(connection);
      return Number(open.run(connection, context).lastInsertRowid);
    },
    any: (connection) => current.get(connection) !== undefined,
    save: (generation, employment, change) => {
      if (change.digests.length === 0) {
        remove.run(generation, employment);
        return;
      }
      const { digests, marks } = fingerprintBytes(change);
      save.run(generation, employment, digests, marks);
    },
    load: async (connection, context) => {
      const generation = current.get(connection);
      if (generation === undefined || generation.context !== context) return knownTableBuilder(0).build();
      const builder = knownTableBuilder(Math.min(last.get(generation.id)?.employment ?? 0, 1_000_000));
      let after = 0;
      for (;;) {
        const packed = page.get(generation.id, after, LOAD_BATCH);
        if (packed === undefined || packed.count === 0) return builder.build();
        unpack(packed, builder);
        if (packed.count < LOAD_BATCH) return builder.build();
        after = packed.last;
        await new Promise(setImmediate);
      }
    },
    employmentCount: (connection) => employmentCount.get(connection)?.count ?? 0,
    without: (connection, table, after, limit) => {
      const rows = employments.all(connection, after, limit) as unknown as readonly [number, string][];
      const ids = rows.filter(([employment]) => !table.hasEmployment(employment)).map(([, id]) => id);
      return { ids, last: rows.length < limit ? null : (rows.at(-1)?.[1] ?? null) };
    },
    sweep: (limit) => {
      const generation = stale.get();
      if (generation === undefined) return false;
      if (sweep.run(generation.id, generation.id, limit).changes === 0) drop.run(generation.id);
      return true;
    },
  };
}

/** As they are stored. */
export function fingerprintBytes(change: FingerprintChange): { readonly digests: Buffer; readonly marks: Buffer } {
  const digests = Buffer.from(change.digests.join(''), 'hex');
  assert(digests.length === change.digests.length * DIGEST_BYTES, 'a fingerprint is 16 bytes in hex');
  return { digests, marks: marksOf(change) };
}

function marksOf({ digests, marks }: FingerprintChange): Buffer {
  assert(marks === undefined || marks.length === digests.length, 'every row has its mark');
  const bytes = Buffer.alloc(digests.length * MARK_BYTES);
  for (const [index, mark] of (marks ?? []).entries()) bytes.writeUInt16LE(mark, index * MARK_BYTES);
  return bytes;
}

function unpack(page: PackedPage, builder: KnownTableBuilder): void {
  const lengths = page.lengths.split(',');
  const bytes = Buffer.from(page.digests, 'hex');
  const marks = Buffer.from(page.marks, 'hex');
  let from = 0;
  page.employments.split(',').forEach((employment, index) => {
    const end = from + Number(lengths[index]);
    const at = (offset: number) => (offset / DIGEST_BYTES) * MARK_BYTES;
    builder.add(Number(employment), bytes.subarray(from, end), marks.subarray(at(from), at(end)));
    from = end;
  });
}
