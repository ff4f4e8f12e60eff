// What a target really holds: found, mended where policy allows it and guards let it, and nothing left the second time.
import { describe, expect, it } from 'vitest';
import type { Repair } from '../../src/mapping/connection-schema.ts';
import { type DriftKind, reconcile } from '../../src/pipeline/reconcile.ts';
import type { Resource } from '../support/fake-scim.ts';
import { comes, crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const ALL: readonly Repair[] = ['zombies', 'disabled', 'drifted', 'missing'];

async function compare(test: TestHouse, repair: readonly Repair[] = []) {
  const [target] = test.live.targets.values();
  if (target === undefined) throw new Error('there is no target');
  const report = await reconcile(test.house, test.live, target, {
    repair,
    actor: 'operator:tester',
    signal: new AbortController().signal,
  });
  await test.settle(10 * MINUTE);
  return report;
}
const found = (report: { counts: Readonly<Record<DriftKind, number>> }) =>
  Object.fromEntries(Object.entries(report.counts).filter(([, count]) => count > 0));

/** As another administrator would: behind our back, at the target. */
function touch({ idp }: TestHouse, key: string, change: Readonly<Record<string, unknown>>): void {
  const user = idp.user(key);
  if (user === undefined) throw new Error(`nobody at the target is ${key}`);
  idp.users.set(String(user.id), { ...user, ...change } as Resource);
}
function adds({ idp }: TestHouse, id: string, more: Readonly<Record<string, unknown>>): void {
  const [sample] = idp.users.values();
  idp.users.set(id, { schemas: sample?.schemas, id, active: true, ...more } as Resource);
}

async function at(people: readonly Person[], mapping = mappingText()): Promise<TestHouse> {
  const test = await openTestHouse({ mapping });
  await test.sync(feed(people));
  return test;
}

async function leave(test: TestHouse, people: readonly Person[], ids: readonly string[]): Promise<void> {
  await comes(test, feed(people.map((one) => (ids.includes(one.id) ? { ...one, status: 'T' } : one))));
  await test.settle(MINUTE);
}

describe('a reconciliation', () => {
  it('of a target that is as it is believed to be finds nothing and writes nothing', async () => {
    const test = await at(crowd(50));
    const writes = test.idp.writes().length;
    const report = await compare(test, ALL);
    expect(found(report)).toEqual({});
    expect(report).toMatchObject({ listed: 50, ours: 50, repaired: {}, withheld: [] });
    expect(test.idp.writes()).toHaveLength(writes);
  });

  it('names zombies, the disabled, the drifted, the missing, duplicates, orphans and what is foreign', async () => {
    const people = crowd(40);
    const test = await at(people);
    await leave(test, people, ['1003']);
    touch(test, '1003', { active: true });
    touch(test, '1004', { active: false });
    touch(test, '1005', { title: 'Emperor' });
    test.idp.users.delete(String(test.idp.user('1006')?.id));
    adds(test, 'x-1', { userName: 'twice@example.com', externalId: '1007' });
    adds(test, 'x-2', { userName: 'nobody@example.com' });
    adds(test, 'x-3', { userName: 'other@example.com', externalId: 'of-another-tool' });
    const writes = test.idp.writes().length;
    const report = await compare(test);
    expect(found(report)).toEqual({
      zombie: 1,
      disabled: 1,
      drifted: 1,
      missing: 1,
      duplicate: 1,
      orphan: 1,
      foreign: 1,
    });
    const of = (kind: DriftKind) => report.samples.find((one) => one.kind === kind);
    expect(of('zombie')).toMatchObject({ worker: '1003', paths: ['active'] });
    expect(of('drifted')).toMatchObject({ worker: '1005', paths: ['title'] });
    expect(of('duplicate')).toMatchObject({ worker: '1007', remoteId: 'x-1' });
    expect(of('orphan')).toMatchObject({ worker: null, remoteId: 'x-2' });
    expect(test.idp.writes()).toHaveLength(writes);
    expect((await test.house.store.alarms('acme')).map(({ code }) => code)).toContain('account.zombie');
  });

  it('mends what policy allows through the ordinary way, and finds nothing of it the second time', async () => {
    const people = crowd(60);
    const test = await at(people);
    await leave(test, people, ['1003']);
    touch(test, '1003', { active: true });
    touch(test, '1004', { active: false });
    touch(test, '1005', { title: 'Emperor' });
    test.idp.users.delete(String(test.idp.user('1006')?.id));
    const report = await compare(test, ALL);
    expect(report.repaired).toEqual({ zombie: 1, disabled: 1, drifted: 1, missing: 1 });
    expect(test.idp.user('1003')?.active).toBe(false);
    expect(test.idp.user('1004')?.active).toBe(true);
    expect(test.idp.user('1005')?.title).toBe('Clerk');
    expect(test.idp.user('1006')).toMatchObject({ active: true, externalId: '1006' });
    const writes = test.idp.writes().length;
    expect(found(await compare(test, ALL))).toEqual({});
    expect(test.idp.writes()).toHaveLength(writes);
    expect((await test.house.store.alarms('acme')).map(({ code }) => code)).not.toContain('account.zombie');
    const entries = await test.house.store.audit.entriesOf('acme', '1003');
    expect(entries.some(({ kind, body }) => kind === 'reconciled' && body.found === 'zombie')).toBe(true);
    expect((await test.house.store.audit.verify()).ok).toBe(true);
  });

  it('mends only what it is told to', async () => {
    const test = await at(crowd(40));
    touch(test, '1004', { active: false });
    touch(test, '1005', { title: 'Emperor' });
    const report = await compare(test, ['zombies']);
    expect(found(report)).toEqual({ disabled: 1, drifted: 1 });
    expect(report.repaired).toEqual({});
    expect(test.idp.user('1004')?.active).toBe(false);
    expect(test.idp.user('1005')?.title).toBe('Emperor');
  });

  it('changes nobody where many drifted: the guard holds what it leads to', async () => {
    const people = crowd(50);
    const test = await at(people);
    for (const { id } of people.slice(0, 25)) touch(test, id, { title: 'Emperor' });
    const writes = test.idp.writes().length;
    expect((await compare(test, ALL)).counts.drifted).toBe(25);
    expect(test.idp.writes()).toHaveLength(writes);
    expect((await test.house.store.holds('acme')).map(({ kind }) => kind)).toEqual(['attributeChanged']);
  });

  it('makes nobody again where accounts are gone in numbers, and alerts', async () => {
    const people = crowd(50);
    const test = await at(people);
    for (const { id } of people.slice(0, 5)) test.idp.users.delete(String(test.idp.user(id)?.id));
    const report = await compare(test, ALL);
    expect(report.counts.missing).toBe(5);
    expect(report.repaired).toEqual({});
    expect(report.withheld[0]).toContain('5 accounts are gone');
    expect(test.idp.users.size).toBe(45);
    expect((await test.house.store.alarms('acme')).map(({ code }) => code)).toContain('account.gone');
  });

  it('leaves protected accounts, those of other connections and what is under way alone', async () => {
    const people = crowd(30);
    const test = await at(people, `${mappingText()}protected: ['account.userName.startsWith("svc-")']\n`);
    adds(test, 'x-1', { userName: 'svc-backup@example.com' });
    await test.act('stop-writes', { target: 'idp' });
    await comes(test, feed(people.map((one) => (one.id === '1005' ? { ...one, title: 'Duke' } : one))));
    const report = await compare(test, ALL);
    expect(found(report)).toEqual({});
    expect(report.protected).toBe(1);
  });

  it('believes no listing that is not complete', async () => {
    const test = await at(crowd(30));
    const cut = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: 30,
      startIndex: 1,
      itemsPerPage: 0,
      Resources: [],
    };
    const act = { kind: 'answer', status: 200, body: JSON.stringify(cut) } as const;
    test.idp.behaviours.add({ method: 'GET', path: /^\/Users\?/, act });
    await expect(compare(test, ALL)).rejects.toThrow();
    expect((await test.house.store.audit.tail(5, { kinds: ['reconciliation'] })).length).toBe(0);
  });
});
