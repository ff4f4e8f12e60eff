import { hash } from 'node:crypto';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/base/json.ts';
import type { Store } from '../../src/store/store.ts';
import { CaseMix } from '../support/case-mix.ts';
import { aChange, aDecision, aLaterChange, heldStore, minutesAfterNoon, NOON } from '../support/store.ts';

const sha256 = (text: string) => hash('sha256', text, 'hex');

async function withEntries(store: Store, workers: number): Promise<void> {
  for (let index = 0; index < workers; index += 1) {
    await store.commit({
      connection: 'acme',
      at: minutesAfterNoon(index),
      workers: [aChange(`w${index}`)],
      entries: [aDecision('', { workerKey: null, kind: 'cycle', body: { cycle: index } })].map(
        ({ personal: _, ...entry }) => entry,
      ),
    });
  }
}

/** Another connection to the same file, as somebody with write access to the disk has it. */
function intruder(dir: string) {
  const sql = new BetterSqlite3(join(dir, 'rollcall.db'));
  sql.pragma('foreign_keys = OFF');
  return sql;
}

const WAYS = ['body', 'hash', 'removed', 'swapped', 'personal', 'cut', 'filed', 'forged'] as const;

const TRIGGERS = [
  'entries_in_order',
  'entries_never_change',
  'entries_never_go',
  'personal_once',
  'personal_never_changes',
  'personal_only_erased',
  'audit_head_stays',
  'audit_head_moves_on',
];

describe('the audit', () => {
  it('holds in each entry the SHA-256 of its predecessor and its own canonical JSON, and can be checked by anybody', async () => {
    const { dir, store } = await heldStore();
    await withEntries(store, 3);
    const sql = intruder(dir);
    const rows = sql.prepare('SELECT * FROM entries ORDER BY seq').all() as Record<string, string>[];
    const personal = sql.prepare('SELECT * FROM personal ORDER BY seq').all() as Record<string, string>[];
    sql.close();
    let previous = '0'.repeat(64);
    for (const row of rows) {
      const body = JSON.parse(row.body ?? '') as Record<string, string>;
      expect(row.body).toBe(canonicalJson(body));
      expect(row.hash).toBe(sha256(previous + row.body));
      const own = personal.find(({ seq }) => seq === row.seq);
      expect(body.personal).toBe(own === undefined ? undefined : sha256(`${own.salt}${own.body}`));
      previous = row.hash ?? '';
    }
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await store.audit.verify()).toEqual({ ok: true, entries: 6, erased: 0, head: previous, faults: [] });
  });

  it('refuses UPDATE, DELETE and REPLACE on entries and personal values, also from another program', async () => {
    const { dir, store } = await heldStore();
    await withEntries(store, 2);
    const sql = intruder(dir);
    const attempts = [
      `UPDATE entries SET body = '{}' WHERE seq = 1`,
      'DELETE FROM entries WHERE seq = 4',
      'DELETE FROM entries',
      `INSERT OR REPLACE INTO entries (seq, prev_hash, hash, body) SELECT seq, prev_hash, hash, '{}' FROM entries WHERE seq = 2`,
      `INSERT INTO entries (seq, prev_hash, hash, body) SELECT 99, prev_hash, hash, body FROM entries WHERE seq = 2`,
      `UPDATE personal SET body = '{}'`,
      'DELETE FROM personal',
      `INSERT OR REPLACE INTO personal (seq, salt, body) SELECT seq, salt, '{}' FROM personal WHERE seq = 1`,
      'DELETE FROM audit_head',
      'UPDATE audit_head SET seq = 1',
    ];
    for (const attempt of attempts)
      expect(() => sql.exec(attempt), attempt).toThrow(/SQLITE_CONSTRAINT|audit|personal|head/);
    sql.close();
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 4 });
  });

  it('still verifies after personal values were erased in the guarded way, and says how many', async () => {
    const { dir, store } = await heldStore();
    await withEntries(store, 3);
    const sql = intruder(dir);
    sql
      .transaction(() => {
        sql.exec(`INSERT INTO settings (key, value) VALUES ('audit.erasing', 'true')`);
        sql.exec('DELETE FROM personal WHERE seq = 3');
        sql.exec(`DELETE FROM settings WHERE key = 'audit.erasing'`);
      })
      .immediate();
    sql.close();
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 6, erased: 1 });
    expect(await store.audit.entriesOf('acme', 'w1')).toMatchObject([{ seq: 3, personal: null }]);
  });

  it('finds every change that somebody makes behind its back, and where', async () => {
    const mix = new CaseMix([...WAYS, 'no change']);
    const edit = fc.record({
      how: fc.constantFrom(...WAYS),
      seq: fc.integer({ min: 1, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(edit, async ({ how, seq }) => {
        const { dir, store } = await heldStore();
        await withEntries(store, 6);
        const sql = intruder(dir);
        for (const trigger of TRIGGERS) sql.exec(`DROP TRIGGER ${trigger}`);
        const changed = sql.transaction(() => tamper(sql, how, seq)).immediate();
        sql.close();
        const verdict = await store.audit.verify();
        await store.close();
        mix.count(changed === null ? 'no change' : how, true);
        if (changed === null) {
          expect(verdict.ok).toBe(true);
          return;
        }
        expect(verdict, `${how} ${seq}`).toMatchObject({ ok: false, brokenAt: changed });
        expect(verdict.entries).toBeLessThanOrEqual(changed);
      }),
      { numRuns: 70 },
    );
    mix.expectEach(1);
  });

  it('is read back by its end, by worker, by kind and by time, and exported whole', async () => {
    const { store } = await heldStore();
    await withEntries(store, 5);
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [aLaterChange('w2', 1, { entries: [aDecision('w2')] })],
    });
    expect((await store.audit.tail(2)).map(({ seq }) => seq)).toEqual([10, 11]);
    expect((await store.audit.tail(2, { kinds: ['cycle'] })).map(({ body }) => body)).toEqual([
      { cycle: 3 },
      { cycle: 4 },
    ]);
    expect((await store.audit.tail(9, { since: minutesAfterNoon(4) })).map(({ seq }) => seq)).toEqual([9, 10]);
    expect((await store.audit.tail(9, { workerKey: 'w2' })).map(({ seq }) => seq)).toEqual([5, 11]);
    expect(await store.audit.tail(9, { connection: 'other' })).toEqual([]);
    expect((await store.audit.entriesOf('acme', 'w2')).map(({ seq }) => seq)).toEqual([5, 11]);
    expect(await store.audit.entriesOf('other', 'w2')).toEqual([]);
    const exported = [];
    for await (const batch of store.audit.export({ kinds: ['decision'] }))
      exported.push(...batch.map(({ seq }) => seq));
    expect(exported).toEqual([1, 3, 5, 7, 9, 11]);
  });

  it('tells its progress while it verifies, and lets the event loop run', async () => {
    const { store } = await heldStore(undefined, 'memory');
    const entries = Array.from({ length: 1_000 }, (_, index) => ({
      kind: 'intent',
      connection: null,
      workerKey: null,
      actor: 'daemon',
      body: { index },
    }));
    for (let batch = 0; batch < 11; batch += 1) await store.commit({ connection: 'acme', at: NOON, entries });
    const told: number[] = [];
    let turns = 0;
    let verifying = true;
    const turn = () => {
      turns += 1;
      if (verifying) setImmediate(turn);
    };
    setImmediate(turn);
    const verdict = await store.audit.verify((done, total) => told.push(done, total));
    verifying = false;
    expect(verdict).toMatchObject({ ok: true, entries: 11_000 });
    expect(told).toEqual([10_000, 11_000, 11_000, 11_000]);
    expect(turns).toBeGreaterThan(10);
  });
});

/** Returns the entry at which the fault must be found; null when this edit is no change. */
function tamper(sql: BetterSqlite3.Database, how: string, seq: number): number | null {
  const row = sql.prepare('SELECT * FROM entries WHERE seq = ?').get(seq) as Record<string, string>;
  const setBody = sql.prepare('UPDATE entries SET body = ? WHERE seq = ?');
  switch (how) {
    case 'body':
      setBody.run((row.body ?? '').replace('"actor":"feed"', '"actor":"fees"'), seq);
      return seq;
    case 'hash':
      sql.prepare('UPDATE entries SET hash = ? WHERE seq = ?').run('f'.repeat(64), seq);
      return seq;
    case 'removed':
      sql.prepare('DELETE FROM entries WHERE seq = ?').run(seq);
      return seq;
    case 'swapped': {
      const other = (seq % 12) + 1;
      sql.prepare('UPDATE entries SET seq = -1 WHERE seq = ?').run(seq);
      sql.prepare('UPDATE entries SET seq = ? WHERE seq = ?').run(seq, other);
      sql.prepare('UPDATE entries SET seq = ? WHERE seq = -1').run(other);
      return Math.min(seq, other);
    }
    case 'personal':
      return sql.prepare(`UPDATE personal SET body = '{"name":"Nobody"}' WHERE seq = ?`).run(seq).changes === 1
        ? seq
        : null;
    case 'cut':
      sql.prepare('DELETE FROM entries WHERE seq >= ?').run(seq);
      return seq;
    case 'filed':
      return sql.prepare('UPDATE entries SET worker = (worker % 6) + 1 WHERE seq = ? AND worker IS NOT NULL').run(seq)
        .changes === 1
        ? seq
        : null;
    default: {
      // A forger who computes the entry's own hash anew breaks the one that follows, or the head.
      const body = (row.body ?? '').replace('"actor":"feed"', '"actor":"fees"');
      sql.prepare('UPDATE entries SET body = ?, hash = ? WHERE seq = ?').run(body, sha256(row.prev_hash + body), seq);
      return seq === 12 ? 12 : seq + 1;
    }
  }
}
