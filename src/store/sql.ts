import type BetterSqlite3 from 'better-sqlite3';

/** One connection to the database. Everything on it is synchronous and stays in this room. */
export type Sql = BetterSqlite3.Database;

/**
 * A bound number or text of which the planner does not look at the value. Of a bare `?` it does, in a LIMIT and in every comparison
 * that the index it considers does not answer, and then SQLite prepares the statement anew at each run: twenty times the cost of
 * a question to an index.
 */
export const unread = (number: string): string => `${number} + 0`;
export const unreadText = (text: string): string => `${text} || ''`;

/** SQLite's result code of an error it threw, such as `SQLITE_FULL`; '' for any other error. */
export function sqliteCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}
