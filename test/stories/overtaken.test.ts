// Whom others keep changing while a delivery is stored is not left until the next slot, which may be a day away.
import { expect, it } from 'vitest';
import { crowd, feed, openTestHouse } from '../support/house.ts';

it('a worker who was overtaken while the delivery was stored is looked at again within seconds', async () => {
  const test = await openTestHouse();
  const people = crowd(20);
  await test.sync(feed(people));
  test.deliver(feed(people.map((one) => (one.id === '1003' || one.id === '1004' ? { ...one, title: 'Chief' } : one))));
  // After the guard's word and before anything is stored, an operator orders 1003 out.
  const overtaken = await test.cycle({
    inspect: async () => {
      expect(await test.act('leave', { worker: '1003' })).toMatchObject({ ok: true });
    },
  });
  expect(overtaken).toMatchObject({ kind: 'done', retryAfterMs: 5_000 });
  await test.settle();
  expect(test.idp.user('1004')?.title).toBe('Chief');
  expect(test.idp.user('1003')).toMatchObject({ title: 'Clerk', active: false });
  expect((await test.cycle()).retryAfterMs).toBeNull();
  expect(await test.stage('1003')).toBe('left/settled');
});
