import { describe, expect, test } from 'vitest';
import type { Instant } from '../../src/base/instant.ts';
import { Problem } from '../../src/base/problem.ts';
import { recordDelivery } from '../../src/pipeline/record-delivery.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { sha256 } from '../../src/runtime/hash.ts';
import type { Look } from '../../src/sources/source.ts';
import { HOOK_ENVIRONMENT, HOOKS, type HookDesk, hmacHex, hookDesk, RECORD_SECRET } from '../support/hooks.ts';
import {
  crowd,
  feed,
  HEADER,
  mappingText,
  openTestHouse,
  type Person,
  recordOf,
  type TestHouse,
} from '../support/house.ts';

const PEOPLE = crowd(30);

async function atWork(people: readonly Person[] = PEOPLE): Promise<TestHouse & { readonly desk: HookDesk }> {
  const test = await openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });
  await test.sync(feed(people));
  const desk = hookDesk(test);
  return Object.assign(Object.create(test) as TestHouse, { desk });
}

const activeAt = (test: TestHouse, key: string): boolean | undefined => {
  const user = [...test.idp.users.values()].find(({ externalId }) => externalId === key);
  return user?.active as boolean | undefined;
};

describe('an emergency by webhook', () => {
  test('ends access at once and stands until a person lifts it', async () => {
    const house = await atWork();
    expect(activeAt(house, '1003')).toBe(true);
    expect((await house.desk.emergency('1003')).status).toBe(202);
    await house.desk.take();
    await house.settle();
    expect(activeAt(house, '1003')).toBe(false);
    expect(await house.stage('1003')).toBe('left/settled');
    house.clock.advance(3_600_000);
    await house.sync(feed(PEOPLE.map((one) => (one.id === '1003' ? { ...one, title: 'Chief' } : one))));
    expect(activeAt(house, '1003')).toBe(false);
    expect((await house.act('lift', { worker: '1003' })).ok).toBe(true);
    house.clock.advance(3_600_000);
    await house.sync(feed(PEOPLE.map((one) => (one.id === '1003' ? { ...one, title: 'Head' } : one))));
    expect(activeAt(house, '1003')).toBe(true);
  });
});

const leaver = (person: Person): Person => ({ ...person, status: 'T', end: '2026-11-20' });
const person = (id: string): Person => PEOPLE.find((one) => one.id === id) as Person;
const hookOf = async (house: TestHouse, path: string) =>
  (await house.house.store.hooks('acme')).find(({ hook }) => hook === path);

describe('emergencies by webhook', () => {
  test('beyond three in an hour are held and said aloud, and go on with an approval or with the hour', async () => {
    const house = await atWork();
    for (const id of ['1000', '1001', '1002', '1003', '1004']) await house.desk.emergency(id);
    await house.desk.take();
    await house.settle(60_000);
    expect(['1000', '1001', '1002'].map((id) => activeAt(house, id))).toEqual([false, false, false]);
    expect(['1003', '1004'].map((id) => activeAt(house, id))).toEqual([true, true]);
    expect((await house.house.store.alarms('acme')).map(({ code, worker }) => [code, worker])).toEqual([
      ['emergency.held', '1003'],
      ['emergency.held', '1004'],
    ]);
    expect((await hookOf(house, '/hooks/acme-emergency'))?.waiting).toBe(2);
    // A snapshot that has looked at everyone says nothing of orders.
    house.clock.advance(30_000);
    await house.sync(feed(PEOPLE.map((one) => (one.id === '1010' ? { ...one, title: 'Chief' } : one))));
    const [hold] = await house.house.store.holds('acme');
    expect([hold?.kind, hold?.itemCount]).toEqual(['emergencyLeaver', 2]);
    expect(hold?.reason).toContain('would be locked out by webhook');
    await house.approveAll();
    house.clock.advance(15_000);
    await house.desk.take();
    await house.settle(60_000);
    expect(['1003', '1004'].map((id) => activeAt(house, id))).toEqual([false, false]);
    expect(await house.house.store.holds('acme')).toEqual([]);
    expect(await house.house.store.alarms('acme')).toEqual([]);
    await house.desk.emergency('1005');
    await house.desk.take();
    expect(await house.stage('1005')).toBe('active/settled');
    house.clock.advance(3_600_000);
    await house.desk.take();
    await house.settle(60_000);
    expect(activeAt(house, '1005')).toBe(false);
  });

  test('that a person has set aside are over, whatever the hour and the mapping; one that comes later is not', async () => {
    const house = await atWork();
    for (const id of ['1000', '1001', '1002', '1003', '1004']) await house.desk.emergency(id);
    await house.desk.take();
    const [hold] = await house.house.store.holds('acme');
    expect((await house.act('discard', { digest: hold?.digest ?? '' })).ok).toBe(true);
    // A secret is rotated: the file, and with it the identity of everything that is held, is another one.
    await house.restart(
      `${mappingText()}${HOOKS}# rotated\n`.replace('title: worker.title', 'title: \'worker.title + ""\''),
    );
    const desk = hookDesk(house);
    house.clock.advance(2 * 3_600_000);
    await desk.take();
    await house.settle(60_000);
    expect(['1003', '1004'].map((id) => activeAt(house, id))).toEqual([true, true]);
    expect((await house.house.store.alarms('acme')).map(({ code }) => code)).toEqual([]);
    expect((await hookOf(house, '/hooks/acme-emergency'))?.waiting).toBe(0);
    await desk.emergency('1003');
    await desk.take();
    await house.settle(60_000);
    expect(activeAt(house, '1003'), 'nobody has set this one aside').toBe(false);
  });

  test('that another order has overtaken are alarms no more', async () => {
    const house = await atWork();
    for (const id of ['1000', '1001', '1002', '1003']) await house.desk.emergency(id);
    await house.desk.take();
    expect((await house.house.store.alarms('acme')).map(({ worker }) => worker)).toEqual(['1003']);
    await house.act('leave', { worker: '1003' });
    house.clock.advance(15_000);
    await house.desk.take();
    expect(await house.house.store.alarms('acme')).toEqual([]);
  });

  test('of somebody nobody knows are rejected where people see it, and end nobody', async () => {
    const house = await atWork();
    expect((await house.desk.emergency('9999')).status).toBe(202);
    await house.desk.take();
    const state = await hookOf(house, '/hooks/acme-emergency');
    expect([state?.waiting, state?.rejected, state?.rejectedFor]).toEqual([0, 1, 'nobody is known by the id "9999"']);
    expect((await house.house.store.alarms('acme')).map(({ code }) => code)).toEqual(['webhook.not-carried-out']);
    house.clock.advance(25 * 3_600_000);
    expect(await house.stage('9999')).toBe('unknown');
  });

  test('that are sent again while one stands order nothing twice', async () => {
    const house = await atWork();
    await house.desk.emergency('1000');
    await house.desk.emergency('1000');
    await house.desk.take();
    await house.settle();
    const disables = () =>
      house.idp.writes().filter(({ method, path }) => method === 'PATCH' && path.includes('/Users/')).length;
    expect(disables()).toBe(1);
    await house.desk.emergency('1000');
    await house.desk.take();
    await house.settle();
    expect(disables()).toBe(1);
  });
});

describe('a record by webhook', () => {
  test('is mapped, judged and delivered like a row of the feed', async () => {
    const house = await atWork();
    expect((await house.desk.record(recordOf({ ...person('1001'), title: 'Chief' }))).status).toBe(202);
    await house.desk.record(recordOf({ id: '2000', first: 'Ada', last: 'New' }));
    await house.desk.record(recordOf(leaver(person('1002'))));
    await house.desk.take();
    await house.settle();
    expect(house.idp.user('1001')?.title).toBe('Chief');
    expect(activeAt(house, '2000')).toBe(true);
    expect(activeAt(house, '1002')).toBe(false);
    // What the feed says next is newer.
    house.clock.advance(3_600_000);
    await house.sync(
      feed([
        ...PEOPLE.filter(({ id }) => id !== '1002'),
        leaver(person('1002')),
        { id: '2000', first: 'Ada', last: 'New' },
      ]),
    );
    expect(house.idp.user('1001')?.title).toBe('Clerk');
  });

  test('that is older than what is known changes nothing, and undoes no leave', async () => {
    const house = await atWork();
    await house.desk.record(recordOf(leaver(person('1002'))));
    await house.desk.take();
    await house.settle();
    expect(activeAt(house, '1002')).toBe(false);
    house.clock.advance(60_000);
    await house.desk.record(recordOf(person('1002')), '2026-11-22T08:00:00Z');
    await house.desk.take();
    await house.settle();
    expect(activeAt(house, '1002')).toBe(false);
  });

  test('of a leave that HR took back without a word is undone by a person who has the row of the feed read again', async () => {
    const house = await atWork();
    await house.desk.record(recordOf(leaver(person('1002'))));
    await house.desk.take();
    await house.settle();
    house.clock.advance(60_000);
    await house.sync(feed([...PEOPLE, { id: '3000' }]));
    expect(activeAt(house, '1002')).toBe(false);
    await house.cycle({ onlyWorker: '1002' });
    await house.settle();
    expect(activeAt(house, '1002')).toBe(true);
  });

  test('that the guard holds waits through snapshots whose row of it is no news, and goes on when a person says so', async () => {
    const house = await atWork();
    house.clock.advance(3_600_000);
    const ids = ['1000', '1001', '1002', '1003'];
    for (const id of ids) {
      await house.desk.record(recordOf(leaver(person(id))));
      await house.desk.take();
    }
    await house.settle(60_000);
    expect(ids.map((id) => activeAt(house, id))).toEqual([false, false, false, true]);
    // An export that lags behind: it still has all of them, in the very rows that were read before.
    house.clock.advance(600_000);
    const report = await house.sync(feed([...PEOPLE, { id: '3000' }]));
    expect([report.kind, activeAt(house, '3000')]).toEqual(['held', true]);
    expect(ids.map((id) => activeAt(house, id))).toEqual([false, false, false, true]);
    expect(await house.house.store.pendingKeys('acme')).toEqual(['1003']);
    expect((await house.house.store.holds('acme')).map(({ kind, itemCount }) => [kind, itemCount])).toEqual([
      ['explicitLeaver', 1],
    ]);
    await house.approveAll();
    await house.sync();
    expect(activeAt(house, '1003')).toBe(false);
    expect(await house.house.store.pendingKeys('acme')).toEqual([]);
    // A row that did change is news.
    house.clock.advance(600_000);
    await house.sync(
      feed([...PEOPLE.map((one) => (one.id === '1000' ? { ...one, title: 'Back' } : one)), { id: '3000' }]),
    );
    expect(ids.map((id) => activeAt(house, id))).toEqual([true, false, false, false]);
  });

  test('without a mapped column is rejected with the reason and blanks nothing', async () => {
    const house = await atWork();
    const { Title: _, ...partial } = recordOf(person('1001'));
    expect((await house.desk.record(partial)).status).toBe(202);
    await house.desk.take();
    await house.settle();
    expect(house.idp.user('1001')?.title).toBe('Clerk');
    expect((await hookOf(house, '/hooks/acme-records'))?.rejectedFor).toBe('the feed has no column "Title"');
  });
});

describe('an event', () => {
  test('that is sent again is answered and done once, also after a restart', async () => {
    const house = await atWork();
    const body = JSON.stringify({
      record: recordOf({ ...person('1001'), title: 'Chief' }),
      at: nowOf(house.clock),
    });
    const timestamp = String(Math.floor(house.clock.nowMs() / 1000));
    const headers = { 'x-timestamp': timestamp, 'x-signature': hmacHex(RECORD_SECRET, timestamp, '.', body) };
    expect((await house.desk.post('/hooks/acme-records', body, headers)).status).toBe(202);
    expect((await house.desk.post('/hooks/acme-records', body, headers)).status).toBe(202);
    await house.desk.take();
    await house.restart();
    const again = hookDesk(house);
    expect((await again.post('/hooks/acme-records', body, headers)).status).toBe(202);
    await again.take();
    const entries = await house.house.store.audit.entriesOf('acme', '1001');
    expect(entries.filter(({ actor }) => actor === 'webhook:/hooks/acme-records')).toHaveLength(1);
    house.clock.advance(301_000);
    expect((await again.post('/hooks/acme-records', body, headers)).status).toBe(401);
  });

  test('of which the file says that it does not count is taken and ignored', async () => {
    const mapping = `${mappingText()}${HOOKS.replace('    worker: body.employee.id', '    when: body.?type.orValue("") == "employee.left"\n    worker: body.employee.id')}`;
    const house = await openTestHouse({ mapping, environment: HOOK_ENVIRONMENT });
    await house.sync(feed(PEOPLE));
    const desk = hookDesk(house);
    const rings = house.live.wake.rings;
    expect((await desk.hint('1000')).status).toBe(202);
    await desk.take();
    expect(house.live.wake.rings).toBe(rings);
    const [hook] = await house.house.store.hooks('acme');
    expect([hook?.waiting, hook?.rejected]).toEqual([0, 0]);
  });

  test('that can only be told by the whole file has the file looked at', async () => {
    const house = await atWork();
    const rings = house.live.wake.rings;
    await house.desk.hint('1000');
    await house.desk.hint('1001');
    await house.desk.take();
    expect(house.live.wake.rings).toBe(rings + 1);
  });
});

describe('a hint', () => {
  /** An HR system that answers about single workers, as an API does. */
  function answering(house: TestHouse, people: Map<string, Person>) {
    const asked: (readonly string[])[] = [];
    const state: { down: boolean } = { down: false };
    const columns = HEADER.split(',');
    Object.assign(house.live, {
      source: {
        ...house.live.source,
        about: async (ids: readonly string[], now: Instant): Promise<Look> => {
          asked.push(ids);
          if (state.down) throw new Problem({ code: 'source.down', message: 'the HR system does not answer' });
          const rows = ids.flatMap((id) => people.get(id) ?? []).map((one) => recordOf(one));
          const [first] = rows;
          if (first === undefined) return { kind: 'nothing', reason: 'nobody of these' };
          const delivery = recordDelivery('about', [{ record: first, asOf: now }]);
          return {
            kind: 'delivery',
            delivery: {
              ...delivery,
              columns,
              async *read() {
                yield rows.map((record, index) => ({
                  place: { record: index + 1 },
                  digest: sha256(JSON.stringify(record)).slice(0, 32),
                  fault: null,
                  record,
                }));
              },
              [Symbol.asyncDispose]: async () => {},
            },
          };
        },
      },
    });
    return { asked, state };
  }

  test('has the source asked about its worker alone, several of them in one question', async () => {
    const house = await atWork();
    const people = new Map(PEOPLE.map((one) => [one.id, one]));
    people.set('1001', { ...person('1001'), title: 'Chief' });
    people.set('1002', leaver(person('1002')));
    people.set('4000', { id: '4000', first: 'Grace', last: 'New' });
    const { asked } = answering(house, people);
    for (const id of ['1001', '1002', '4000', '1001', '8888']) await house.desk.hint(id);
    await house.desk.take();
    await house.settle();
    expect(asked).toEqual([['1001', '1002', '4000', '8888']]);
    expect(house.idp.user('1001')?.title).toBe('Chief');
    expect([activeAt(house, '1002'), activeAt(house, '4000')]).toEqual([false, true]);
    const state = await hookOf(house, '/hooks/acme');
    expect([state?.waiting, state?.rejected, state?.rejectedFor]).toEqual([
      0,
      1,
      'nobody is known by the id "8888", at the source neither',
    ]);
  });

  test('waits with its reason while the source is down, and is asked again later and later', async () => {
    const house = await atWork();
    const { asked, state } = answering(house, new Map([['1002', leaver(person('1002'))]]));
    state.down = true;
    await house.desk.hint('1002');
    await house.desk.take();
    expect(await hookOf(house, '/hooks/acme')).toMatchObject({
      waiting: 1,
      waitingFor: 'the HR system does not answer',
    });
    await house.desk.take();
    expect(asked).toHaveLength(1);
    for (let minutes = 0; minutes < 10; minutes += 1) {
      house.clock.advance(60_000);
      await house.desk.take();
    }
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(10);
    state.down = false;
    house.clock.advance(310_000);
    await house.desk.take();
    await house.settle();
    expect(activeAt(house, '1002')).toBe(false);
    expect((await hookOf(house, '/hooks/acme'))?.waiting).toBe(0);
  });

  test('that meets a bug waits, where people see it, and stops nobody else', async () => {
    const house = await atWork();
    Object.assign(house.live, {
      source: { ...house.live.source, about: () => Promise.reject(new TypeError('nobody thought of this')) },
    });
    await house.desk.hint('1001');
    await house.desk.emergency('1002');
    await house.desk.take();
    await house.settle();
    expect(activeAt(house, '1002')).toBe(false);
    expect(await hookOf(house, '/hooks/acme')).toMatchObject({
      waiting: 1,
      waitingFor: 'an internal error: see the log',
    });
  });

  test('that names more workers than one question may is asked about in several', async () => {
    const house = await atWork();
    const { asked } = answering(house, new Map());
    for (let id = 5000; id < 5150; id += 1) await house.desk.hint(String(id));
    await house.desk.take();
    expect(asked.map((ids) => ids.length)).toEqual([100, 50]);
  });
});
