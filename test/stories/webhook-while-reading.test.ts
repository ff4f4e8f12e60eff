import { expect, test } from 'vitest';
import { tickCalendar } from '../../src/pipeline/calendar.ts';
import { gated } from '../support/gated-source.ts';
import { HOOK_ENVIRONMENT, HOOKS, hookDesk } from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, recordOf, type TestHouse } from '../support/house.ts';

const PEOPLE = crowd(30);
const person = (id: string): Person => PEOPLE.find((one) => one.id === id) as Person;
const with_ = (changes: Readonly<Record<string, Partial<Person>>>): string =>
  feed(PEOPLE.map((one) => ({ ...one, ...changes[one.id] })));

const openHouse = (): Promise<TestHouse> =>
  openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });

const isActive = ({ idp }: TestHouse, id: string): unknown => idp.user(id)?.active;

test('a termination by webhook reaches the target while a snapshot is being read, and the snapshot does not undo it', async () => {
  const house = await openHouse();
  await house.sync(feed(PEOPLE));
  const desk = hookDesk(house);
  const gate = gated(house.live);
  house.clock.advance(3_600_000);
  // Both of them stand in the snapshot as people who work here, in rows that changed.
  house.deliver(with_({ '1001': { title: 'Chief' }, '1002': { title: 'Chief' }, '1003': { title: 'Chief' } }));
  const reading = house.cycle();
  await gate.reached;
  house.clock.advance(30_000);
  await desk.emergency('1001');
  await desk.record(recordOf({ ...person('1002'), status: 'T', end: '2026-11-20' }));
  await desk.take();
  await house.settle(60_000);
  expect([isActive(house, '1001'), isActive(house, '1002'), isActive(house, '1003')]).toEqual([false, false, true]);
  expect(house.idp.user('1003')?.title).toBe('Clerk');

  gate.open();
  expect((await reading).kind).toBe('done');
  await house.settle(60_000);
  expect([isActive(house, '1001'), isActive(house, '1002')]).toEqual([false, false]);
  expect(house.idp.user('1003')?.title).toBe('Chief');
  expect(await house.stage('1002')).toBe('left/settled');
});

test('an emergency for somebody whom the first load is about to bring waits for them', async () => {
  const house = await openHouse();
  const desk = hookDesk(house);
  const gate = gated(house.live);
  house.deliver(feed(PEOPLE));
  const reading = house.live.turn.take(() => house.cycle());
  await gate.reached;
  await desk.emergency('1001');
  await desk.take();
  const waits = async () => (await house.house.store.hooks('acme'))[0];
  expect([(await waits())?.waiting, (await waits())?.waitingFor]).toEqual([1, 'nobody is known by the id "1001"']);
  gate.open();
  await reading;
  house.clock.advance(2_000);
  await desk.take();
  await house.settle(60_000);
  expect([(await waits())?.waiting, (await waits())?.rejected]).toEqual([0, 0]);
  expect(isActive(house, '1001')).not.toBe(true);
  expect((await house.stage('1001')).split('/')[0]).toBe('left');
});

test('a last day that passes while a snapshot is being read ends access on time', async () => {
  const house = await openHouse();
  await house.sync(with_({ '1004': { end: '2026-11-23', status: 'T' } }));
  // On their last day they still work here; a person has looked at the end that was seen on the first load.
  await house.approveAll();
  await house.sync();
  expect(isActive(house, '1004')).toBe(true);
  const gate = gated(house.live);
  house.deliver(with_({ '1001': { title: 'Chief' }, '1004': { end: '2026-11-23', status: 'T' } }));
  const reading = house.live.turn.take(() => house.cycle());
  await gate.reached;
  house.clock.advance(13 * 3_600_000);
  await tickCalendar(house.house, house.live);
  await house.settle(60_000);
  expect(isActive(house, '1004')).toBe(false);
  gate.open();
  await reading;
  await house.settle(60_000);
  expect(isActive(house, '1004')).toBe(false);
  expect(house.idp.user('1001')?.title).toBe('Chief');
});

test('leavers by webhook and leavers of the snapshot that is read meanwhile share one window', async () => {
  const house = await openHouse();
  await house.sync(feed(PEOPLE));
  const desk = hookDesk(house);
  const gate = gated(house.live);
  house.clock.advance(3_600_000);
  house.deliver(with_({ '1010': { status: 'T', end: '2026-11-20' }, '1011': { title: 'Chief' } }));
  const reading = house.cycle();
  await gate.reached;
  for (const id of ['1001', '1002', '1003']) {
    await desk.record(recordOf({ ...person(id), status: 'T', end: '2026-11-20' }));
    await desk.take();
  }
  gate.open();
  expect((await reading).kind).toBe('held');
  await house.settle(60_000);
  expect(['1001', '1002', '1003', '1010'].map((id) => isActive(house, id))).toEqual([false, false, false, true]);
  expect(house.idp.user('1011')?.title).toBe('Chief');
});
