// Whatever schema a state folder has, today's code brings it up to date, proves its audit, and finds nothing to send.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/base/instant.ts';
import { runCli } from '../support/cli.ts';
import type { Resource } from '../support/fake-scim.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import {
  databaseAt,
  fixtureOf,
  PRESENT_SCHEMA,
  tellUpgradeStory,
  UPGRADE_STORY,
  WRITTEN,
} from '../support/upgrades.ts';

const SCHEMAS = Array.from({ length: PRESENT_SCHEMA }, (_, index) => index + 1);

interface StoredAccount {
  readonly remote_id: string;
  readonly user_name: string;
  readonly external_id: string;
  readonly active: number;
  readonly known: string;
}

/** A house on a state folder of this schema, with a target that holds what was delivered to it. */
async function houseAt(schema: number): Promise<TestHouse> {
  const bytes = databaseAt(schema);
  const sql = new BetterSqlite3(bytes);
  const accounts = sql.prepare<[], StoredAccount>('SELECT * FROM accounts WHERE remote_id IS NOT NULL').all();
  sql.close();
  const users = accounts.map(
    (one) =>
      ({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        ...JSON.parse(one.known),
        id: one.remote_id,
        userName: one.user_name,
        externalId: one.external_id,
        active: one.active === 1,
      }) as Resource,
  );
  const test = await openTestHouse({ idp: { users } });
  test.clock.advance(DAY_MS);
  await test.house.close();
  const file = join(test.stateDir, 'rollcall.db');
  for (const rest of ['-wal', '-shm']) rmSync(`${file}${rest}`, { force: true });
  writeFileSync(file, bytes);
  const old = new BetterSqlite3(file);
  old.prepare('UPDATE targets SET base_url = ?').run(test.idp.url);
  old.close();
  await test.restart();
  return test;
}

describe('a state folder of an earlier version', () => {
  it('is there for the schema of today, and for every other that was ever written by whole code', () => {
    if (process.env.UPDATE_GOLDEN !== '1') expect(WRITTEN).toEqual([1, 7, ...SCHEMAS.slice(11)]);
  });

  it.runIf(process.env.UPDATE_GOLDEN === '1')('is written for the schema of today', async () => {
    const test = await openTestHouse();
    await tellUpgradeStory(test);
    await test.house.close();
    const sql = new BetterSqlite3(join(test.stateDir, 'rollcall.db'));
    sql.pragma('journal_mode = DELETE');
    sql.exec('VACUUM');
    const bytes = sql.serialize();
    sql.close();
    writeFileSync(fixtureOf(PRESENT_SCHEMA), gzipSync(bytes, { level: 9 }));
    await test.restart();
  });

  it.each(SCHEMAS)('of schema %i opens, verifies, answers, and a sync sends nothing', async (schema) => {
    const test = await houseAt(schema);
    const { house, idp } = test;
    expect(await house.store.audit.verify()).toMatchObject({ ok: true, faults: [] });
    expect(await house.store.population('acme')).toEqual({ workers: 24, active: 22 });
    expect([await test.stage('boss'), await test.stage('leaver'), await test.stage('later')]).toEqual([
      'active/settled',
      'left/settled',
      'expected/settled',
    ]);
    const report = await test.sync(UPGRADE_STORY.at(-1));
    expect(['done', 'unchanged']).toContain(report.kind);
    expect(idp.writes().map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    expect(await house.store.holds('acme')).toEqual([]);
    // It goes on as it was: a mover moves.
    await test.sync((UPGRADE_STORY.at(-1) ?? '').replace('Chief', 'Captain'));
    expect(idp.writes()).toHaveLength(1);
    expect(idp.user('mover')).toMatchObject({ title: 'Captain' });
    await house.close();
    const old = new BetterSqlite3(join(test.stateDir, 'rollcall.db'), { readonly: true });
    expect(old.pragma('user_version', { simple: true })).toBe(PRESENT_SCHEMA);
    expect(old.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(old.pragma('foreign_key_check')).toEqual([]);
    old.close();
    const where = ['--state', test.stateDir, '--mappings', test.mappingsDir];
    for (const line of [['status'], ['worker', 'mover'], ['explain', 'leaver'], ['audit', 'verify']]) {
      const run = await runCli([...line, ...where]);
      expect(run.code, `${line.join(' ')}\n${run.stdout}${run.stderr}`).toBe(0);
    }
    await test.restart();
  });
});
