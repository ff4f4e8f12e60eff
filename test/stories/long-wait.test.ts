// Moments far ahead are rows in the store, not timers: they survive any number of restarts and come once.
import { expect, test } from 'vitest';
import { DAY_MS, plusMs } from '../../src/base/instant.ts';
import { feed, NOON, openTestHouse } from '../support/house.ts';

const DAYS = 400;
const RESTARTS = 50;

test('a start and a last day 400 days ahead outlive 50 restarts, happen on their day, and once', async () => {
  const house = await openTestHouse();
  const day = plusMs(NOON, DAYS * DAY_MS).slice(0, 10);
  await house.sync(feed([{ id: '1', start: day }, { id: '2', status: 'T', end: day }, { id: '3' }]));
  await house.approveAll();
  const firstDays = house.idp.log.length;
  for (let turn = 1; turn <= RESTARTS; turn += 1) {
    house.clock.advance(((DAYS - 1) / RESTARTS) * DAY_MS);
    await house.restart();
    await house.settle(0);
    for (const hold of await house.house.store.holds(null)) await house.act('approve', { digest: hold.digest });
    await house.settle(0);
  }
  expect(await house.stage('1')).toBe('preboarding/settled');
  expect(await house.stage('2')).toBe('active/settled');
  const posts = () => house.idp.log.slice(firstDays).filter(({ method }) => method === 'POST' || method === 'PATCH');
  const before = posts();
  // The account of the joiner was made once, when the window opened.
  expect(before.filter(({ path }) => path === '/Users')).toHaveLength(1);

  house.clock.advance(DAY_MS);
  await house.settle();
  expect(await house.stage('1')).toBe('active/settled');
  house.clock.advance(DAY_MS);
  await house.settle();
  expect(await house.stage('2')).toBe('left/settled');
  const active = (value: boolean): number =>
    posts().filter(({ body }) => body.includes('"active"') && body.includes(String(value)) && body.includes('PatchOp'))
      .length;
  expect([active(true), active(false)]).toEqual([1, 1]);
  const all = posts().length;
  for (let turn = 0; turn < 3; turn += 1) {
    await house.restart();
    house.clock.advance(30 * DAY_MS);
    await house.settle();
  }
  expect(posts()).toHaveLength(all);
});
