// Tampers with an audit of 100,000 entries as somebody with write access to the disk could, and asks `verify` to find every place.
//   npm run campaign:tamper -- --tamperings 10000 --entries 100000 --seed 1
// Each round applies a hundred tamperings inside a transaction, verifies, and undoes them. Then it measures how long verifying takes.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { instantOf, plusMs } from '../../src/base/instant.ts';
import { entryReaderOf } from '../../src/store/audit.ts';
import { verifyChain } from '../../src/store/audit-verify.ts';
import { openStore } from '../../src/store/store.ts';
import { aChange, countingBytes } from '../support/changes.ts';

const NOON = instantOf('2026-11-23T11:00:00Z');
const ROUND = 100;
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

const { values } = parseArgs({
  options: {
    tamperings: { type: 'string', default: '10000' },
    entries: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const wanted = Number(values.tamperings);
const size = Number(values.entries);
let state = Number(values.seed);
const dice = (most: number): number => {
  state = (state * 48_271) % 2_147_483_647;
  return state % most;
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Row {
  readonly seq: number;
  readonly prev_hash: string;
  readonly hash: string;
  readonly body: string;
}

type Way = (sql: BetterSqlite3.Database, row: Row) => boolean;

/** Each changes what is about entry `row` (or the one behind it) and says whether it changed anything. */
const WAYS: Readonly<Record<string, Way>> = {
  'text changed': (sql, { seq, body }) =>
    sql.prepare('UPDATE entries SET body = ? WHERE seq = ?').run(`${body.slice(0, -1)} }`, seq).changes === 1,
  'text that is no JSON': (sql, { seq }) =>
    sql.prepare(`UPDATE entries SET body = 'gone' WHERE seq = ?`).run(seq).changes === 1,
  'hash changed': (sql, { seq }) =>
    sql.prepare('UPDATE entries SET hash = ? WHERE seq = ?').run(sha256(String(seq)), seq).changes === 1,
  'text and hash changed': (sql, { seq, body, prev_hash }) => {
    const forged = body.replace('"actor":"', '"actor":"x');
    const hash = sha256(prev_hash + forged);
    return sql.prepare('UPDATE entries SET body = ?, hash = ? WHERE seq = ?').run(forged, hash, seq).changes === 1;
  },
  'link changed': (sql, { seq }) =>
    sql.prepare('UPDATE entries SET prev_hash = ? WHERE seq = ?').run(sha256(`x${seq}`), seq).changes === 1,
  removed: (sql, { seq }) => {
    sql.prepare('DELETE FROM personal WHERE seq = ?').run(seq);
    return sql.prepare('DELETE FROM entries WHERE seq = ?').run(seq).changes === 1;
  },
  'replaced by another entry': (sql, { seq }) =>
    sql
      .prepare(
        'UPDATE entries SET (prev_hash, hash, body) = (SELECT prev_hash, hash, body FROM entries WHERE seq = 1) WHERE seq = ?',
      )
      .run(seq).changes === 1,
  'personal values changed': (sql, { seq }) =>
    sql.prepare(`UPDATE personal SET body = '{"name":"Nobody"}' WHERE seq = ?`).run(seq).changes === 1,
  'salt changed': (sql, { seq }) =>
    sql.prepare('UPDATE personal SET salt = ? WHERE seq = ?').run('0'.repeat(32), seq).changes === 1,
  'personal values added': (sql, { seq, body }) => {
    if ('personal' in JSON.parse(body)) return false;
    return (
      sql.prepare(`INSERT INTO personal (seq, salt, body) VALUES (?, ?, '{}')`).run(seq, '0'.repeat(32)).changes === 1
    );
  },
  'filed under another worker': (sql, { seq }) =>
    sql
      .prepare('UPDATE entries SET worker = (worker % 6) + 1 WHERE seq = ? AND worker IS NOT NULL AND worker > 6')
      .run(seq).changes === 1,
};

const dir = mkdtempSync(join(tmpdir(), 'rollcall-tamper-'));
try {
  await writeLog(size);
  const sql = new BetterSqlite3(join(dir, 'rollcall.db'));
  sql.pragma('foreign_keys = OFF');
  const head = sql.prepare('SELECT seq FROM audit_head').get() as { seq: number };
  const reader = entryReaderOf(sql);
  const began = performance.now();
  const clean = await verifyChain(sql, reader, () => {}, new Map());
  const seconds = (performance.now() - began) / 1_000;
  if (!clean.ok) throw new Error(`the log is broken before anybody touched it: ${clean.reason}`);
  console.log(`${clean.entries} entries verify in ${seconds.toFixed(1)} s`);
  for (const trigger of TRIGGERS) sql.exec(`DROP TRIGGER ${trigger}`);
  const read = sql.prepare<[number], Row>('SELECT seq, prev_hash, hash, body FROM entries WHERE seq = ?');
  const names = Object.keys(WAYS);
  const counts = new Map<string, number>();
  const missed: string[] = [];
  let done = 0;
  while (done < wanted) {
    const round = new Map<number, string>();
    sql.exec('BEGIN');
    while (round.size < Math.min(ROUND, wanted - done)) {
      const seq = 2 + dice(head.seq - 3);
      // Apart from each other, so that each place has one cause.
      if ([-2, -1, 0, 1, 2].some((step) => round.has(seq + step))) continue;
      const name = names[dice(names.length)] ?? '';
      const row = read.get(seq);
      if (row === undefined || WAYS[name]?.(sql, row) !== true) continue;
      round.set(seq, name);
    }
    const { faults } = await verifyChain(sql, reader, () => {}, new Map());
    sql.exec('ROLLBACK');
    const places = new Set(faults.map(({ seq }) => seq));
    for (const [seq, name] of round) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      // A hash that was computed anew shows in the entry that follows.
      if (!places.has(seq) && !(name === 'text and hash changed' && places.has(seq + 1)))
        missed.push(`${name} at ${seq}`);
    }
    for (const place of places)
      if (!round.has(place) && !round.has(place - 1)) missed.push(`a fault is named at ${place}, where nobody was`);
    done += round.size;
  }
  sql.close();
  for (const [name, count] of [...counts].sort()) console.log(`  ${String(count).padStart(6)} ${name}`);
  console.log(
    `tamper campaign: ${done} tamperings of ${head.seq} entries, seed ${values.seed}, ${missed.length} missed or misplaced`,
  );
  for (const line of missed.slice(0, 20)) console.log(`  ${line}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function writeLog(entries: number): Promise<void> {
  const store = await openStore({ dir, mode: 'write', now: () => NOON, randomBytes: countingBytes() });
  const plain = (index: number) => ({
    kind: 'intent',
    connection: 'acme',
    workerKey: null,
    actor: 'daemon',
    body: { operation: index, target: 'idp' },
  });
  const batch = 500;
  for (let from = 0; from < entries; from += 2 * batch) {
    const at = plusMs(NOON, from);
    await store.commit({
      connection: 'acme',
      at,
      workers: Array.from({ length: batch }, (_, index) => aChange(`w${from + index}`)),
    });
    await store.commit({
      connection: 'acme',
      at,
      entries: Array.from({ length: batch }, (_, index) => plain(from + index)),
    });
  }
  await store.close();
}
