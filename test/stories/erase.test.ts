// Everything personal about one worker goes, out of the files too; what stays is a key, a whole audit, and that nobody is let in by it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/base/instant.ts';
import type { Resource } from '../support/fake-scim.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const ZOE: Person = { id: 'zoe', first: 'Zephyrine', last: 'Quillfeather', title: 'Cartographer Royal' };
const PLANTED = ['Zephyrine', 'Quillfeather', 'Cartographer', 'Illuminator'];
const others = crowd(20);
const staff = (change: Partial<Person> = {}) => feed([...others, { ...ZOE, ...change }]);

/** How often the values stand in the files of the state folder, as another process finds them. */
function traces(test: TestHouse): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const file of ['rollcall.db', 'rollcall.db-wal'].map((name) => join(test.stateDir, name)).filter(existsSync)) {
    for (const value of PLANTED) {
      const { stdout } = spawnSync('grep', ['-a', '-i', '-o', '-F', value, file], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      const count = stdout.split('\n').filter((line) => line !== '').length;
      if (count > 0) found[value] = (found[value] ?? 0) + count;
    }
  }
  return found;
}

async function left(mapping = mappingText()): Promise<TestHouse> {
  const test = await openTestHouse({ mapping });
  await test.sync(staff());
  await test.sync(staff({ title: 'Illuminator', dept: 'Heliography' }));
  // A row that cannot be read leaves its reason behind.
  await test.sync(staff({ title: 'Illuminator', dept: 'Heliography', start: 'Quillfeather' }));
  await test.sync(staff({ title: 'Illuminator', dept: 'Heliography', status: 'T', end: '2026-11-20' }));
  expect(await test.stage('zoe')).toBe('left/settled');
  return test;
}
const gone = feed(others);
const codes = (result: { faults?: readonly { code: string }[] }) => result.faults?.map(({ code }) => code);
const holds = async ({ house }: TestHouse) =>
  (await house.store.holds('acme')).map(({ kind, items }) => [kind, items.map(({ harm }) => harm.workerKey)]);

describe('rollcall erase', () => {
  it('leaves no personal value in the files, and an audit that verifies', async () => {
    const test = await left();
    test.deliver(gone);
    await test.cycle();
    expect(Object.keys(traces(test)).sort()).toEqual([...PLANTED].sort());
    const before = (await test.house.store.audit.entriesOf('acme', 'zoe')).length;
    const result = await test.act('erase', { worker: 'zoe' });
    expect(result).toMatchObject({ ok: true, exitCode: 0, details: { rewritten: true } });
    expect(traces(test)).toEqual({});
    const entries = await test.house.store.audit.entriesOf('acme', 'zoe');
    expect(entries).toHaveLength(before + 1);
    expect(entries.every(({ personal }) => personal === null)).toBe(true);
    expect(entries.at(-1)?.body).toMatchObject({ act: 'erase', reason: 'a story', rows: { employments: 1 } });
    expect(await test.house.store.audit.verify()).toMatchObject({ ok: true, faults: [] });
    await test.restart();
    expect(await test.stage('zoe')).toBe('left/settled');
    await test.sync(gone);
    expect(traces(test)).toEqual({});
  });

  it('writes nothing to the target, and keeps looking whether the account can be used again', async () => {
    const test = await left();
    await test.sync(gone);
    const writes = test.idp.writes().length;
    await test.act('erase', { worker: 'zoe' });
    await test.settle();
    expect(test.idp.writes()).toHaveLength(writes);
    const account = test.idp.user('zoe') as Resource & { active: boolean };
    account.active = true;
    const { readLeft } = await import('../../src/pipeline/left-watch.ts');
    const [target] = test.live.targets.values();
    if (target === undefined) throw new Error('the house has a target');
    const look = await readLeft(test.house, test.live, target, new AbortController().signal);
    expect(look.active).toEqual(['zoe']);
    await test.settle();
    expect(test.idp.user('zoe')?.active).toBe(false);
    expect(traces(test)).toEqual({});
  });

  it('refuses whoever works here, whoever is still to be disabled, and whose account is active at the target', async () => {
    const test = await openTestHouse();
    await test.sync(staff());
    expect(codes(await test.act('erase', { worker: 'zoe', stillInFeed: true }))).toEqual(['erase.not-left']);
    test.deliver(staff({ status: 'T', end: '2026-11-20' }));
    await test.cycle();
    expect(codes(await test.act('erase', { worker: 'zoe', stillInFeed: true }))).toEqual(['erase.under-way']);
    await test.settle();
    const account = test.idp.user('zoe') as Resource & { active: boolean };
    account.active = true;
    expect(codes(await test.act('erase', { worker: 'zoe', stillInFeed: true }))).toEqual(['erase.active']);
    expect(codes(await test.act('erase', { worker: 'nobody' }))).toEqual(['worker.unknown']);
    expect(Object.keys(traces(test)).length).toBeGreaterThan(0);
  });

  it('refuses whom the feed still holds, and passes the record over once a person says so', async () => {
    const test = await left();
    expect(codes(await test.act('erase', { worker: 'zoe' }))).toEqual(['erase.in-feed']);
    expect((await test.act('erase', { worker: 'zoe', stillInFeed: true })).ok).toBe(true);
    const writes = test.idp.writes().length;
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync(staff({ title: `Illuminator ${day}`, status: 'T', end: '2026-11-20' }));
    }
    expect(traces(test)).toEqual({});
    expect(test.idp.writes()).toHaveLength(writes);
    expect(await holds(test)).toEqual([]);
    expect((await test.house.store.situations('acme', ['zoe'])).get('zoe')?.employments).toEqual([]);
  });

  it('cannot tell whether a feed that is not there holds the person', async () => {
    const test = await left();
    const { rmSync } = await import('node:fs');
    rmSync(join(test.mappingsDir, 'workers.csv'));
    expect(codes(await test.act('erase', { worker: 'zoe' }))).toEqual(['erase.feed-unknown']);
  });

  it('holds a rehire until a person lets it pass, and then gives the old account back under its own name', async () => {
    const test = await left();
    await test.sync(gone);
    await test.act('erase', { worker: 'zoe' });
    const name = test.idp.user('zoe')?.userName;
    test.clock.advance(DAY_MS);
    const writes = test.idp.writes().length;
    await test.sync(staff({ start: '2026-11-24' }));
    expect(await holds(test)).toEqual([['erased', ['zoe']]]);
    expect(test.idp.writes()).toHaveLength(writes);
    await test.sync(staff({ start: '2026-11-24' }));
    await test.approveAll();
    await test.sync(staff({ start: '2026-11-24' }));
    await test.settle();
    expect(await test.stage('zoe')).toBe('active/settled');
    expect(test.idp.users.size).toBe(21);
    expect(test.idp.user('zoe')).toMatchObject({ active: true, userName: name, title: 'Cartographer Royal' });
    expect(await holds(test)).toEqual([]);
    // From here on they are a worker like any other.
    await test.sync(staff({ start: '2026-11-24', title: 'Illuminator' }));
    expect(test.idp.user('zoe')).toMatchObject({ active: true, userName: name, title: 'Illuminator' });
  });

  it('gives the name of an erased worker to nobody else', async () => {
    const test = await left();
    await test.sync(gone);
    const name = test.idp.user('zoe')?.userName;
    await test.act('erase', { worker: 'zoe' });
    for (const [id, user] of test.idp.users) if (user.externalId === 'zoe') test.idp.users.delete(id);
    await test.sync(feed([...others, { ...ZOE, id: 'another' }]));
    expect(test.idp.user('another')?.userName).not.toBe(name);
    expect(test.idp.user('another')?.userName).toBe('zephyrine.quillfeather2@example.com');
  });

  it('keeps an ordered leave that stands: nothing HR says undoes it', async () => {
    const test = await openTestHouse();
    await test.sync(staff());
    await test.act('leave', { worker: 'zoe' });
    await test.settle();
    expect((await test.act('erase', { worker: 'zoe', stillInFeed: true })).ok).toBe(true);
    test.clock.advance(DAY_MS);
    await test.sync(staff({ title: 'Illuminator' }));
    await test.approveAll();
    await test.sync(staff({ title: 'Illuminator' }));
    expect(test.idp.user('zoe')?.active).toBe(false);
  });

  it('is done once: again it only writes the file anew', async () => {
    const test = await left();
    await test.sync(gone);
    await test.act('erase', { worker: 'zoe' });
    const entries = (await test.house.store.audit.head()).seq;
    expect(await test.act('erase', { worker: 'zoe' })).toMatchObject({ ok: true, exitCode: 0 });
    expect((await test.house.store.audit.head()).seq).toBe(entries);
  });

  it('counts beforehand what it would erase', async () => {
    const test = await left();
    const rows = await test.house.store.erasable('acme', 'zoe', []);
    expect(rows).toMatchObject({ employments: 1, accounts: 1, reserved_names: 1 });
    expect(rows?.personal).toBeGreaterThan(2);
    expect(await test.house.store.erasable('acme', 'nobody', [])).toBeNull();
    expect(Object.keys(traces(test)).length).toBeGreaterThan(0);
  });
});
