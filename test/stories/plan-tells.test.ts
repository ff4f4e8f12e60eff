// What a plan says beside its own work: what waits already, and when access begins and ends.
import { expect, it } from 'vitest';
import { crowd, feed, openTestHouse } from '../support/house.ts';
import { atDesk } from '../support/plan-desk.ts';

it('work that was queued earlier is counted by kind, and what the plan takes the place of', async () => {
  const test = await openTestHouse();
  test.deliver(feed(crowd(10)));
  await test.cycle();
  const same = await atDesk(test, ['plan']);
  expect(same.stdout).toContain('  nobody changes\n');
  expect(same.stdout).toContain('  queued earlier 10 addMembers, 10 creates: decided before and sent as well\n');
  test.clock.advance(1_000);
  test.deliver(feed(crowd(10, (index) => (index < 2 ? { title: 'Chief' } : {}))));
  const { json } = await atDesk(test, ['plan', '--json']);
  expect(json.connections[0].queuedEarlier).toEqual({ operations: { addMember: 10, create: 10 }, replaced: 2 });
  await test.settle();
  const after = await atDesk(test, ['plan', '--json']);
  expect(after.json.connections[0].queuedEarlier).toEqual({ operations: {}, replaced: 0 });
  expect((await atDesk(test, ['plan'])).stdout).not.toContain('queued earlier');
});

it('the moments at which access begins and ends stand with whoever they change for, in their own zone', async () => {
  const test = await openTestHouse();
  const people = crowd(10);
  await test.sync(feed(people));
  test.clock.advance(1_000);
  const ending = people.map((one) => (one.id === '1003' ? { ...one, end: '2026-11-30' } : one));
  test.deliver(feed([...ending, { id: '2000', start: '2026-11-27' }]));
  const { stdout } = await atDesk(test, ['plan']);
  expect(stdout).toContain('    access begins 2026-11-27 00:00:00 CET (2026-11-26T23:00:00.000Z)\n');
  expect(stdout).toContain('    access ends 2026-12-01 00:00:00 CET (2026-11-30T23:00:00.000Z)\n');
  const { json } = await atDesk(test, ['plan', '--json']);
  const moments = Object.fromEntries(
    json.connections[0].workers.map(({ worker, moments: list }: { worker: string; moments: unknown }) => [
      worker,
      list,
    ]),
  );
  expect(moments).toEqual({
    '1003': [{ at: '2026-11-30T23:00:00.000Z', local: '2026-12-01 00:00:00 CET', what: 'access ends' }],
    '2000': [{ at: '2026-11-26T23:00:00.000Z', local: '2026-11-27 00:00:00 CET', what: 'access begins' }],
  });
});
