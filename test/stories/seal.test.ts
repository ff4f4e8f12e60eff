// Old entries of the audit go into signed files, and nothing but a seal lets them go. Whoever checks the rest can tell.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, type Instant, plusMs } from '../../src/base/instant.ts';
import { verifySegments } from '../../src/cli/audit-segments.ts';
import { writeProof } from '../../src/pipeline/proof.ts';
import { sealLoop } from '../../src/pipeline/seal.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { makeSigningKey, proofFile, readVerifyKey } from '../../src/runtime/proof.ts';
import { crowd, feed, openTestHouse, type TestHouse } from '../support/house.ts';

const VERIFIER = join(import.meta.dirname, '../../tools/verify-audit.mjs');
const NODE = join(import.meta.dirname, '../../node_modules/.bin/node');
const people = crowd(30);

interface Scene {
  readonly test: TestHouse;
  readonly publicFile: string;
  readonly segments: string;
  /** After the first loads, before a hundred days passed. */
  readonly middle: Instant;
}

/** A log with a past of a hundred days. */
async function scene(environment: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-seal-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const key = makeSigningKey(join(dir, 'audit.pem'));
  const publicFile = join(dir, 'audit.pub');
  writeFileSync(publicFile, createPublicKey(key).export({ type: 'spki', format: 'pem' }));
  const segments = join(dir, 'segments');
  const test = await openTestHouse({
    environment: { ROLLCALL_AUDIT_KEY: join(dir, 'audit.pem'), ROLLCALL_SEGMENTS: segments, ...environment },
  });
  await test.sync(feed(people));
  await test.sync(feed(people.map((one) => (one.id === '1000' ? { ...one, status: 'T', end: '2026-11-20' } : one))));
  await writeProof(test.house, 'interval');
  const middle = nowOf(test.clock);
  test.clock.advance(100 * DAY_MS);
  const moved = people.map((one) =>
    one.id === '1000'
      ? { ...one, status: 'T', end: '2026-11-20' }
      : one.id === '1001'
        ? { ...one, title: 'Chief' }
        : one,
  );
  await test.sync(feed(moved));
  return { test, publicFile, segments, middle: plusMs(middle, 1) };
}
const seal = ({ test, middle }: Scene) => test.act('seal', { until: middle });
const database = ({ stateDir }: TestHouse) => join(stateDir, 'rollcall.db');
const checked = async ({ test, publicFile, segments }: Scene, dir = segments) =>
  verifySegments(dir, await test.house.store.segments(), [readVerifyKey(publicFile)], new Map());
const separately = ({ test, publicFile, segments }: Scene, ...more: string[]) =>
  spawnSync(
    NODE,
    [VERIFIER, database(test), proofFile(join(test.stateDir, 'proof')), publicFile, '--segments', segments, ...more],
    {
      encoding: 'utf8',
    },
  );
const codes = (result: { faults?: readonly { code: string }[] }) => result.faults?.map(({ code }) => code);

describe('rollcall audit seal', () => {
  it('moves what is old into a signed file, and everything still verifies, here and by the separate verifier', async () => {
    const one = await scene();
    const { test } = one;
    const before = (await test.house.store.audit.head()).seq;
    const result = await seal(one);
    expect(result).toMatchObject({ ok: true, details: { segments: 1 } });
    const last = Number(result.details?.last);
    expect(last).toBeGreaterThan(60);
    const [first] = await test.house.store.chain(0, 1);
    expect(first?.seq).toBe(last + 1);
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true, entries: before + 1, sealed: last });
    expect(await checked(one)).toMatchObject({ count: 1, last, checked: true, absent: [], faults: [] });
    const said = separately(one);
    expect(said.stdout).toContain(`entries 1 to ${last} are sealed`);
    expect(said.stdout).toContain('0 fault(s)');
    expect(said.status).toBe(0);
    await test.restart();
    await test.sync(feed(people.map((person) => ({ ...person, title: 'Boss' }))));
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true, sealed: last });
    expect(await test.stage('1000')).toBe('left/settled');
  });

  it('writes no personal value into a segment, and keeps none of what it sealed', async () => {
    const one = await scene();
    await seal(one);
    const [file] = readdirSync(one.segments).filter((name) => name.endsWith('.jsonl'));
    const text = readFileSync(join(one.segments, String(file)), 'utf8');
    for (const name of ['First10', 'Last10', 'Clerk', '@example.com']) expect(text).not.toContain(name);
    const sql = new BetterSqlite3(database(one.test), { readonly: true });
    const kept = sql.prepare('SELECT min(seq) AS first FROM personal').get() as { first: number };
    sql.close();
    expect(kept.first).toBeGreaterThan(Number((await one.test.house.store.segments())[0]?.last));
  });

  it('says when the file of a segment is not there, and finds every change in one', async () => {
    const one = await scene();
    await seal(one);
    expect((await checked(one, join(one.segments, 'elsewhere'))).absent).toHaveLength(1);
    const file = join(one.segments, readdirSync(one.segments).find((name) => name.endsWith('.jsonl')) ?? '');
    const whole = readFileSync(file, 'utf8');
    const lines = whole.split('\n');
    const places: Record<string, readonly string[]> = {
      text: lines.map((line, at) => (at === 7 ? line.replace('acme', 'ecma') : line)),
      gone: lines.filter((_, at) => at !== 7),
      swapped: lines.map((line, at) => (at === 7 ? String(lines[8]) : at === 8 ? String(lines[7]) : line)),
      cut: lines.slice(0, 8),
      nonsense: lines.map((line, at) => (at === 7 ? 'x' : line)),
    };
    for (const [how, changed] of Object.entries(places)) {
      writeFileSync(file, changed.join('\n'));
      expect((await checked(one)).faults.length, how).toBeGreaterThan(0);
      if (how !== 'nonsense') expect(separately(one).status, how).toBe(1);
    }
    writeFileSync(file, whole);
    expect((await checked(one)).faults).toEqual([]);
    renameSync(file, `${file}.away`);
    const said = separately(one);
    expect(said.stdout).toContain('NOT READ, its file is not there');
    expect(said.status).toBe(0);
  });

  it('lets nobody delete entries beside it: triggers refuse, and without them it shows', async () => {
    const one = await scene();
    await seal(one);
    await one.test.house.close();
    const copy = join(one.test.stateDir, 'copy.db');
    const attack = async (...statements: string[]) => {
      for (const rest of ['', '-wal', '-shm']) rmSync(`${copy}${rest}`, { force: true });
      copyFileSync(database(one.test), copy);
      const sql = new BetterSqlite3(copy);
      sql.pragma('foreign_keys = OFF');
      try {
        for (const statement of statements) sql.exec(statement);
        return null;
      } catch (error) {
        return (error as Error).message;
      } finally {
        sql.close();
      }
    };
    const gate = `INSERT INTO settings (key, value) VALUES ('audit.sealing', 'true')`;
    const { last } = JSON.parse(
      readFileSync(join(one.segments, readdirSync(one.segments).find((name) => name.endsWith('.json')) ?? ''), 'utf8'),
    ).manifest;
    // The gate alone opens nothing: only what stands in a segment may go.
    expect(await attack(gate, `DELETE FROM entries WHERE seq = ${last + 1}`)).toContain('never deleted');
    expect(await attack(gate, 'DELETE FROM personal')).toContain('only go when');
    expect(await attack('DELETE FROM segments')).toContain('never forgotten');
    expect(await attack(`UPDATE segments SET last_seq = last_seq + 1`)).toContain('never change');
    const forged = `INSERT INTO segments SELECT ${last + 1}, ${last + 2}, last_hash, last_hash, manifest, sig, entry_seq FROM segments`;
    expect(await attack(forged)).toContain('follow one another');
    const rightly = `INSERT INTO segments SELECT ${last + 1}, ${last + 2}, (SELECT prev_hash FROM entries WHERE seq = ${last + 1}),
      (SELECT hash FROM entries WHERE seq = ${last + 2}), manifest, sig, (SELECT max(seq) + 1 FROM entries) FROM segments`;
    // With the right hashes the triggers are content; the signature is not, and no entry speaks of it.
    expect(
      await attack(
        gate,
        rightly,
        `DELETE FROM personal WHERE seq <= ${last + 2}`,
        `DELETE FROM entries WHERE seq <= ${last + 2}`,
      ),
    ).toBeNull();
    const said = spawnSync(
      NODE,
      [VERIFIER, copy, proofFile(join(one.test.stateDir, 'proof')), one.publicFile, '--segments', one.segments],
      {
        encoding: 'utf8',
      },
    );
    expect(said.status).toBe(1);
    expect(said.stdout).toContain('it is not the one that was signed');
    expect(said.stdout).toContain('no entry says that it was sealed');
    await one.test.restart();
  });

  it('refuses what is too near, what nobody signs, and a log that is not as it was written', async () => {
    const one = await scene();
    expect(codes(await one.test.act('seal', { until: nowOf(one.test.clock) }))).toEqual(['audit.seal-near']);
    const unsigned = await openTestHouse();
    expect(codes(await unsigned.act('seal', { until: '2020-01-01T00:00:00.000Z' }))).toEqual(['audit.seal-unsigned']);
    const sql = new BetterSqlite3(database(one.test));
    sql.exec('DROP TRIGGER entries_never_change');
    sql.exec(`UPDATE entries SET body = replace(body, 'acme', 'ecma') WHERE seq = 9`);
    sql.close();
    const result = await seal(one);
    expect(codes(result)).toEqual(['audit.seal-broken']);
    expect(result.message).toContain('entry 9');
    expect((await one.test.house.store.chain(0, 1))[0]?.seq).toBe(1);
  });

  it('goes on after the last segment, and is content when nothing is old enough', async () => {
    const one = await scene();
    await seal(one);
    expect((await seal(one)).message).toContain('no entry before');
    one.test.clock.advance(100 * DAY_MS);
    await one.test.sync(feed(people.map((person) => ({ ...person, title: 'Boss' }))));
    const until = plusMs(nowOf(one.test.clock), -95 * DAY_MS);
    expect(await one.test.act('seal', { until })).toMatchObject({ details: { segments: 1 } });
    expect(await checked(one)).toMatchObject({ count: 2, faults: [] });
    expect(await one.test.house.store.audit.verify()).toMatchObject({ ok: true });
    expect(separately(one).status).toBe(0);
  });

  it('happens by itself where days are set, four times a day', async () => {
    const { test, segments } = await scene();
    const stop = new AbortController();
    const loop = sealLoop(test.house, 95, stop.signal);
    for (let turn = 0; turn < 20_000 && (await test.house.store.segments()).length === 0; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await loop;
    expect(readdirSync(segments)).toHaveLength(2);
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true });
    await sealLoop(test.house, null, new AbortController().signal);
  });
});
