// What further sources say, by their own keys, and which of it the workers have not been judged with yet.
import type { FactsChange, FurtherRead, GivenValues } from '../planning/changeset.ts';
import { type KnownTable, knownTableBuilder, MARK_BYTES } from './known-rows.ts';
import type { Sql } from './sql.ts';

/** Rows read in one go. */
const LOAD_BATCH = 5_000;

interface FactRow {
  readonly key: string;
  readonly digest: Buffer;
}

export interface Facts {
  readonly apply: (connection: number, change: FactsChange) => void;
  readonly find: (connection: number, source: string, key: string) => GivenValues | null;
  /** Lower-case hex; null where the key is not known. */
  readonly digestOf: (connection: number, source: string, key: string) => string | null;
  /** Keys whose workers are to be judged, in order, after `after`. */
  readonly due: (connection: number, source: string, after: string, limit: number) => readonly string[];
  readonly anyDue: (connection: number) => boolean;
  /** The digests of all rows on file. */
  readonly table: (connection: number, source: string) => Promise<KnownTable>;
  readonly read: (connection: number, source: string) => FurtherRead | null;
  readonly all: (connection: number) => readonly { readonly source: string; readonly read: FurtherRead }[];
}

export function factsOf(sql: Sql): Facts {
  // Only what differs has to be judged again: a new header makes every digest new, and no value.
  const save = sql.prepare<[number, string, string, Buffer, string]>(
    `INSERT INTO facts (connection_id, source, key, digest, body, due) VALUES (?, ?, ?, ?, ?, 1)
     ON CONFLICT (connection_id, source, key) DO UPDATE
     SET digest = excluded.digest, body = excluded.body, due = CASE WHEN body = excluded.body THEN due ELSE 1 END`,
  );
  const judged = sql.prepare<[number, string, string]>(
    'UPDATE facts SET due = 0 WHERE connection_id = ? AND source = ? AND key = ? AND due = 1',
  );
  const find = sql
    .prepare<[number, string, string], string>(
      'SELECT body FROM facts WHERE connection_id = ? AND source = ? AND key = ?',
    )
    .pluck();
  const digest = sql
    .prepare<[number, string, string], Buffer>(
      'SELECT digest FROM facts WHERE connection_id = ? AND source = ? AND key = ?',
    )
    .pluck();
  const due = sql
    .prepare<[number, string, string, number], string>(
      'SELECT key FROM facts WHERE connection_id = ? AND source = ? AND key > ? AND due = 1 ORDER BY key LIMIT ? + 0',
    )
    .pluck();
  const anyDue = sql
    .prepare<[number], number>('SELECT 1 FROM facts WHERE connection_id = ? AND due = 1 LIMIT 1')
    .pluck();
  const page = sql.prepare<[number, string, string, number], FactRow>(
    'SELECT key, digest FROM facts WHERE connection_id = ? AND source = ? AND key > ? ORDER BY key LIMIT ? + 0',
  );
  const saveRead = sql.prepare<[number, string, string]>(
    `INSERT INTO further_sources (connection_id, source, body) VALUES (?, ?, ?)
     ON CONFLICT (connection_id, source) DO UPDATE SET body = excluded.body`,
  );
  const read = sql
    .prepare<[number, string], string>('SELECT body FROM further_sources WHERE connection_id = ? AND source = ?')
    .pluck();
  const all = sql.prepare<[number], { source: string; body: string }>(
    'SELECT source, body FROM further_sources WHERE connection_id = ? ORDER BY source',
  );
  const noMark = Buffer.alloc(MARK_BYTES);

  return {
    apply: (connection, { source, changed = [], judged: keys = [], read: last }) => {
      for (const fact of changed) {
        save.run(connection, source, fact.key, Buffer.from(fact.digest, 'hex'), JSON.stringify(fact.attributes));
      }
      for (const key of keys) judged.run(connection, source, key);
      if (last !== undefined) saveRead.run(connection, source, JSON.stringify(last));
    },
    find: (connection, source, key) => {
      const body = find.get(connection, source, key);
      return body === undefined ? null : (JSON.parse(body) as GivenValues);
    },
    digestOf: (connection, source, key) => digest.get(connection, source, key)?.toString('hex') ?? null,
    due: (connection, source, after, limit) => due.all(connection, source, after, limit),
    anyDue: (connection) => anyDue.get(connection) !== undefined,
    table: async (connection, source) => {
      const builder = knownTableBuilder(0);
      let number = 0;
      for (let after = ''; ; ) {
        const rows = page.all(connection, source, after, LOAD_BATCH);
        for (const row of rows) {
          number += 1;
          builder.add(number, row.digest, noMark);
        }
        const last = rows.at(-1);
        if (last === undefined || rows.length < LOAD_BATCH) return builder.build();
        after = last.key;
        await new Promise(setImmediate);
      }
    },
    read: (connection, source) => {
      const body = read.get(connection, source);
      return body === undefined ? null : (JSON.parse(body) as FurtherRead);
    },
    all: (connection) =>
      all.all(connection).map(({ source, body }) => ({ source, read: JSON.parse(body) as FurtherRead })),
  };
}
