// The writing end of the store: one connection, its rooms and its writer, in the house's own thread or in one of its own.
import type { Instant } from '../base/instant.ts';
import { openDatabase, type StoreMode } from './open.ts';
import { type Rooms, roomsOf } from './rooms.ts';
import type { Sql } from './sql.ts';
import { type LocalWrites, roomsWriter, writesOf } from './writes.ts';

export interface WritingOptions {
  readonly dir: string;
  readonly mode: StoreMode;
  readonly now: () => Instant;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface Writing {
  readonly sql: Sql;
  readonly rooms: Rooms;
  readonly writes: LocalWrites;
  readonly mode: StoreMode;
}

/** @throws Problem as `openDatabase` does. */
export function openWriting({ dir, mode, now, randomBytes }: WritingOptions): Writing {
  const sql = openDatabase(dir, mode, now());
  const rooms = roomsOf(sql, randomBytes);
  return { sql, rooms, writes: writesOf(sql, rooms, roomsWriter(sql, rooms), now), mode };
}

/** Waits for what is under way, folds the write-ahead log into the database and closes it. */
export async function closeWriting({ sql, writes, mode }: Writing): Promise<void> {
  try {
    await writes.settle();
    // After a disk fault the log is the only witness: it is left for the next start.
    if (mode === 'write' && !writes.writer.isUnknown()) sql.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    // A disk that is full by now loses nothing: what is in the log is folded in by the next start.
    sql.close();
  }
}
