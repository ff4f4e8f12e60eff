// enableAt and disableAt through the whole house: at the minute, in the worker's own zone.
import { expect, test } from 'vitest';
import { instantOf } from '../../src/base/instant.ts';
import { crowd, feed, mappingText, openTestHouse } from '../support/house.ts';

const mapping = mappingText({
  'tables:': 'lifecycle: { enableAt: "-1d 18:00", disableAt: "18:30" }\ntables:',
  'managerId: record.Manager':
    'managerId: record.Manager\n  timeZone: \'record.Title == "Tokyo" ? "Asia/Tokyo" : "Europe/Berlin"\'',
});

test('access begins the evening before and ends in the evening of the last day, where the worker is', async () => {
  const house = await openTestHouse({ mapping });
  await house.sync(
    feed([
      { id: '1', start: '2026-11-26', title: 'Tokyo' },
      { id: '2', start: '2026-11-26', title: 'Berlin' },
      { id: '3', status: 'T', end: '2026-11-27', title: 'Tokyo' },
      { id: '4', status: 'T', end: '2026-11-27', title: 'Berlin' },
      ...crowd(30),
    ]),
  );
  await house.approveAll();
  await house.sync();
  const active = () => ['1', '2', '3', '4'].map((id) => house.idp.user(id)?.active);
  const at = async (moment: string): Promise<readonly unknown[]> => {
    house.clock.set(instantOf(moment));
    await house.settle(0);
    await house.settle(60_000);
    return active();
  };
  expect(await at('2026-11-25T08:58:00Z')).toEqual([false, false, true, true]);
  expect(await at('2026-11-25T09:00:00Z')).toEqual([true, false, true, true]);
  expect(await at('2026-11-25T16:58:00Z')).toEqual([true, false, true, true]);
  expect(await at('2026-11-25T17:00:00Z')).toEqual([true, true, true, true]);
  expect(await at('2026-11-27T09:28:00Z')).toEqual([true, true, true, true]);
  expect(await at('2026-11-27T09:30:00Z')).toEqual([true, true, false, true]);
  expect(await at('2026-11-27T17:28:00Z')).toEqual([true, true, false, true]);
  expect(await at('2026-11-27T17:30:00Z')).toEqual([true, true, false, false]);
});
