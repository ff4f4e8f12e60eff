import type BetterSqlite3 from 'better-sqlite3';

/** One connection to the database. Everything on it is synchronous and stays in this room. */
export type Sql = BetterSqlite3.Database;

/** SQLite's result code of an error it threw, such as `SQLITE_FULL`; '' for any other error. */
export function sqliteCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}
