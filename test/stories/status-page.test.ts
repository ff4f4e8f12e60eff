// What `status` says of a feed: how old what it says is, why the last one was refused, who is missing and for how long.
import { expect, test } from 'vitest';
import { crowd, feed, openTestHouse } from '../support/house.ts';
import { atDesk } from '../support/plan-desk.ts';

const HOUR_MS = 3_600_000;
const PEOPLE = crowd(30);
const page = async (house: Parameters<typeof atDesk>[0]): Promise<string> => (await atDesk(house, ['status'])).stdout;

test('a feed whose content stands still grows old although it is delivered again', async () => {
  const house = await openTestHouse();
  await house.sync(feed(PEOPLE));
  house.clock.advance(72 * HOUR_MS);
  const again = await house.sync(feed(PEOPLE));
  expect(again.kind).toBe('unchanged');
  house.clock.advance(2 * HOUR_MS);
  expect(await page(house)).toContain('3 days ago, the same again 2 h ago');
  const { json } = await atDesk(house, ['status', '--json']);
  expect(json.connections[0].checkpoint.asOf > json.feedSince.acme).toBe(true);

  await house.sync(feed([...PEOPLE, { id: '2000' }]));
  house.clock.advance(HOUR_MS);
  expect(await page(house)).not.toContain('the same again');
});

test('a refused delivery is shown with its reason until one is taken in', async () => {
  const house = await openTestHouse();
  await house.sync(feed(PEOPLE));
  house.clock.advance(HOUR_MS);
  expect((await house.sync('Kennung,Name\n1,Ada\n')).kind).toBe('refused');
  expect(await page(house)).toMatch(/^acme: the last cycle of workers\.csv was refused: the feed has no column "ID"/m);
  house.clock.advance(HOUR_MS);
  await house.sync(feed(PEOPLE));
  expect(await page(house)).not.toContain('refused');
});

test('whoever is missing from the feed is shown with how long already', async () => {
  const house = await openTestHouse();
  await house.sync(feed(PEOPLE));
  house.clock.advance(HOUR_MS);
  await house.sync(feed(PEOPLE.slice(1)));
  house.clock.advance(5 * HOUR_MS);
  const text = await page(house);
  expect(text).toMatch(/1 suspected/);
  expect(text).toMatch(/acme +1000 +for 5 h/);
});
