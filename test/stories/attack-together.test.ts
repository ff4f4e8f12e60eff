// Records that wait behind each other, in the orders in which one of them could change what becomes of another.
import { expect, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import type { JsonValue } from '../../src/base/json.ts';
import { takeEvents } from '../../src/pipeline/events.ts';
import { recordsTogether, toldBatches } from '../../src/pipeline/told-together.ts';
import { StoreUnknown } from '../../src/store/store.ts';
import type { Doorman, FakeIdpOptions } from '../support/fake-idp.ts';
import { HOOK_ENVIRONMENT, HOOKS, type HookDesk, hookDesk } from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, recordOf, type TestHouse } from '../support/house.ts';

const never = new AbortController().signal;
const PEOPLE = crowd(30);
const at = (index: number): Person => PEOPLE[index] as Person;
const leaver = (person: Person): Person => ({ ...person, status: 'T', end: '2026-11-20' });

interface Ground {
  readonly house: TestHouse;
  readonly desk: HookDesk;
}

async function atWork(people = PEOPLE, mapping = mappingText(), idp: FakeIdpOptions = {}): Promise<Ground> {
  const house = await openTestHouse({ mapping: `${mapping}${HOOKS}`, environment: HOOK_ENVIRONMENT, idp });
  house.deliver(feed(people));
  await house.cycle();
  await house.approveAll();
  await house.cycle();
  await house.settle();
  house.clock.advance(3_600_000);
  return { house, desk: hookDesk(house) };
}

const recordsHook = async ({ house }: TestHouse) =>
  (await house.store.hooks('acme')).find(({ hook }) => hook === '/hooks/acme-records');

async function outcome(house: TestHouse) {
  await house.settle(60_000);
  const users = [...house.idp.users.values()].map(({ externalId, active, title, userName }) =>
    JSON.stringify([externalId, active, title, userName]),
  );
  const holds = await house.house.store.holds('acme', Number.MAX_SAFE_INTEGER);
  const hook = await recordsHook(house);
  return {
    users: users.toSorted(),
    holds: holds.map(({ kind, items }) => [kind, items.map(({ harm }) => harm.workerKey).toSorted()]),
    pending: [...(await house.house.store.pendingKeys('acme'))].toSorted(),
    waiting: hook?.waiting,
    rejected: hook?.rejected,
  };
}

/** What the same records come to behind each other, and each after the one before. */
async function both(make: () => Promise<Ground>, told: readonly Readonly<Record<string, JsonValue>>[]) {
  const [together, apart] = [await make(), await make()];
  for (const record of told) {
    await together.desk.record(record);
    await apart.desk.record(record);
    await apart.desk.take();
  }
  await together.desk.take();
  return { together: await outcome(together.house), apart: await outcome(apart.house) };
}

test('one event whose hook meets a bug stops nobody', async () => {
  const { house, desk } = await atWork();
  const hook = house.live.connection.webhooks.find(({ path }) => path === '/hooks/acme-records');
  const reader = hook?.reader;
  if (reader === undefined) throw new Error('there is such a hook');
  const { read } = reader;
  Object.assign(reader, {
    read: (body: JsonValue) => {
      if (JSON.stringify(body).includes('"1002"')) throw new TypeError('nobody thought of this');
      return read(body);
    },
  });
  for (const index of [1, 2, 3]) await desk.record(recordOf({ ...at(index), title: 'Chief' }));
  await desk.take();
  await house.settle(60_000);
  expect([1, 3].map((index) => house.idp.user(at(index).id)?.title)).toEqual(['Chief', 'Chief']);
  expect(await recordsHook(house)).toMatchObject({ waiting: 1 });
});

/** An endpoint that cannot list its users and is asked for names one by one; one name it refuses to look for. */
const byNameOnly: Doorman = (asked, ask) => {
  const refusal = (scimType: string) => ({ status: 400, body: JSON.stringify({ status: '400', scimType }) });
  if (asked.method !== 'GET' || !/^\/Users(\?|$)/.test(asked.path)) return ask(asked);
  const filter = new URLSearchParams(asked.path.split('?')[1] ?? '').get('filter');
  if (filter === null) return refusal('tooMany');
  return filter.includes('poison') || !filter.startsWith('userName eq ') ? refusal('invalidFilter') : ask(asked);
};
const GOOGLE = mappingText({ '    kind: scim\n': '    kind: scim\n    profile: google\n' });

test('one joiner of whom the target does not tell keeps nobody else waiting', async () => {
  const told = [
    { id: '2000', first: 'Ada', last: 'New' },
    { id: '2001', first: 'Eve', last: 'Poison' },
    { id: '2002', first: 'Bob', last: 'New' },
  ].map(recordOf);
  const { together, apart } = await both(() => atWork(PEOPLE, GOOGLE, { doorman: byNameOnly }), told);
  expect(together).toEqual(apart);
  expect(together.pending).toEqual(['2001']);
});

test('a leaver does not wait for what the target says of a joiner behind them', async () => {
  const { house, desk } = await atWork(PEOPLE, GOOGLE, { doorman: byNameOnly });
  await desk.record(recordOf(leaver(at(4))));
  await desk.record(recordOf({ id: '2000', first: 'Ada', last: 'New' }));
  const target = house.live.targets.get('idp');
  if (target === undefined) throw new Error('there is such a target');
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const find = target.find.bind(target);
  Object.assign(target, {
    find: async (...args: Parameters<typeof find>) => {
      asked.resolve();
      await answered.promise;
      return find(...args);
    },
  });
  const taking = desk.take();
  await asked.promise;
  const stage = await house.stage('1004');
  answered.resolve();
  await taking;
  expect(stage).toMatch(/^left/);
});

test('a key that is given up between the look and the judgement is looked at again', async () => {
  const { house, desk } = await atWork();
  for (const index of [1, 2]) await desk.record(recordOf({ ...at(index), title: 'Chief' }));
  const { store } = house.house;
  const events = await store.waitingEvents('acme', 'record', instantOf('2027-01-01T00:00:00Z'), 100);
  const [batch, ...others] = await toldBatches(house.house, house.live, events);
  expect([batch?.told?.length, others.length]).toEqual([2, 0]);
  const changes = [{ line: 1, from: '1001', to: 'N1' }];
  await house.act('rekey', { changes } as never);
  await house.approveAll();
  expect(await recordsTogether(house.house, house.live, batch?.told ?? [], never)).toBeNull();
  await desk.record(recordOf({ ...leaver(at(1)), id: 'N1' }));
  await desk.take();
  await house.settle(60_000);
  expect((await house.stage('N1')).split('/')[0]).toBe('left');
  expect(await recordsHook(house)).toMatchObject({ waiting: 0, rejected: 0 });
});

test('records that take back what is held let nobody beside them through', async () => {
  const make = async (): Promise<Ground> => {
    const ground = await atWork();
    await ground.house.sync(feed(PEOPLE.map((one, index) => (index < 7 ? { ...one, title: 'Boss' } : one))));
    expect((await ground.house.house.store.holds('acme')).map(({ kind }) => kind)).toEqual(['attributeChanged']);
    return ground;
  };
  const back = PEOPLE.slice(0, 7).map((one) => recordOf({ ...one, title: 'Clerk' }));
  const { together, apart } = await both(make, [recordOf(leaver(at(20))), ...back]);
  expect(together).toEqual(apart);
});

test('a name goes to whoever asked first, be it by joining or by a new name', { timeout: 60_000 }, async () => {
  const generated = `userName: 'unique([slug(worker.givenName) + "." + slug(worker.familyName)], "@example.com")'`;
  const mapped = `userName: 'slug(worker.givenName) + "." + slug(worker.familyName) + "@example.com"'`;
  const people = crowd(200);
  const renamed = (index: number) => recordOf({ ...(people[index] as Person), first: 'Ada', last: 'Same' });
  const joins = recordOf({ id: '5000', first: 'Ada', last: 'Same' });
  for (const told of [
    [renamed(1), joins],
    [joins, renamed(1)],
    [renamed(1), renamed(2)],
  ]) {
    const { together, apart } = await both(() => atWork(people, mappingText({ [generated]: mapped })), told);
    expect(together).toEqual(apart);
  }
});

test('a store in doubt is no news to a house that stops', async () => {
  const { house, desk } = await atWork();
  for (const index of [1, 2]) await desk.record(recordOf({ ...at(index), title: 'Chief' }));
  const stop = new AbortController();
  Object.assign(house.house.store, {
    situations: () => {
      stop.abort();
      return Promise.reject(new StoreUnknown(new Error('in doubt')));
    },
  });
  await expect(takeEvents(house.house, house.live, 'record', stop.signal)).resolves.toBe(2);
});

test('a process that dies behind the commit leaves what is done again to the same end', async () => {
  const run = async (dies: boolean) => {
    const { house, desk } = await atWork();
    for (const index of [1, 2, 3]) await desk.record(recordOf({ ...at(index), title: 'Chief' }));
    house.clock.advance(1_000);
    await desk.record(recordOf({ ...at(1), title: 'Boss' }));
    if (dies) {
      const { store } = house.house;
      const { endEvents } = store;
      let left = 1;
      Object.assign(store, {
        endEvents: (ends: Parameters<typeof endEvents>[0]) => {
          left -= 1;
          return left < 0 ? endEvents(ends) : Promise.reject(new Error('the power is gone'));
        },
      });
      await takeEvents(house.house, house.live, 'record', never).catch(() => 0);
      house.clock.advance(600_000);
    }
    await desk.take();
    return outcome(house);
  };
  expect(await run(true)).toEqual(await run(false));
});
