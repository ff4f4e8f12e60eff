// A copy of the database while it is in use, and its way back. The copy is one file with a checksum beside it, checked before it
// counts. The database file itself is never opened with `fs` while anybody may hold it: closing such a handle drops SQLite's locks.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Instant } from '../base/instant.ts';
import { Problem } from '../base/problem.ts';
import { migrate } from './migrate.ts';
import { DATABASE_FILE } from './open.ts';
import { sqliteCode } from './sql.ts';

export interface Backup {
  readonly file: string;
  readonly bytes: number;
  /** Lower-case hex, also in FILE.sha256 in the form of sha256sum. */
  readonly sha256: string;
  /** The last entry of the audit in it. */
  readonly head: { readonly seq: number; readonly hash: string };
}

/** Pages copied at once, between two looks at who else waits in this process. */
const PAGES = 2_000;

/** @throws Problem where there is no database, the file exists, or the copy is not sound. */
export async function backUp(
  dir: string,
  file: string,
  onProgress: (done: number, total: number) => void,
  pagesAtOnce = PAGES,
): Promise<Backup> {
  const source = join(dir, DATABASE_FILE);
  if (!existsSync(source)) {
    throw new Problem({
      code: 'state.missing',
      message: `there is no ${DATABASE_FILE} in ${dir}`,
      hint: 'name the state folder with --state',
    });
  }
  for (const one of [file, sumFile(file)]) {
    if (existsSync(one))
      throw new Problem({
        code: 'backup.exists',
        message: `${one} exists already`,
        hint: 'a backup never overwrites anything',
      });
  }
  const partial = `${file}.partial`;
  try {
    // Made by us first, so that nobody else ever could read it.
    closeSync(openSync(partial, 'w', 0o600));
    const sql = new BetterSqlite3(source, { readonly: true, fileMustExist: true });
    try {
      // One snapshot from the first page to the last. Without it SQLite begins the copy anew whenever another process commits
      // (https://sqlite.org/c3ref/backup_finish.html), so beside a daemon at work it would never end. Until it is closed the
      // write-ahead log only grows.
      sql.exec('BEGIN');
      sql.prepare('SELECT seq FROM audit_head').get();
      await sql.backup(partial, {
        progress: ({ totalPages, remainingPages }) => {
          onProgress(totalPages - remainingPages, totalPages);
          return pagesAtOnce;
        },
      });
    } finally {
      sql.close();
    }
    const head = checked(partial);
    flush(partial);
    const sha256 = await sumOf(partial);
    writeFileSync(sumFile(file), `${sha256}  ${basename(file)}\n`, { mode: 0o600 });
    flush(sumFile(file));
    renameSync(partial, file);
    flush(dirname(file));
    return { file, bytes: statSync(file).size, sha256, head };
  } catch (error) {
    rmSync(partial, { force: true });
    if (error instanceof Problem) throw error;
    const code = sqliteCode(error) || ((error as { code?: string }).code ?? 'unknown');
    throw new Problem({
      code: 'backup.failed',
      message: `the backup could not be written to ${file} (${code})`,
      hint: 'look at the disk of that folder',
    });
  }
}

const sumFile = (file: string): string => `${file}.sha256`;

/** One file without a log beside it, whole in SQLite's own eyes. */
function checked(file: string): Backup['head'] {
  const sql = new BetterSqlite3(file);
  try {
    sql.pragma('journal_mode = DELETE');
    const said = sql.pragma('integrity_check(1)', { simple: true });
    if (said !== 'ok') throw new Problem({ code: 'backup.broken', message: `the copy is not sound: ${said}` });
    const head = sql.prepare('SELECT seq, hash FROM audit_head').get() as Backup['head'] | undefined;
    if (head === undefined) throw new Problem({ code: 'backup.broken', message: `${file} is no database of Rollcall` });
    return head;
  } finally {
    sql.close();
  }
}

export interface Restored extends Omit<Backup, 'bytes'> {
  /** What was there before, set aside under this name; null where there was nothing. */
  readonly aside: string | null;
}

/**
 * Puts a backup in the place of the database, which is set aside. Only by the holder of the lock, while nobody else has it open.
 * Whatever was on its way may have been done since: it is looked up before it is written, and every target is listed anew.
 * @throws Problem where the file is not what was backed up; then nothing has changed.
 */
export async function restore(dir: string, file: string, now: Instant): Promise<Restored> {
  if (!existsSync(file)) throw new Problem({ code: 'restore.missing', message: `there is no ${file}` });
  const sha256 = await sumOf(file);
  const promised = existsSync(sumFile(file)) ? readFileSync(sumFile(file), 'utf8').split(' ')[0] : null;
  if (promised !== null && promised !== sha256) {
    throw new Problem({
      code: 'restore.checksum',
      message: `${file} is not the file that ${basename(sumFile(file))} was written for`,
      hint: 'take another backup; this one was changed or cut',
    });
  }
  const fresh = join(dir, `${DATABASE_FILE}.restoring`);
  rmSync(fresh, { force: true });
  let head: Backup['head'];
  try {
    await copyFile(file, fresh);
    chmodSync(fresh, 0o600);
    head = checked(fresh);
    const sql = new BetterSqlite3(fresh);
    try {
      migrate(sql);
      sql.transaction(() => {
        sql.exec(`UPDATE operations SET ambiguous = 1 WHERE turn IS NOT NULL`);
        sql.exec('UPDATE targets SET base_url = NULL, listed_at = NULL');
      })();
    } finally {
      sql.close();
    }
    flush(fresh);
  } catch (error) {
    rmSync(fresh, { force: true });
    if (error instanceof Problem) throw error;
    const system = (error as { code?: string }).code;
    throw new Problem({
      code: 'restore.broken',
      message: `${file} could not be copied, or is no sound database (${sqliteCode(error) || (system ?? 'unknown')})`,
      hint: 'nothing has changed; look at the file, and at the disk of the state folder',
    });
  }
  const present = join(dir, DATABASE_FILE);
  const aside = existsSync(present) ? `${present}.before-restore-${now.replace(/[:.]/g, '-')}` : null;
  if (aside !== null) {
    const old = new BetterSqlite3(present);
    // What stands in the log only would be lost with it.
    old.pragma('wal_checkpoint(TRUNCATE)');
    old.close();
    setAside(present, aside);
  }
  for (const rest of ['-wal', '-shm']) rmSync(`${present}${rest}`, { force: true });
  renameSync(fresh, present);
  flush(dir);
  return { file, sha256, head, aside };
}

/** Under a second name, so that whenever this ends there is a database in its place: a start without one would begin anew. */
function setAside(present: string, aside: string): void {
  try {
    linkSync(present, aside);
  } catch {
    // File systems without hard links.
    renameSync(present, aside);
  }
}

function flush(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

async function sumOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
