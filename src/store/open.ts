// Opens the database file and proves what the rest of the room relies on: WAL, synchronous=FULL, foreign keys, our schema.
// The file is never opened with `fs`: closing such a handle would drop SQLite's locks.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { DELIVERIES, MACHINE_VERSION, STAGES } from '../lifecycle/standing.ts';
import { migrate, requirePresentSchema } from './migrate.ts';
import type { Sql } from './sql.ts';

export const DATABASE_FILE = 'rollcall.db';

/** How long a writer waits for a command that is adding an act: such a transaction lasts a few milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** 32 MiB: holds the inner pages of every index at 300,000 workers and keeps the process well under its memory promise. */
const CACHE_KIB = 16 * 1024;
/** 16 MiB of log between two checkpoints: index pages that many commits touch are written back once. */
const CHECKPOINT_PAGES = 4_000;
const FULL = 2;
/** Enough to see the pattern without flooding a terminal. */
const STRANGERS_SHOWN_MAX = 20;

/**
 * `write` belongs to the one process that holds the lock. `guest` stands beside it and only adds acts: it neither migrates
 * nor sweeps. `memory` is an empty database that is never written to disk, for `plan` before the first run.
 */
export type StoreMode = 'write' | 'guest' | 'read' | 'memory';

/** @throws Problem `state.missing`, `state.newer`, `state.older`, `state.not-durable`, `state.unknown-standing`. */
export function openDatabase(dir: string, mode: StoreMode, now: Instant): Sql {
  const sql = mode === 'memory' ? new BetterSqlite3(':memory:') : openFile(dir, mode);
  try {
    sql.pragma(`cache_size = -${CACHE_KIB}`);
    sql.pragma('temp_store = MEMORY');
    sql.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    sql.pragma('foreign_keys = ON');
    if (mode === 'read' || mode === 'guest') requirePresentSchema(sql);
    else migrate(sql);
    if (mode === 'write' || mode === 'guest') provenDurable(sql, now);
    refuseStrangers(sql);
  } catch (error) {
    sql.close();
    throw error;
  }
  return sql;
}

function openFile(dir: string, mode: 'write' | 'guest' | 'read'): Sql {
  const file = join(dir, DATABASE_FILE);
  if (mode !== 'write') {
    if (existsSync(file))
      return new BetterSqlite3(file, { readonly: mode === 'read', fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    throw new Problem({
      code: 'state.missing',
      message: `there is no ${DATABASE_FILE} in ${dir}`,
      hint: 'name the state folder with --state, or run `rollcall sync` first',
    });
  }
  mkdirSync(dir, { recursive: true });
  const sql = new BetterSqlite3(file, { timeout: BUSY_TIMEOUT_MS });
  sql.pragma('journal_mode = WAL');
  return sql;
}

/** SQLite in WAL mode may run at synchronous=NORMAL until told otherwise after a write, and then says nothing: so write, tell and ask. */
function provenDurable(sql: Sql, now: Instant): void {
  const write = sql.prepare(
    `INSERT INTO settings (key, value) VALUES ('store.opened', json_quote(?)) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  );
  sql.transaction(() => write.run(now)).immediate();
  sql.pragma('synchronous = FULL');
  sql.transaction(() => write.run(now)).immediate();
  const journal = sql.pragma('journal_mode', { simple: true });
  const synchronous = sql.pragma('synchronous', { simple: true });
  if (journal === 'wal' && synchronous === FULL) return;
  throw new Problem({
    code: 'state.not-durable',
    message: `the database runs with journal_mode=${String(journal)} and synchronous=${String(synchronous)} instead of wal and ${FULL}`,
    hint: 'put the state folder on a local disk; network folders often cannot keep a write-ahead log',
  });
}

/** A stage this code does not know must stop the start with a list, not crash on the first worker that has it. */
function refuseStrangers(sql: Sql): void {
  const known = (words: readonly string[]) => words.map((word) => `'${word}'`).join(', ');
  const strangers = sql
    .prepare<[number], { name: string; key: string; stage: string; delivery: string; version: number }>(
      `SELECT c.name, w.key, w.stage, w.delivery, w.machine_version AS version
       FROM workers w JOIN connections c ON c.id = w.connection_id
       WHERE w.machine_version <> ? OR w.stage NOT IN (${known(STAGES)}) OR w.delivery NOT IN (${known(DELIVERIES)})
       LIMIT ${STRANGERS_SHOWN_MAX}`,
    )
    .all(MACHINE_VERSION);
  if (strangers.length === 0) return;
  throw new Problem(
    strangers.map((row) => ({
      code: 'state.unknown-standing',
      message: `worker ${row.key} of ${row.name} stands at ${row.stage}/${row.delivery} of machine version ${row.version}; this Rollcall knows version ${MACHINE_VERSION}`,
      hint: 'run the Rollcall that wrote it, or restore a backup',
    })),
  );
}
