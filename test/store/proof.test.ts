// Checkpoints of the audit: what they find that the chain alone cannot, and that somebody else's program finds the same.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  keyId,
  makeSigningKey,
  ProofLog,
  type ProofReason,
  proofFile,
  readProof,
  readSigningKey,
  readVerifyKey,
} from '../../src/runtime/proof.ts';
import type { Store } from '../../src/store/store.ts';
import { aChange, heldStore, minutesAfterNoon, NOON } from '../support/store.ts';

const VERIFIER = join(import.meta.dirname, '../../tools/verify-audit.mjs');
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

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-proof-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function signedLog() {
  const { dir, store } = await heldStore();
  const proof = folder();
  const keyFile = join(proof, 'audit.pem');
  const key = makeSigningKey(keyFile);
  const publicFile = join(proof, 'audit.pub');
  writeFileSync(publicFile, createPublicKey(key).export({ type: 'spki', format: 'pem' }));
  const log = new ProofLog(proof, readSigningKey(keyFile));
  for (let index = 0; index < 12; index += 1) {
    await store.commit({ connection: 'acme', at: minutesAfterNoon(index), workers: [aChange(`w${index}`)] });
    if (index % 4 === 3) await say(log, store, 'interval');
  }
  await log[Symbol.asyncDispose]();
  return { dir, store, proof, key, publicFile, keyFile };
}

const say = async (log: ProofLog, store: Store, why: ProofReason): Promise<void> =>
  log.append({ instance: 'i', ...(await store.audit.head()), at: NOON, why });

const told = (proof: string, publicFile: string) =>
  readProof(readFileSync(proofFile(proof), 'utf8'), [readVerifyKey(publicFile)]);
const claims = (proof: string) =>
  new Map(readProof(readFileSync(proofFile(proof), 'utf8'), []).points.map(({ seq, hash }) => [seq, hash]));

/** The verifier that shares no code with us. */
function others(dir: string, proof: string, publicFile: string) {
  const run = spawnSync(process.execPath, [VERIFIER, join(dir, 'rollcall.db'), proofFile(proof), publicFile], {
    encoding: 'utf8',
  });
  return { code: run.status, said: run.stdout };
}

/** As somebody with write access to the disk has it. */
function intruder(dir: string) {
  const sql = new BetterSqlite3(join(dir, 'rollcall.db'));
  sql.pragma('foreign_keys = OFF');
  for (const trigger of TRIGGERS) sql.exec(`DROP TRIGGER ${trigger}`);
  return sql;
}

describe('signed checkpoints', () => {
  it('follow one another, are signed, and agree with the log, for us and for a verifier of its own', async () => {
    const { dir, store, proof, key, publicFile } = await signedLog();
    const read = told(proof, publicFile);
    expect(read.faults).toEqual([]);
    expect(read.points.map(({ seq, why, signed, key: by }) => [seq, why, signed, by])).toEqual([
      [4, 'interval', true, keyId(key)],
      [8, 'interval', true, keyId(key)],
      [12, 'interval', true, keyId(key)],
    ]);
    expect(await store.audit.verify(undefined, claims(proof))).toMatchObject({ ok: true, entries: 12, faults: [] });
    expect(others(dir, proof, publicFile)).toMatchObject({ code: 0 });
    const verifier = readFileSync(VERIFIER, 'utf8');
    expect(verifier.split('\n').length).toBeLessThan(150);
    // Nothing of ours, and nothing of others: Node alone.
    const imported = [...verifier.matchAll(/(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map(
      ([, name]) => name ?? '',
    );
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.filter((name) => !name.startsWith('node:'))).toEqual([]);
  });

  it('show where a chain that was written anew as a whole departs from the one that was', async () => {
    const { dir, store, proof, publicFile } = await signedLog();
    const sql = intruder(dir);
    rewriteFrom(sql, 6);
    sql.close();
    expect((await store.audit.verify()).ok).toBe(true);
    const verdict = await store.audit.verify(undefined, claims(proof));
    expect(verdict.faults).toEqual([
      { seq: 8, reason: 'a checkpoint says otherwise: the chain was rewritten after entry 4' },
      { seq: 12, reason: 'a checkpoint says otherwise: the chain was rewritten after entry 4' },
    ]);
    const second = others(dir, proof, publicFile);
    expect(second.code).toBe(1);
    expect(second.said).toContain('BROKEN entry 8: a checkpoint says otherwise');
  });

  it('show that a database was put back to an older state', async () => {
    const { dir, store, proof, publicFile } = await signedLog();
    const sql = intruder(dir);
    sql.exec('DELETE FROM personal WHERE seq > 5; DELETE FROM entries WHERE seq > 5');
    sql.exec('UPDATE audit_head SET seq = 5, hash = (SELECT hash FROM entries WHERE seq = 5)');
    sql.close();
    expect((await store.audit.verify()).ok).toBe(true);
    expect((await store.audit.verify(undefined, claims(proof))).faults).toEqual([
      { seq: 6, reason: 'entries 6 to 12 are gone, a checkpoint says: the database is older, or was cut' },
    ]);
    expect(others(dir, proof, publicFile)).toMatchObject({ code: 1 });
  });

  it.each([
    ['changed', (lines: string[]) => lines.with(1, (lines[1] ?? '').replace('"seq":8', '"seq":9')), 2],
    ['removed', (lines: string[]) => lines.toSpliced(1, 1), 2],
    ['swapped', (lines: string[]) => [lines[0] ?? '', lines[2] ?? '', lines[1] ?? ''], 2],
    ['signed by nobody', (lines: string[]) => lines.with(2, (lines[2] ?? '').replace(/"sig":"[^"]*"/, '"sig":""')), 3],
    ['garbled', (lines: string[]) => lines.with(0, 'x'), 1],
  ] as const)('that were %s are found in their line', async (_, edit, line) => {
    const { dir, proof, publicFile } = await signedLog();
    const lines = readFileSync(proofFile(proof), 'utf8').trimEnd().split('\n');
    writeFileSync(proofFile(proof), `${edit(lines).join('\n')}\n`);
    expect(told(proof, publicFile).faults[0]?.line).toBe(line);
    expect(others(dir, proof, publicFile).code).toBe(1);
  });

  it('of another key are refused', async () => {
    const { proof } = await signedLog();
    const other = join(folder(), 'other.pem');
    makeSigningKey(other);
    expect(told(proof, other).faults).toHaveLength(3);
  });

  it('go on behind a line that a crash cut short, which is found', async () => {
    const { store, proof, publicFile, keyFile } = await signedLog();
    appendFileSync(proofFile(proof), '{"point":{"v":1,"se');
    const log = new ProofLog(proof, readSigningKey(keyFile));
    await say(log, store, 'stop');
    await log[Symbol.asyncDispose]();
    const read = told(proof, publicFile);
    expect(read.faults).toEqual([{ line: 4, reason: 'it is no checkpoint' }]);
    expect(read.points.at(-1)).toMatchObject({ why: 'stop', line: 5 });
  });

  it('need a key that only its owner can read and that was never another file', () => {
    const path = join(folder(), 'keys', 'audit.pem');
    makeSigningKey(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => makeSigningKey(path)).toThrow('never written over another file');
    expect(() => readSigningKey(join(folder(), 'none.pem'))).toThrow('no Ed25519 private key');
    copyFileSync(VERIFIER, `${path}.js`);
    expect(() => readVerifyKey(`${path}.js`)).toThrow('no Ed25519 public key');
  });
});

/** What somebody with the database but without the key can do: change an entry and hash everything behind it again. */
function rewriteFrom(sql: BetterSqlite3.Database, seq: number): void {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const rows = sql.prepare('SELECT seq, prev_hash, body FROM entries WHERE seq >= ? ORDER BY seq').all(seq) as {
    seq: number;
    prev_hash: string;
    body: string;
  }[];
  let last = rows[0]?.prev_hash ?? '';
  for (const row of rows) {
    const body = row.seq === seq ? row.body.replace('"actor":"feed"', '"actor":"fees"') : row.body;
    const hash = createHash('sha256')
      .update(last + body)
      .digest('hex');
    sql.prepare('UPDATE entries SET prev_hash = ?, hash = ?, body = ? WHERE seq = ?').run(last, hash, body, row.seq);
    last = hash;
  }
  sql.prepare('UPDATE audit_head SET hash = ?').run(last);
}
