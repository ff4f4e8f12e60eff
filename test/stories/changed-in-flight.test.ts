// Somebody's facts change while a request about them is under way: what its answer means is judged by how they stand by then.
import { expect, it } from 'vitest';
import { crowd, feed, openTestHouse } from '../support/house.ts';

it('what is decided while a request is under way is neither forgotten nor settled by its answer', async () => {
  const { idp, house, deliver, cycle, settle, sync, stage } = await openTestHouse();
  const people = crowd(10);
  const with1003 = (change: { title?: string; last?: string }) =>
    feed(people.map((person) => (person.id === '1003' ? { ...person, ...change } : person)));
  await sync(feed(people));
  const release = Promise.withResolvers<void>();
  idp.behaviours.add({ method: 'PATCH', body: 'Chief', times: 1, act: { kind: 'hold', until: release.promise } });
  deliver(with1003({ title: 'Chief' }));
  await cycle();
  const settling = settle(60_000);
  await idp.arrival(({ method, body }) => method === 'PATCH' && body.includes('Chief'));
  const claimed = await house.store.situations('acme', ['1003']);
  deliver(with1003({ title: 'Head' }));
  await cycle();
  const changed = await house.store.situations('acme', ['1003']);
  // What was claimed with the operation is no longer how they stand: without that the test would say nothing.
  expect(changed.get('1003')?.revision).toBeGreaterThan(claimed.get('1003')?.revision ?? 0);
  expect(changed.get('1003')?.operations.map(({ state }) => state)).toEqual(['sending', 'queued']);
  release.resolve();
  await settling;
  expect(idp.user('1003')?.title).toBe('Head');
  expect(await stage('1003')).toBe('active/settled');
  const results = (await house.store.audit.entriesOf('acme', '1003')).filter(({ body }) => body.what === 'update');
  expect(results.map(({ body }) => [body.state, body.delivery])).toEqual([
    ['done', 'delivering'],
    ['done', 'settled'],
  ]);
});
