// A first load that is large enough to be laid out while it is planned.
import { expect, it } from 'vitest';
import { NO_FACTS } from '../../src/lifecycle/standing.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import { crowd, feed, openTestHouse, type Person } from '../support/house.ts';

const PEOPLE = crowd(1_500);
const [first, , third] = PEOPLE as [Person, Person, Person];

/** Counts what is laid out, and passes it on. */
function watched(test: Awaited<ReturnType<typeof openTestHouse>>) {
  const { store } = test.house;
  const seen = { laidOut: 0, committed: 0 };
  Object.assign(store, {
    layOut: watching(store.layOut, (answer) => {
      seen.laidOut += answer?.workers ?? 0;
    }),
    commit: watching(store.commit, (answer, [{ laidOut }]) => {
      if (answer.kind === 'applied') seen.committed += laidOut?.workers ?? 0;
    }),
  });
  return seen;
}

const watching =
  <A extends readonly unknown[], R>(done: (...args: A) => Promise<R>, look: (answer: R, args: A) => void) =>
  async (...args: A): Promise<R> => {
    const answer = await done(...args);
    look(answer, args);
    return answer;
  };

it('everybody is stored once, whether they were laid out or their rows contradict each other in the end', async () => {
  const test = await openTestHouse();
  const seen = watched(test);
  // Known only after the slice of the first of them was laid out: two rows that differ under one key.
  test.deliver(feed([...PEOPLE, { ...first, title: 'Chief' }]));
  const report = await test.cycle();
  expect(report.rejections.map(({ key, code }) => [key, code])).toEqual([
    [first.id, 'duplicate-key'],
    [first.id, 'duplicate-key'],
  ]);
  expect(seen).toEqual({ laidOut: 1_200, committed: 600 });
  const { store } = test.house;
  expect((await store.population('acme')).workers).toBe(1_499);
  expect((await store.situations('acme', [first.id])).size).toBe(0);
  expect(await store.queueDepths()).toMatchObject([{ state: 'queued', operations: 2 * 1_499 }]);
  expect(await store.audit.verify()).toMatchObject({ ok: true });

  test.clock.advance(3_600_000);
  test.deliver(feed(PEOPLE.map((one) => (one.id === third.id ? { ...one, title: 'Chief' } : one))));
  const again = await test.cycle();
  expect([again.rows, again.recognised]).toEqual([1_500, 1_498]);
  expect((await store.population('acme')).workers).toBe(1_500);
});

it('whom a webhook has named meanwhile is not stored twice, and neither is anybody else of their slice', async () => {
  const test = await openTestHouse();
  const seen = watched(test);
  const { store } = test.house;
  const laid = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const layOut = store.layOut;
  let slices = 0;
  Object.assign(store, {
    layOut: async (...args: Parameters<typeof layOut>) => {
      const answer = await layOut(...args);
      slices += 1;
      if (slices === 2) {
        laid.resolve();
        await held.promise;
      }
      return answer;
    },
  });
  test.deliver(feed(PEOPLE));
  const reading = test.cycle();
  await laid.promise;
  // The same worker, brought by somebody else, in a store that this plan has already read.
  await store.commit({
    connection: 'acme',
    at: nowOf(test.clock),
    workers: [
      {
        key: first.id,
        revision: 0,
        standing: { stage: 'expected', delivery: 'settled', facts: NO_FACTS },
        dueAt: null,
        accounts: [],
        operations: [],
        supersedes: [],
        entries: [],
      },
    ],
  });
  held.resolve();
  await reading;
  expect(seen).toEqual({ laidOut: 1_200, committed: 600 });
  expect((await store.population('acme')).workers).toBe(1_500);
  expect((await store.situations('acme', [first.id])).get(first.id)?.standing.stage).toBe('active');
  expect(await store.queueDepths()).toMatchObject([{ state: 'queued', operations: 2 * 1_500 }]);
  expect(await store.audit.verify()).toMatchObject({ ok: true });
});
