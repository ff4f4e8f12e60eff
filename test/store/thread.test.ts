import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import { StoreUnknown } from '../../src/store/store.ts';
import {
  aChange,
  aLaterChange,
  anAccount,
  anOperation,
  heldStore,
  minutesAfterNoon,
  NOON,
  tempFolder,
} from '../support/store.ts';

const release = {
  digest: 'abcdef0123456789',
  reason: 'r',
  by: 'kim',
  osUser: 'root',
  channel: 'cli',
  at: NOON,
  expiresAt: minutesAfterNoon(60),
};

describe('a store that writes on a thread of its own', () => {
  it('reads what was committed as soon as the commit has resolved, however many are under way', async () => {
    const { store } = await heldStore(undefined, 'threaded');
    const keys = Array.from({ length: 300 }, (_, index) => `w${index}`);
    const seen = await Promise.all(
      keys.map(async (key) => {
        await store.commit({ connection: 'acme', at: NOON, workers: [aChange(key)] });
        return (await store.situations('acme', [key])).get(key)?.revision;
      }),
    );
    expect(seen).toEqual(keys.map(() => 1));
    expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 300 });
  });

  it('keeps texts of every script, line breaks and quotes as they were', async () => {
    const { store } = await heldStore(undefined, 'threaded');
    const odd = 'Łukasz "李" \n\r\u2028 \u0000 😀 \\';
    const account = anAccount('1', { known: { [odd]: odd }, groups: [odd, ','], managerOwed: odd });
    const payload = { ...anOperation('1').payload, attributes: { [odd]: [odd] } };
    const entry = {
      kind: 'decision',
      connection: 'acme',
      workerKey: '1',
      actor: odd,
      body: { b: odd, a: [odd] },
      personal: { z: odd, [odd]: null },
    };
    await store.commit({
      connection: 'acme',
      at: NOON,
      workers: [
        aChange('1', { accounts: [account], operations: [anOperation('1', { payload })], entries: [entry] }),
        aChange('2', { employments: [], entries: [] }),
      ],
    });
    expect((await store.situations('acme', ['1'])).get('1')).toMatchObject({
      accounts: [account],
      operations: [{ payload }],
    });
    expect(await store.claim('idp', { lanes: ['joiner'], limit: 1, now: NOON })).toMatchObject([{ payload, account }]);
    expect(await store.audit.entriesOf('acme', '1')).toMatchObject([
      { actor: odd, body: entry.body, personal: entry.personal },
    ]);
  });

  it('takes its time from the house', async () => {
    const { store, clock } = await heldStore(undefined, 'threaded');
    clock.now = instantOf('2031-05-06T07:08:09Z');
    const id = await store.addAct({ kind: 'leave', args: {}, reason: 'r', by: 'kim', osUser: 'root', channel: 'cli' });
    expect(await store.act(id)).toMatchObject({ createdAt: clock.now });
  });

  it('hands over what a person can fix with its code, its hint and its exit code', async () => {
    const { store } = await heldStore(undefined, 'threaded');
    const refused = await store.approve(release).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({
      faults: [{ code: 'hold.not-present', hint: expect.stringContaining('no hold is open') }],
      exitCode: 2,
    });
  });

  it('refuses to open a database that a newer Rollcall has written, as a Problem, and leaves nothing running', async () => {
    const dir = tempFolder();
    const { store } = await heldStore(dir, 'threaded');
    await store.close();
    const database = new BetterSqlite3(join(dir, 'rollcall.db'));
    database.pragma('user_version = 999');
    database.close();
    const refused = await heldStore(dir, 'threaded').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({ faults: [{ code: 'state.newer' }] });
  });

  it('stores what was asked before it is closed, folds the log away, and refuses what comes after', async () => {
    const { dir, store } = await heldStore(undefined, 'threaded');
    const commits = Array.from({ length: 20 }, (_, index) =>
      store.commit({ connection: 'acme', at: NOON, workers: [aChange(`w${index}`)] }),
    );
    await Promise.all([store.close(), store.close()]);
    expect((await Promise.all(commits)).every(({ kind }) => kind === 'applied')).toBe(true);
    const log = join(dir, 'rollcall.db-wal');
    expect(existsSync(log) ? statSync(log).size : 0).toBe(0);
    await expect(store.saveSetting('a', 1)).rejects.toThrow('the store is open');
    await expect(store.setting('a')).rejects.toThrow('the store is open');
    const { store: reopened } = await heldStore(dir);
    expect(await reopened.population('acme')).toEqual({ workers: 20, active: 20 });
  });

  it('is in doubt as a whole when its thread dies: every call after that is refused', async () => {
    const { dir, store } = await heldStore(undefined, 'threaded');
    await store.commit({ connection: 'acme', at: NOON, workers: [aChange('1')] });
    // Takes away what the thread sweeps after a changed hold: a bug nobody catches there.
    const database = new BetterSqlite3(join(dir, 'rollcall.db'));
    database.pragma('foreign_keys = OFF');
    database.exec('DROP TABLE inventory_versions');
    database.close();
    // Its answer and the end of the thread race each other: either may come first.
    await store
      .commit({
        connection: 'acme',
        at: NOON,
        holds: [{ kind: 'feed', reason: 'r', items: [] }],
        workers: [aLaterChange('1', 1)],
      })
      .catch((thrown: unknown) => expect(thrown).toBeInstanceOf(StoreUnknown));
    let error: unknown = null;
    while (error === null)
      error = await store.saveSetting('a', 1).then(
        () => null,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(StoreUnknown);
    expect(error).toMatchObject({ cause: { message: expect.stringContaining('inventory_versions') } });
    await expect(store.commit({ connection: 'acme', at: NOON })).rejects.toBeInstanceOf(StoreUnknown);
    await expect(store.population('acme')).rejects.toBeInstanceOf(StoreUnknown);
    await store.close();
  });
});
