import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { DATABASE_FILE, openDatabase } from '../../src/store/open.ts';
import { aChange, heldStore, NOON, tempFolder } from '../support/store.ts';

const codesOf = (error: unknown) => (error instanceof Problem ? error.faults.map(({ code }) => code) : [String(error)]);
const refusal = (job: () => unknown): Problem => {
  try {
    job();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('the schema', () => {
  it('that the migrations add up to is the one that was reviewed', async () => {
    const { dir, store } = await heldStore();
    await store.close();
    const sql = new BetterSqlite3(join(dir, DATABASE_FILE), { readonly: true });
    const rows = sql
      .prepare<[], { sql: string }>(
        `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name`,
      )
      .all();
    const version = sql.pragma('user_version', { simple: true });
    sql.close();
    const dump = `-- schema ${String(version)}\n\n${rows.map((row) => `${row.sql};`).join('\n\n')}\n`;
    await expect(dump).toMatchFileSnapshot(new URL('schema.sql', import.meta.url).pathname);
  });

  it('has only STRICT tables', () => {
    const sql = openDatabase('', 'memory', NOON);
    const loose = sql
      .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'`)
      .all();
    sql.close();
    expect(loose).toEqual([]);
  });

  it('written by a newer Rollcall is refused, by writers and by readers, and left as it is', async () => {
    const { dir, store } = await heldStore();
    await store.close();
    const sql = new BetterSqlite3(join(dir, DATABASE_FILE));
    sql.pragma('user_version = 99');
    sql.close();
    for (const mode of ['write', 'read'] as const) {
      expect(codesOf(refusal(() => openDatabase(dir, mode, NOON)))).toEqual(['state.newer']);
    }
    const after = new BetterSqlite3(join(dir, DATABASE_FILE), { readonly: true });
    expect(after.pragma('user_version', { simple: true })).toBe(99);
    after.close();
  });

  it('older than this code is brought up to date by a writer and refused to a reader', () => {
    const dir = tempFolder();
    const sql = new BetterSqlite3(join(dir, DATABASE_FILE));
    sql.pragma('journal_mode = WAL');
    sql.close();
    expect(codesOf(refusal(() => openDatabase(dir, 'read', NOON)))).toEqual(['state.older']);
    openDatabase(dir, 'write', NOON).close();
    openDatabase(dir, 'read', NOON).close();
  });

  it('that does not exist is a problem for a reader, who makes no file', () => {
    const dir = tempFolder();
    expect(codesOf(refusal(() => openDatabase(dir, 'read', NOON)))).toEqual(['state.missing']);
    expect(() => readFileSync(join(dir, DATABASE_FILE))).toThrow(/ENOENT/);
  });
});

describe('an open database', () => {
  it('runs with a write-ahead log, flushed in full at every commit, after its first write and after later ones', () => {
    const dir = tempFolder();
    const sql = openDatabase(dir, 'write', NOON);
    const modes = () => [sql.pragma('journal_mode', { simple: true }), sql.pragma('synchronous', { simple: true })];
    expect(modes()).toEqual(['wal', 2]);
    sql.prepare(`INSERT INTO connections (name) VALUES ('acme')`).run();
    expect(modes()).toEqual(['wal', 2]);
    expect(sql.pragma('foreign_keys', { simple: true })).toBe(1);
    sql.close();
    const again = openDatabase(dir, 'write', NOON);
    expect(again.pragma('synchronous', { simple: true })).toBe(2);
    again.close();
  });

  it('with standings of another machine version, or at unknown stages, is refused with a list', async () => {
    const { dir, store } = await heldStore();
    await store.commit({ connection: 'acme', at: NOON, workers: ['1', '2', '3'].map((key) => aChange(key)) });
    await store.close();
    const sql = new BetterSqlite3(join(dir, DATABASE_FILE));
    sql.exec(
      `UPDATE workers SET stage = 'limbo' WHERE key = '1'; UPDATE workers SET machine_version = 7 WHERE key = '3'`,
    );
    sql.close();
    const problem = refusal(() => openDatabase(dir, 'write', NOON));
    expect(codesOf(problem)).toEqual(['state.unknown-standing', 'state.unknown-standing']);
    expect(problem.message).toContain('worker 1 of acme stands at limbo/delivering of machine version 1');
    expect(problem.message).toContain('worker 3 of acme stands at active/delivering of machine version 7');
  });

  it('opened for reading is never written to', async () => {
    const { dir, store } = await heldStore();
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('1')] });
    const reader = await heldStore(dir, 'read');
    expect((await reader.store.situations('acme', ['1'])).size).toBe(1);
    await expect(reader.store.commit({ connection: 'acme', at: NOON })).rejects.toThrow('reading');
    expect((await reader.store.audit.verify()).ok).toBe(true);
  });

  it('in memory leaves no file', async () => {
    const dir = tempFolder();
    const { store } = await heldStore(dir, 'memory');
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('1')] });
    expect(await store.population('acme')).toEqual({ workers: 1, active: 1 });
    await store.close();
    await store.close();
    expect(() => readFileSync(join(dir, DATABASE_FILE))).toThrow(/ENOENT/);
    await expect(store.population('acme')).rejects.toThrow('open');
  });
});
