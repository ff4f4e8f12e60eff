// What people ask of a running daemon while something long that they asked for is still going on.
import { afterEach, expect, it } from 'vitest';
import { actsLoop } from '../../src/pipeline/acts-loop.ts';
import type { Act } from '../../src/store/store.ts';
import { crowd, feed, openTestHouse, type TestHouse } from '../support/house.ts';

const STEP_MS = 250;
const STEPS_MAX = 400;

let release: () => void = () => undefined;
afterEach(() => release());

/** A target whose listing does not end until somebody lets it. */
async function slowHouse() {
  const test = await openTestHouse();
  await test.sync(feed(crowd(10)));
  const open = new Promise<void>((resolve) => {
    release = resolve;
  });
  test.idp.behaviours.add({ method: 'GET', path: /^\/Users\?(?!filter)/, act: { kind: 'hold', until: open } });
  const before = test.idp.log.length;
  return { test, arrived: () => test.idp.log.length - before };
}

async function until(test: TestHouse, met: () => boolean | Promise<boolean>): Promise<void> {
  for (let step = 0; step < STEPS_MAX; step += 1) {
    if (await met()) return;
    test.clock.advance(STEP_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come to that');
}

const asked = (test: TestHouse, kind: string, args: Act['args'] = {}): Promise<number> =>
  test.house.store.addAct({ kind, args, reason: 'a story', by: 'tester', osUser: 'tester', channel: 'test' });
const isDone = async (test: TestHouse, id: number): Promise<boolean> =>
  (await test.house.store.act(id))?.finishedAt != null;

it('a leave and a stop wait for no reconciliation of a slow target', async () => {
  const { test, arrived } = await slowHouse();
  const stop = new AbortController();
  const loop = actsLoop(test.house, stop.signal);
  const reconcile = await asked(test, 'reconcile');
  await until(test, () => arrived() > 0);
  const leave = await asked(test, 'leave', { worker: '1003' });
  const halt = await asked(test, 'stop-writes', { target: 'idp', exceptLeavers: true });
  await until(test, async () => (await isDone(test, leave)) && (await isDone(test, halt)));
  expect(await isDone(test, reconcile)).toBe(false);
  await test.settle();
  expect(test.idp.user('1003')?.active).toBe(false);
  release();
  await until(test, () => isDone(test, reconcile));
  expect((await test.house.store.act(reconcile))?.result).toMatchObject({ ok: true });
  stop.abort();
  await loop;
});

it('a house that stops cuts off what it has begun and says so, and leaves what it has not to the next', async () => {
  const { test, arrived } = await slowHouse();
  const stop = new AbortController();
  const loop = actsLoop(test.house, stop.signal);
  const begun = await asked(test, 'reconcile');
  await until(test, () => arrived() > 0);
  const behind = await asked(test, 'reconcile', { target: 'idp' });
  await until(test, async () => (await test.house.store.act(behind))?.takenAt != null);
  stop.abort();
  await loop;
  expect((await test.house.store.act(begun))?.result).toMatchObject({
    ok: false,
    exitCode: 1,
    faults: [{ code: 'act.cut-off' }],
  });
  expect(await isDone(test, behind)).toBe(false);
  release();
  await test.restart();
  const again = new AbortController();
  const next = actsLoop(test.house, again.signal);
  await until(test, () => isDone(test, behind));
  expect((await test.house.store.act(behind))?.result).toMatchObject({ ok: true });
  again.abort();
  await next;
});

it('a bug in a long act stops the loop instead of being lost', async () => {
  const { test } = await slowHouse();
  const house = Object.create(test.house, {
    connections: {
      get: () => {
        throw new Error('planted');
      },
    },
  });
  await asked(test, 'reconcile');
  const loop = actsLoop(house, new AbortController().signal);
  loop.catch(() => undefined);
  let ended = false;
  void loop
    .finally(() => {
      ended = true;
    })
    .catch(() => undefined);
  await until(test, () => ended);
  await expect(loop).rejects.toThrow('planted');
});
