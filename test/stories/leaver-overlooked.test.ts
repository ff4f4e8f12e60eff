// Somebody whose leave stands in the feed, or whose time is up, and who could be overlooked for the shape of the facts.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { judgeHeld } from '../../src/pipeline/operator.ts';
import { crowd, feed, mappingText, openTestHouse, type Person } from '../support/house.ts';

const PERSONS = mappingText({ '  id: record.ID': '  id: record.ID\n  personId: record.Title' });
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, ...change } : person));

describe('somebody who could be overlooked', () => {
  for (const [says, person] of [
    ['another person', 'P-other'],
    ['no person', ''],
  ] as const) {
    it(`makes no second account for a row that suddenly says ${says}, and its termination still ends the first one`, async () => {
      const { idp, sync, stage, house } = await openTestHouse({ mapping: PERSONS });
      const people = crowd(40, (index) => ({ title: `P-${index}` }));
      await sync(feed(people));
      const moved = changed(people, '1003', { title: person });
      const report = await sync(feed(moved));
      expect(idp.users.size).toBe(40);
      expect(report.rejections.map(({ code, key }) => [code, key])).toEqual([['rekeyed', '1003']]);
      expect(await stage('P-3')).toBe('active/settled');
      expect(await house.store.suspected('acme', 10)).toEqual([]);
      await sync(feed(changed(moved, '1003', { status: 'T' })));
      expect(await stage('P-3')).toBe('left/settled');
      expect([...idp.users.values()].filter(({ active }) => active === false)).toHaveLength(1);
    });
  }

  it('suspects a person whose one row is terminated while the other one has vanished from the snapshot', async () => {
    const { sync, stage, house } = await openTestHouse({ mapping: PERSONS });
    const people = [...crowd(40, (index) => ({ title: `P-${index}` })), { id: '2003', title: 'P-3' }];
    await sync(feed(people));
    await sync(feed(changed(people.slice(0, -1), '1003', { status: 'T' })));
    expect(await stage('P-3')).toBe('active/settled');
    expect((await house.store.suspected('acme', 10)).map(({ key }) => key)).toEqual(['P-3']);
    // It comes back as it was: nobody is suspected any more.
    await sync(feed(changed(people, '1003', { status: 'T' })));
    expect(await house.store.suspected('acme', 10)).toEqual([]);
  });

  it('does not suspect a person whose old row has vanished while a newer one runs', async () => {
    const { sync, house } = await openTestHouse({ mapping: PERSONS });
    const people = [...crowd(40, (index) => ({ title: `P-${index}` })), { id: '2003', title: 'P-3' }];
    await sync(feed(people));
    await sync(feed(people.filter(({ id }) => id !== '1003')));
    expect(await house.store.suspected('acme', 10)).toEqual([]);
  });

  it('takes the groups as well from somebody whose last day came while another guard was tripped', async () => {
    const { idp, sync, clock, settle, house } = await openTestHouse();
    const people = changed(crowd(60), '1003', { status: 'T', end: '2027-01-10' });
    await sync(feed(people));
    // Last days that have passed without a word: inferred, too many, held.
    const contradicted = people.map((person, index) => (index >= 20 ? { ...person, end: '2026-11-01' } : person));
    expect((await sync(feed(contradicted))).kind).toBe('held');
    clock.set(instantOf('2027-01-10T23:30:00Z'));
    await settle();
    expect(idp.user('1003')?.active).toBe(false);
    clock.advance(11 * 60_000);
    await settle();
    expect(idp.members('All staff')).not.toContain(idp.user('1003')?.id);
    expect((await house.store.holds('acme')).length).toBeGreaterThan(0);
  });

  it('keeps leavers held whom only the feed knows when the facts on file are judged while no feed is there', async () => {
    const { idp, sync, house, live, approveAll, mappingsDir, clock, settle } = await openTestHouse();
    const people = crowd(60);
    await sync(feed(people));
    const leaving = feed(people.map((person, index) => (index < 10 ? { ...person, status: 'T' } : person)));
    expect((await sync(leaving)).kind).toBe('held');
    rmSync(join(mappingsDir, 'workers.csv'));
    await approveAll();
    await judgeHeld(house, live);
    await settle();
    expect(await house.store.holds('acme')).toMatchObject([
      { kind: 'feed' },
      { kind: 'explicitLeaver', itemCount: 10 },
    ]);
    clock.advance(3_600_000);
    await sync(leaving);
    expect([...idp.users.values()].filter(({ active }) => active === false)).toHaveLength(10);
    expect(await house.store.holds('acme')).toHaveLength(0);
  });

  it('shows a failed transition for somebody first seen as left of whom the target holds two active accounts', async () => {
    const twin = (id: string, userName: string) => ({
      id,
      schemas: [],
      userName,
      active: true,
      [ENTERPRISE]: { employeeNumber: '1003' },
      meta: {},
    });
    const { idp, sync, stage } = await openTestHouse({
      idp: { users: [twin('a', 'one@example.com'), twin('b', 'two@example.com')] },
    });
    await sync(feed(changed(crowd(10), '1003', { status: 'T' })));
    expect(await stage('1003')).toBe('left/failed');
    expect(idp.users.get('a')?.active).toBe(true);
    await sync(feed(changed(crowd(10), '1003', { status: 'T', title: 'Chief' })));
    expect(await stage('1003')).toBe('left/failed');
  });

  it('acts on a rejected termination although an earlier file had given a later last day', async () => {
    const { idp, sync, stage } = await openTestHouse();
    const people = changed(crowd(10), '1003', { end: '2026-12-20' });
    await sync(feed(people));
    await sync(feed(changed(people, '1003', { status: 'T', end: '2026-11-22', start: '2026-02-30' })));
    expect(await stage('1003')).toBe('left/settled');
    expect(idp.user('1003')?.active).toBe(false);
  });
});
