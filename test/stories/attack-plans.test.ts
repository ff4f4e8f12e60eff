// Orders of events under which two plans side by side, or a delivery that says nothing new, could let somebody through whom no one judged.
import { describe, expect, test } from 'vitest';
import type { Changeset } from '../../src/planning/changeset.ts';
import { gated } from '../support/gated-source.ts';
import { HOOK_ENVIRONMENT, HOOKS, hookDesk } from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, recordOf, type TestHouse } from '../support/house.ts';

const DAY = 86_400_000;
const PEOPLE = crowd(30);
const person = (id: string): Person => PEOPLE.find((one) => one.id === id) as Person;
const with_ = (changes: Readonly<Record<string, Partial<Person>>>): string =>
  feed(PEOPLE.map((one) => ({ ...one, ...changes[one.id] })));
const LEFT: Partial<Person> = { status: 'T', end: '2026-11-20' };
const left = (...ids: readonly string[]): string => with_(Object.fromEntries(ids.map((id) => [id, LEFT])));

const openHouse = (): Promise<TestHouse> =>
  openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });
const isActive = ({ idp }: TestHouse, id: string): unknown => idp.user(id)?.active;
const holds = async ({ house }: TestHouse) => (await house.store.holds('acme')).map(({ kind }) => kind);

/** Stops the next commit that stores workers until it is opened. */
function stoppedCommit({ house }: TestHouse) {
  const { store } = house;
  const commit = store.commit.bind(store);
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  let stopped = false;
  Object.assign(store, {
    commit: async (changeset: Changeset) => {
      if (!stopped && (changeset.packed !== undefined || (changeset.workers?.length ?? 0) > 0)) {
        stopped = true;
        reached.resolve();
        await opened.promise;
      }
      return commit(changeset);
    },
  });
  return { reached: reached.promise, open: () => opened.resolve() };
}

test('what another plan was granted counts even when it is stored while the windows are being read', async () => {
  const house = await openHouse();
  await house.sync(feed(PEOPLE));
  const desk = hookDesk(house);
  house.clock.advance(DAY);
  const commit = stoppedCommit(house);
  house.deliver(left('1001', '1002', '1003'));
  const reading = house.cycle();
  await commit.reached;
  const { store } = house.house;
  const guardSlot = store.guardSlot.bind(store);
  let asked = 0;
  Object.assign(store, {
    guardSlot: async (...args: Parameters<typeof guardSlot>) => {
      const window = await guardSlot(...args);
      asked += 1;
      commit.open();
      await reading;
      return window;
    },
  });
  await desk.record(recordOf({ ...person('1004'), ...LEFT }));
  await desk.take();
  expect(asked).toBeGreaterThan(0);
  expect((await reading).kind).toBe('done');
  await house.settle(60_000);
  expect(['1001', '1002', '1003', '1004'].map((id) => isActive(house, id))).toEqual([false, false, false, true]);
  expect(await holds(house)).toEqual(['explicitLeaver']);
});

describe('the very same file', () => {
  test('ends the access that a webhook gave meanwhile to somebody whom it calls terminated', async () => {
    const house = await openHouse();
    await house.sync(feed(PEOPLE));
    house.clock.advance(DAY);
    await house.sync(left('1005'));
    expect(isActive(house, '1005')).toBe(false);
    house.clock.advance(DAY);
    const desk = hookDesk(house);
    await desk.record(recordOf(person('1005')));
    await desk.take();
    await house.settle(60_000);
    expect(isActive(house, '1005')).toBe(true);
    house.clock.advance(DAY);
    await house.sync(left('1005'));
    expect(isActive(house, '1005')).toBe(false);
    // And from then on nobody has to look at it again.
    house.clock.advance(DAY);
    expect((await house.sync(left('1005'))).kind).toBe('unchanged');
  });
});

test('a row that is older than what was told while it was read is judged when the next snapshot has it again', async () => {
  const house = await openHouse();
  await house.sync(feed(PEOPLE));
  const desk = hookDesk(house);
  const gate = gated(house.live);
  house.clock.advance(3_600_000);
  house.deliver(left('1005'));
  const reading = house.cycle();
  await gate.reached;
  house.clock.advance(30_000);
  await desk.record(recordOf({ ...person('1005'), title: 'Chief' }));
  await desk.take();
  gate.open();
  expect((await reading).kind).toBe('done');
  await house.settle(60_000);
  expect(isActive(house, '1005')).toBe(true);
  house.clock.advance(DAY);
  await house.sync(left('1005'));
  expect(isActive(house, '1005')).toBe(false);
});

test('a row that was read before somebody was told otherwise, and is stored after it, is judged at the next read', async () => {
  const house = await openHouse();
  await house.sync(feed(PEOPLE));
  house.clock.advance(DAY);
  await house.sync(left('1005'));
  const desk = hookDesk(house);
  const commit = stoppedCommit(house);
  house.clock.advance(DAY);
  // The row of 1005 is written otherwise and says the same.
  const file = (title: string): string => with_({ '1005': { ...LEFT, first: '"First1005"' }, '1006': { title } });
  house.deliver(file('Chief'));
  const reading = house.cycle();
  await commit.reached;
  house.clock.advance(30_000);
  await desk.record(recordOf(person('1005')));
  await desk.take();
  commit.open();
  await reading;
  await house.settle(60_000);
  expect(isActive(house, '1005')).toBe(true);
  house.clock.advance(DAY);
  await house.sync(file('Chief of staff'));
  expect(isActive(house, '1005')).toBe(false);
});
