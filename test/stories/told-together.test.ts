// Records by webhook that wait behind each other: judged in one plan where nothing else comes of it, else each by itself.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HOOK_ENVIRONMENT, HOOKS, type HookDesk, hookDesk } from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, recordOf, type TestHouse } from '../support/house.ts';

const PEOPLE = crowd(30);
const person = (id: string): Person => PEOPLE.find((one) => one.id === id) as Person;
const leaver = (id: string): Person => ({ ...person(id), status: 'T', end: '2026-11-20' });

async function atWork(): Promise<{ readonly house: TestHouse; readonly desk: HookDesk }> {
  const house = await openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });
  await house.sync(feed(PEOPLE));
  house.clock.advance(3_600_000);
  return { house, desk: hookDesk(house) };
}

const recordsHook = async ({ house }: TestHouse) =>
  (await house.store.hooks('acme')).find(({ hook }) => hook === '/hooks/acme-records');

/** Of each commit from now on how many workers it stores; commits without any are left out. */
function commitsOf({ house }: TestHouse): readonly number[] {
  const commits: number[] = [];
  const { commit } = house.store;
  Object.assign(house.store, {
    commit: (change: Parameters<typeof commit>[0]) => {
      const workers = (change.workers?.length ?? 0) + (change.packed?.lengths.length ?? 0);
      if (workers > 0) commits.push(workers);
      return commit(change);
    },
  });
  return commits;
}

test('records of different people who work here are stored in one commit; who joins or leaves is judged alone', async () => {
  const { house, desk } = await atWork();
  const commits = commitsOf(house);
  for (const id of ['1001', '1002', '1003']) await desk.record(recordOf({ ...person(id), title: 'Chief' }));
  await desk.record(recordOf(leaver('1004')));
  await desk.record(recordOf({ id: '2000', first: 'Ada', last: 'New' }));
  for (const id of ['1005', '1006']) await desk.record(recordOf({ ...person(id), title: 'Chief' }));
  await desk.take();
  expect(commits).toEqual([3, 1, 1, 2]);
  await house.settle(60_000);
  expect(['1001', '1002', '1003', '1005'].map((id) => house.idp.user(id)?.title)).toEqual(Array(4).fill('Chief'));
  expect([house.idp.user('1004')?.active, house.idp.user('2000')?.active]).toEqual([false, true]);
  expect(await recordsHook(house)).toMatchObject({ waiting: 0, rejected: 0 });
});

test('what is told of one person twice is taken in the order in which it came', async () => {
  const { house, desk } = await atWork();
  for (const title of ['First', 'Second', 'Third'])
    for (const id of ['1001', '1002']) await desk.record(recordOf({ ...person(id), title: `${title} ${id}` }));
  const commits = commitsOf(house);
  await desk.take();
  expect(commits).toEqual([2, 2, 2]);
  await house.settle(60_000);
  expect(['1001', '1002'].map((id) => house.idp.user(id)?.title)).toEqual(['Third 1001', 'Third 1002']);
});

test('each record counts from the moment it was told for, whatever the others were told for', async () => {
  const { house, desk } = await atWork();
  await desk.record(recordOf({ ...person('1001'), title: 'Chief' }));
  // Older than the feed that was read.
  await desk.record(recordOf({ ...person('1002'), title: 'Chief' }), '2026-11-01T08:00:00Z');
  await desk.take();
  await house.settle(60_000);
  expect(['1001', '1002'].map((id) => house.idp.user(id)?.title)).toEqual(['Chief', 'Clerk']);
});

test('where a guard would hold anybody each is judged by itself: those within the limit leave, the rest waits for a person', async () => {
  const { house, desk } = await atWork();
  const ids = ['1000', '1001', '1002', '1003', '1004'];
  for (const id of ids) await desk.record(recordOf(leaver(id)));
  await desk.record(recordOf({ ...person('1009'), title: 'Chief' }));
  await desk.take();
  await house.settle(60_000);
  expect(ids.map((id) => house.idp.user(id)?.active)).toEqual([false, false, false, true, true]);
  expect(house.idp.user('1009')?.title).toBe('Chief');
  expect((await house.house.store.holds('acme')).map(({ kind, itemCount }) => [kind, itemCount])).toEqual([
    ['explicitLeaver', 2],
  ]);
});

test('a record that is rejected says why, and the others beside it go on', async () => {
  const { house, desk } = await atWork();
  await desk.record(recordOf({ ...person('1001'), title: 'Chief' }));
  await desk.record({ ...recordOf(person('1002')), Start: 'soon' });
  await desk.record(recordOf({ ...person('1003'), title: 'Chief' }));
  await desk.take();
  await house.settle(60_000);
  expect(['1001', '1002', '1003'].map((id) => house.idp.user(id)?.title)).toEqual(['Chief', 'Clerk', 'Chief']);
  const hook = await recordsHook(house);
  expect([hook?.waiting, hook?.rejected]).toEqual([0, 1]);
  expect(hook?.rejectedFor).toContain('Start');
});

test('one record that meets a bug waits where people see it, and the others beside it go on', async () => {
  const { house, desk } = await atWork();
  const { situations } = house.house.store;
  Object.assign(house.house.store, {
    situations: (connection: string, keys: readonly string[]) =>
      keys.includes('1002') ? Promise.reject(new TypeError('nobody thought of this')) : situations(connection, keys),
  });
  for (const id of ['1001', '1002', '1003']) await desk.record(recordOf({ ...person(id), title: 'Chief' }));
  await desk.take();
  await house.settle(60_000);
  expect(['1001', '1002', '1003'].map((id) => house.idp.user(id)?.title)).toEqual(['Chief', 'Clerk', 'Chief']);
  expect(await recordsHook(house)).toMatchObject({ waiting: 1, waitingFor: 'an internal error: see the log' });
});

/** What HR may say of somebody in one breath. */
type Said = 'moves' | 'leaves' | 'returns' | 'is garbled' | 'lacks a column' | 'lags' | 'joins';
const SAID: readonly Said[] = ['moves', 'leaves', 'returns', 'is garbled', 'lacks a column', 'lags', 'joins'];

async function tell(desk: HookDesk, [number, said]: readonly [number, Said], turn: number): Promise<void> {
  const id = String(1_000 + number);
  const moved = { ...person(id), title: `Title ${turn}` };
  if (said === 'moves' || said === 'returns') await desk.record(recordOf(moved));
  else if (said === 'leaves') await desk.record(recordOf(leaver(id)));
  else if (said === 'is garbled') await desk.record({ ...recordOf(moved), Start: 'soon' });
  else if (said === 'lacks a column') {
    // What was rejected may be sent again, word for word: that is no other event.
    const { Title: _, ...partial } = recordOf({ ...moved, last: `Family ${turn}` });
    await desk.record(partial);
  } else if (said === 'lags') await desk.record(recordOf(moved), '2026-11-01T08:00:00Z');
  else await desk.record(recordOf({ id: String(5_000 + number), first: 'Ada', last: `New${number}` }));
}

/** All that people and the endpoint could see afterwards. */
async function outcome(house: TestHouse): Promise<unknown> {
  await house.settle(60_000);
  const users = [...house.idp.users.values()].map(({ externalId, active, title, userName }) => [
    externalId,
    active,
    title,
    userName,
  ]);
  const holds = await house.house.store.holds('acme', Number.MAX_SAFE_INTEGER);
  const hook = await recordsHook(house);
  const harmed = holds.map(({ kind, items }) => [kind, items.map(({ harm }) => harm.workerKey).toSorted()]);
  const pending = [...(await house.house.store.pendingKeys('acme'))].toSorted();
  return { users: users.toSorted(), harmed, pending, waiting: hook?.waiting, rejected: hook?.rejected };
}

test('whatever is told, together ends where one after the other ends', { timeout: 120_000 }, async () => {
  const event = fc.tuple(fc.integer({ min: 0, max: 11 }), fc.constantFrom(...SAID));
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 2, maxLength: 16 }), async (events) => {
      const [together, apart] = [await atWork(), await atWork()];
      for (const [turn, one] of events.entries()) {
        await tell(together.desk, one, turn);
        await tell(apart.desk, one, turn);
        await apart.desk.take();
      }
      await together.desk.take();
      expect(await outcome(together.house)).toEqual(await outcome(apart.house));
    }),
    { numRuns: 12 },
  );
});
