import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const DELTAS = mappingText({ 'path: workers.csv, ': 'path: change-*.csv, content: delta, ' });
const people = crowd(60);

const inactive = ({ idp }: TestHouse): readonly string[] =>
  [...idp.users.values()].flatMap(({ active, externalId }) => (active === false ? [String(externalId)] : [])).sort();

let count = 0;
const delta = (test: TestHouse, rows: readonly Person[]): void => {
  count += 1;
  test.deliver(feed(rows), `change-${String(count).padStart(4, '0')}.csv`);
};

async function hired(): Promise<TestHouse> {
  const test = await openTestHouse({ mapping: DELTAS });
  delta(test, people);
  expect(await test.sync()).toMatchObject({ kind: 'done' });
  return test;
}

const named = (change: (person: Person) => Partial<Person>, from: number, to: number): readonly Person[] =>
  people.slice(from, to).map((person) => ({ ...person, ...change(person) }));

describe('a delta of which a guard holds something', () => {
  it('keeps no leaver of a later delta waiting, and is released without being read again', async () => {
    const test = await hired();
    delta(
      test,
      named(() => ({ title: 'Everybody changes' }), 0, 30),
    );
    expect(await test.sync()).toMatchObject({ kind: 'held' });
    delta(
      test,
      named(() => ({ status: 'T' }), 50, 52),
    );
    expect(await test.sync()).toMatchObject({ kind: 'held' });
    expect(inactive(test)).toEqual(['1050', '1051']);
    expect(test.idp.user('1000')?.title).toBe('Clerk');
    expect(await test.sync()).toMatchObject({ kind: 'held', delivery: null });
    await test.restart();
    await test.approveAll();
    expect(await test.sync()).toMatchObject({ kind: 'done', delivery: null });
    expect(test.idp.user('1000')?.title).toBe('Everybody changes');
    expect(test.idp.user('1029')?.title).toBe('Everybody changes');
    expect(await test.house.store.holds('acme')).toEqual([]);
    expect(await test.sync()).toMatchObject({ kind: 'nothing' });
  });

  it('is overruled by what a later one says of the same worker', async () => {
    const test = await hired();
    delta(
      test,
      named(() => ({ title: 'Wrong' }), 0, 30),
    );
    await test.sync();
    test.clock.advance(HOUR_MS);
    delta(
      test,
      named(() => ({}), 0, 30),
    );
    expect(await test.sync()).toMatchObject({ kind: 'done' });
    expect(await test.house.store.holds('acme')).toEqual([]);
    expect(test.idp.user('1000')?.title).toBe('Clerk');
    expect(await test.sync()).toMatchObject({ kind: 'nothing' });
  });

  it('lets its own leavers go by the hour, ten at a time, while the rest of it waits', async () => {
    const test = await openTestHouse({ mapping: DELTAS });
    const many = crowd(1_500);
    delta(test, many);
    await test.sync();
    const changed = many.map((person, index) =>
      index < 15 ? { ...person, status: 'T' } : { ...person, title: 'Everybody changes' },
    );
    delta(test, changed);
    expect(await test.sync()).toMatchObject({ kind: 'held' });
    expect(inactive(test)).toHaveLength(10);
    test.clock.advance(HOUR_MS + 60_000);
    expect(await test.sync()).toMatchObject({ kind: 'held', delivery: null });
    expect(inactive(test)).toHaveLength(15);
    expect(test.idp.user('1100')?.title).toBe('Clerk');
  });

  it('passes nothing later that it could not pass at once because too much of it was rejected', async () => {
    const test = await hired();
    const bad = people.slice(10, 20).map((person) => ({ ...person, start: 'soon' }));
    delta(test, [...bad, ...named(() => ({ title: 'Shifted' }), 0, 3)]);
    expect(await test.sync()).toMatchObject({ kind: 'held' });
    expect((await test.house.store.holds('acme')).map(({ kind }) => kind)).toEqual(['newlyRejected']);
    expect(await test.sync()).toMatchObject({ kind: 'held' });
    delta(
      test,
      named(() => ({ title: 'Chief' }), 30, 31),
    );
    await test.sync();
    expect(test.idp.user('1030')?.title).toBe('Chief');
    expect(test.idp.user('1000')?.title).toBe('Clerk');
    await test.approveAll();
    await test.sync();
    expect(test.idp.user('1000')?.title).toBe('Shifted');
  });

  it('leaves nothing waiting where all of it could be done', async () => {
    const test = await hired();
    test.clock.advance(DAY_MS);
    delta(test, [{ id: '3000' }]);
    delta(
      test,
      named(() => ({ status: 'T' }), 5, 6),
    );
    await test.sync();
    await test.sync();
    await test.sync();
    expect(inactive(test)).toEqual(['1005']);
    expect(test.idp.user('3000')?.active).toBe(true);
    expect(await test.house.store.pendingKeys('acme')).toEqual([]);
  });
});
