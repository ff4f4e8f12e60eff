// What a person says about a hold: an approval ends, what changed since falls out of it, and what was set aside comes back.
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const DAY_MS = 24 * HOUR_MS;
const PEOPLE = crowd(30);
const as = (change: Partial<Person>): string =>
  feed(PEOPLE.map((person) => (person.id === '1007' ? { ...person, ...change } : person)));

/** Somebody has an account already: taking it over always waits for a person. */
async function withAdoption(): Promise<TestHouse> {
  const test = await openTestHouse({
    idp: { users: [{ userName: 'old@example.com', externalId: '1007', active: true, title: 'Old' }] },
  });
  expect((await test.sync(feed(PEOPLE))).holds).toMatchObject([{ kind: 'adoption', items: 1 }]);
  return test;
}

const open = async (test: TestHouse) =>
  (await test.house.store.holds('acme')).map(({ kind, itemCount, approvedBy, discardedBy }) => ({
    kind,
    itemCount,
    approvedBy,
    discardedBy,
  }));
const digestOf = async (test: TestHouse): Promise<string> => (await test.house.store.holds('acme'))[0]?.digest ?? '';
const oldTitle = (test: TestHouse): unknown => test.idp.user('1007')?.title;

describe('an approval', () => {
  it('releases what it names while it stands', async () => {
    const test = await withAdoption();
    await test.act('approve', { digest: await digestOf(test), hours: 2 });
    expect((await test.sync()).holds).toEqual([]);
    expect(oldTitle(test)).toBe('Clerk');
  });

  it('ends: what was not judged by then is held again', async () => {
    const test = await withAdoption();
    await test.act('approve', { digest: await digestOf(test), hours: 2 });
    test.clock.advance(2 * HOUR_MS + 1_000);
    expect((await test.sync()).holds).toMatchObject([{ kind: 'adoption', items: 1 }]);
    expect(oldTitle(test)).toBe('Old');
    expect(await open(test)).toMatchObject([{ approvedBy: null }]);
  });

  it('does not cover what changed since', async () => {
    const test = await withAdoption();
    await test.act('approve', { digest: await digestOf(test), hours: 20 });
    expect((await test.sync(as({ title: 'Chief' }))).holds).toMatchObject([{ kind: 'adoption', items: 1 }]);
    expect(oldTitle(test)).toBe('Old');
    expect(await open(test)).toMatchObject([{ approvedBy: null }]);
  });

  it('of a digest that is not the hold’s any more releases nothing', async () => {
    const test = await withAdoption();
    const digest = await digestOf(test);
    await test.sync(as({ title: 'Chief' }));
    expect(await test.act('approve', { digest }).catch((error: unknown) => error)).not.toMatchObject({ ok: true });
    await test.sync();
    expect(oldTitle(test)).toBe('Old');
  });
});

describe('what was set aside', () => {
  const setAside = async (): Promise<TestHouse> => {
    const test = await withAdoption();
    expect(await test.act('discard', { digest: await digestOf(test) })).toMatchObject({ ok: true });
    await test.sync();
    expect(await open(test)).toMatchObject([{ kind: 'adoption', itemCount: 1, discardedBy: 'tester' }]);
    return test;
  };

  it('stays set aside while nothing of it changes, and comes back after 30 days', async () => {
    const test = await setAside();
    for (let day = 1; day < 30; day += 7) {
      test.clock.advance(7 * DAY_MS - HOUR_MS);
      await test.sync(feed(PEOPLE));
      if (day < 22) expect(await open(test)).toMatchObject([{ discardedBy: 'tester' }]);
    }
    expect(await open(test)).toMatchObject([{ itemCount: 1, discardedBy: null }]);
  });

  it('comes back when the record changes', async () => {
    const test = await setAside();
    await test.sync(as({ title: 'Chief' }));
    expect(await open(test)).toMatchObject([{ itemCount: 1, discardedBy: null }]);
  });

  it('comes back when the mapping changes', async () => {
    const test = await setAside();
    await test.restart(`${mappingText()}# Nothing but a remark.\n`);
    await test.sync();
    expect(await open(test)).toMatchObject([{ discardedBy: 'tester' }]);
    await test.restart(mappingText({ 'title: worker.title': `title: 'worker.title + ""'` }));
    await test.sync();
    expect(await open(test)).toMatchObject([{ kind: 'adoption', itemCount: 1, discardedBy: null }]);
  });

  it('is never sent meanwhile', async () => {
    const test = await setAside();
    expect(oldTitle(test)).toBe('Old');
  });
});
