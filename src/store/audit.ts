// The chain of entries. Appending happens inside the transaction that stores what the entry tells of.

import type { Instant } from '../base/instant.ts';
import type { JsonObject } from '../base/json.ts';
import { sha256Hex } from './digest.ts';
import type { Entry, EntryFilter } from './door.ts';
import type { Participant } from './group-commit.ts';
import type { Sql } from './sql.ts';
import type { WrittenEntry } from './written.ts';

/** What an entry of nothing before it follows. */
export const CHAIN_START = '0'.repeat(64);
const SALT_BYTES = 16;
/** Salts are drawn for this many entries at once: one call to the system's generator instead of hundreds. */
const SALTS_DRAWN = 256;
const EXPORT_BATCH = 1_000;

export interface Appender extends Participant {
  /** Only inside a transaction. `worker` is the number of the worker it speaks of. Returns the entry's sequence number. */
  readonly append: (entry: WrittenEntry, at: Instant, worker: number | null) => number;
  /** The number that the next entry will get. */
  readonly nextSeq: () => number;
  /** As `append`, of an entry that has been put into words already; its personal values are for the caller to store. */
  readonly appendText: (text: string, worker: number | null) => number;
  /** A salt for these personal values, and the hash that the chain covers. */
  readonly salted: (personal: string) => { readonly salt: string; readonly hash: string };
}

/**
 * The text an entry's hash is taken over: canonical JSON (keys in code-point order) of
 * `{ actor, at, body, connection, kind, personal?, worker }`. Put together by hand, since only `body` has keys to sort.
 */
export function entryText(entry: WrittenEntry, at: Instant, personalHash: string | null): string {
  const personal = personalHash === null ? '' : `,"personal":"${personalHash}"`;
  return (
    `{"actor":${JSON.stringify(entry.actor)},"at":"${at}","body":${entry.body},` +
    `"connection":${JSON.stringify(entry.connection)},"kind":${JSON.stringify(entry.kind)}${personal},` +
    `"worker":${JSON.stringify(entry.workerKey)}}`
  );
}

export const chainHash = (previousHash: string, text: string): string => sha256Hex(previousHash + text);
export const personalHash = (salt: string, text: string): string => sha256Hex(salt + text);

export function appenderOf(sql: Sql, randomBytes: (length: number) => Uint8Array): Appender {
  const readHead = sql.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit_head');
  const writeHead = sql.prepare<[number, string]>('UPDATE audit_head SET seq = ?, hash = ?');
  const insert = sql.prepare<[number, string, string, number | null, string]>(
    'INSERT INTO entries (seq, prev_hash, hash, worker, body) VALUES (?, ?, ?, ?, ?)',
  );
  const insertPersonal = sql.prepare<[number, string, string]>(
    'INSERT INTO personal (seq, salt, body) VALUES (?, ?, ?)',
  );

  // Read anew in every transaction: another process (a command without a daemon) may have written since.
  let head: { seq: number; hash: string } | null = null;
  let moved = false;
  let salts = '';
  let saltsUsed = 0;

  const present = () => {
    head ??= readHead.get() ?? null;
    if (head === null) throw new Error('bug: the audit has no head');
    return head;
  };
  const nextSalt = (): string => {
    if (saltsUsed >= salts.length) {
      salts = Buffer.from(randomBytes(SALT_BYTES * SALTS_DRAWN)).toString('hex');
      saltsUsed = 0;
    }
    const from = saltsUsed;
    saltsUsed += 2 * SALT_BYTES;
    return salts.slice(from, saltsUsed);
  };

  const appendText: Appender['appendText'] = (text, worker) => {
    const last = present();
    const seq = last.seq + 1;
    const hash = chainHash(last.hash, text);
    insert.run(seq, last.hash, hash, worker, text);
    head = { seq, hash };
    moved = true;
    return seq;
  };
  const salted: Appender['salted'] = (personal) => {
    const salt = nextSalt();
    return { salt, hash: personalHash(salt, personal) };
  };

  return {
    append: (entry, at, worker) => {
      if (entry.personal === null) return appendText(entryText(entry, at, null), worker);
      const { salt, hash } = salted(entry.personal);
      const seq = appendText(entryText(entry, at, hash), worker);
      insertPersonal.run(seq, salt, entry.personal);
      return seq;
    },
    appendText,
    salted,
    nextSeq: () => present().seq + 1,
    beforeCommit: () => {
      if (moved && head !== null) writeHead.run(head.seq, head.hash);
      head = null;
      moved = false;
    },
    afterRollback: () => {
      head = null;
      moved = false;
    },
  };
}

interface StoredEntry {
  readonly seq: number;
  readonly prev_hash: string;
  readonly hash: string;
  readonly body: string;
  readonly salt: string | null;
  readonly personal: string | null;
}

/** An entry with the worker whose number it carries. */
export interface EntryRow extends StoredEntry {
  readonly filed: number | null;
  readonly filed_key: string | null;
  readonly filed_connection: string | null;
}

/** What `entryText` wrote, read back. */
export interface EntryBody {
  readonly actor: string;
  readonly at: Instant;
  readonly body: JsonObject;
  readonly connection: string | null;
  readonly kind: string;
  readonly personal?: string;
  readonly worker: string | null;
}

const COLUMNS = 'e.seq, e.prev_hash, e.hash, e.body, p.salt, p.body AS personal';
const FROM = 'FROM entries e LEFT JOIN personal p ON p.seq = e.seq';
const FILED = `e.worker AS filed, w.key AS filed_key, c.name AS filed_connection ${FROM}
  LEFT JOIN workers w ON w.id = e.worker LEFT JOIN connections c ON c.id = w.connection_id`;

/** A filter as SQL; every part is always there, so that one statement serves all filters. */
const MATCHES = `(@connection IS NULL OR e.body ->> 'connection' = @connection)
  AND (@worker IS NULL OR e.body ->> 'worker' = @worker)
  AND (@kinds IS NULL OR e.body ->> 'kind' IN (SELECT value FROM json_each(@kinds)))
  AND (@since IS NULL OR e.body ->> 'at' >= @since)`;
interface FilterValues {
  readonly connection: string | null;
  readonly worker: string | null;
  readonly kinds: string | null;
  readonly since: string | null;
}
const valuesOf = (filter: EntryFilter): FilterValues => ({
  connection: filter.connection ?? null,
  worker: filter.workerKey ?? null,
  kinds: filter.kinds === undefined ? null : JSON.stringify(filter.kinds),
  since: filter.since ?? null,
});

export interface EntryReader {
  readonly tail: (limit: number, filter: EntryFilter) => readonly Entry[];
  readonly entriesOf: (connection: string, workerKey: string) => readonly Entry[];
  /** At most 1,000 unless `limit` says otherwise. */
  readonly after: (seq: number, filter: EntryFilter, limit?: number) => readonly Entry[];
  readonly rowsAfter: (seq: number, limit: number) => readonly EntryRow[];
  readonly count: () => number;
  readonly head: () => { readonly seq: number; readonly hash: string };
}

export function entryReaderOf(sql: Sql): EntryReader {
  const tail = sql.prepare<[FilterValues & { limit: number }], StoredEntry>(
    `SELECT ${COLUMNS} ${FROM} WHERE ${MATCHES} ORDER BY e.seq DESC LIMIT @limit`,
  );
  const ofWorker = sql.prepare<[string, string], StoredEntry>(
    `SELECT ${COLUMNS} ${FROM} WHERE e.worker =
       (SELECT w.id FROM workers w JOIN connections c ON c.id = w.connection_id WHERE c.name = ? AND w.key = ?)
     ORDER BY e.seq`,
  );
  const after = sql.prepare<[FilterValues & { seq: number; limit: number }], StoredEntry>(
    `SELECT ${COLUMNS} ${FROM} WHERE ${MATCHES} AND e.seq > @seq ORDER BY e.seq LIMIT @limit`,
  );
  const rowsAfter = sql.prepare<[number, number], EntryRow>(
    `SELECT ${COLUMNS}, ${FILED} WHERE e.seq > ? ORDER BY e.seq LIMIT ?`,
  );
  const head = sql.prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM audit_head');
  return {
    tail: (limit, filter) =>
      tail
        .all({ ...valuesOf(filter), limit })
        .map(entryOf)
        .reverse(),
    entriesOf: (connection, workerKey) => ofWorker.all(connection, workerKey).map(entryOf),
    after: (seq, filter, limit = EXPORT_BATCH) => after.all({ ...valuesOf(filter), seq, limit }).map(entryOf),
    rowsAfter: (seq, limit) => rowsAfter.all(seq, limit),
    count: () => head.get()?.seq ?? 0,
    head: () => head.get() ?? { seq: 0, hash: CHAIN_START },
  };
}

function entryOf(row: StoredEntry): Entry {
  const body = JSON.parse(row.body) as EntryBody;
  return {
    seq: row.seq,
    at: body.at,
    kind: body.kind,
    connection: body.connection,
    workerKey: body.worker,
    actor: body.actor,
    body: body.body,
    personal: row.personal === null ? null : (JSON.parse(row.personal) as JsonObject),
    hash: row.hash,
    previousHash: row.prev_hash,
  };
}
