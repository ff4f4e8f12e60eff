// One daemon per state folder. The lock is a write transaction, held open for life on a database of its own: the operating
// system frees it when the process ends, however it ends. Readers are not shut out, so that a second daemon can say who is in.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { type Instant, instantOf } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { type Sql, sqliteCode } from './sql.ts';

const LOCK_FILE = 'lock.db';
/** Covers the moment between two transactions of a starting daemon; a second daemon gives up well within a second. */
const LOCK_TIMEOUT_MS = 300;
/** Others who only ask hold it for less than this; a name that such a one finds may be that of a process that was killed. */
const ASK_TIMEOUT_MS = 50;
/** Two daemons that start at the same moment may overwrite each other's name; whoever holds the lock writes it again. */
const ROUNDS_MAX = 10;

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  readonly since: Instant;
}

/** Held until released or until the process ends. */
export interface Lock extends AsyncDisposable {
  readonly release: () => Promise<void>;
}

/** @throws Problem `state.locked` naming the holder, within a second. */
export async function acquireLock(dir: string, holder: LockHolder): Promise<Lock> {
  mkdirSync(dir, { recursive: true });
  const sql = new BetterSqlite3(join(dir, LOCK_FILE), { timeout: LOCK_TIMEOUT_MS });
  try {
    sql.exec('BEGIN IMMEDIATE');
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      if (sameHolder(readHolder(sql), holder)) return lockOn(sql);
      writeHolder(sql, holder);
      // Others can only read what is committed; the lock is taken again at once.
      sql.exec('COMMIT');
      sql.exec('BEGIN IMMEDIATE');
    }
    throw new Problem({ code: 'state.locked', message: 'other daemons keep starting on this state folder' });
  } catch (error) {
    const present = isBusy(error) ? nameOf(sql) : null;
    sql.close();
    if (isBusy(error)) throw locked(dir, present);
    throw damaged(error);
  }
}

/** Who holds the lock now; null when nobody does, or somebody who is just starting and has no name yet. */
export async function lockHolder(dir: string): Promise<LockHolder | null> {
  const file = join(dir, LOCK_FILE);
  if (!existsSync(file)) return null;
  const sql = new BetterSqlite3(file, { timeout: ASK_TIMEOUT_MS });
  try {
    sql.exec('BEGIN IMMEDIATE');
    sql.exec('ROLLBACK');
    return null;
  } catch (error) {
    if (isBusy(error)) return nameOf(sql);
    throw damaged(error);
  } finally {
    sql.close();
  }
}

function lockOn(sql: Sql): Lock {
  const release = async () => {
    if (!sql.open) return;
    try {
      if (sql.inTransaction) sql.exec('DELETE FROM holder; COMMIT');
    } finally {
      sql.close();
    }
  };
  return { release, [Symbol.asyncDispose]: release };
}

function writeHolder(sql: Sql, holder: LockHolder): void {
  sql.exec('CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL) STRICT');
  sql.prepare('INSERT OR REPLACE INTO holder (one, body) VALUES (1, ?)').run(JSON.stringify(holder));
}

function readHolder(sql: Sql): LockHolder | null {
  const table = sql.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'holder'`).get();
  if (table === undefined) return null;
  const row = sql.prepare<[], { body: string }>('SELECT body FROM holder').get();
  return row === undefined ? null : (JSON.parse(row.body) as LockHolder);
}

/** Somebody else's file, or one that a disk has spoilt: nothing of ours is in it but who is here. */
function damaged(error: unknown): unknown {
  if (!/^SQLITE_(NOTADB|CORRUPT)/.test(sqliteCode(error))) return error;
  return new Problem({
    code: 'state.lock-damaged',
    message: 'lock.db in the state folder is no lock',
    hint: 'make sure that no daemon runs on this folder, then remove lock.db: it holds nothing else',
  });
}

const isBusy = (error: unknown): boolean => sqliteCode(error).startsWith('SQLITE_BUSY');

/** Null while a process that is starting writes its name: nobody can read it then. */
function nameOf(sql: Sql): LockHolder | null {
  try {
    return readHolder(sql);
  } catch (error) {
    if (isBusy(error)) return null;
    throw error;
  }
}

function sameHolder(a: LockHolder | null, b: LockHolder): boolean {
  return a !== null && a.pid === b.pid && a.host === b.host && a.since === b.since && a.command === b.command;
}

function locked(dir: string, holder: LockHolder | null): Problem {
  const who =
    holder === null
      ? 'another process that is just starting'
      : `process ${holder.pid} on ${holder.host} (${holder.command}) since ${instantOf(holder.since)}`;
  return new Problem({
    code: 'state.locked',
    message: `the state folder ${dir} is in use by ${who}`,
    hint: 'stop that process first, or name another folder with --state',
  });
}
