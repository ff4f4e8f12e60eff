// Moments at which comparing and mending a target could lock somebody out, pass a limit, or make somebody twice.
import { expect, test } from 'vitest';
import type { Repair } from '../../src/mapping/connection-schema.ts';
import { readClockDoubt } from '../../src/pipeline/clock-watch.ts';
import { readFailures } from '../../src/pipeline/failures.ts';
import { performAct } from '../../src/pipeline/operator.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { nowOf } from '../../src/runtime/clock.ts';
import type { Target } from '../../src/targets/target.ts';
import type { Resource } from '../support/fake-scim.ts';
import { crowd, feed, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const ALL: readonly Repair[] = ['zombies', 'disabled', 'drifted', 'missing'];
const MINUTE = 60_000;
const DAY = 86_400_000;

async function mend(test: TestHouse, change: (target: Target) => Target = (target) => target) {
  const [target] = test.live.targets.values();
  if (target === undefined) throw new Error('there is no target');
  const { signal } = new AbortController();
  return reconcile(test.house, test.live, change(target), { repair: ALL, actor: 'operator:tester', signal });
}

function touch({ idp }: TestHouse, key: string, change: Readonly<Record<string, unknown>>): void {
  const user = idp.user(key);
  if (user === undefined) throw new Error(`nobody at the target is ${key}`);
  idp.users.set(String(user.id), { ...user, ...change } as Resource);
}

test('a limit of one cycle is not passed in slices of a reconciliation', async () => {
  const people = crowd(1_100);
  const test = await openTestHouse();
  await test.sync(feed(people));
  // 20 % of 1,100 in one cycle are 220, and 30 % in a day are 330.
  for (const { id } of people.slice(0, 300)) touch(test, id, { title: 'Emperor' });
  const writes = test.idp.writes().length;
  await mend(test);
  await test.settle(MINUTE);
  expect((await test.house.store.holds('acme')).map(({ kind }) => kind)).toEqual(['attributeChanged']);
  expect(test.idp.writes()).toHaveLength(writes);
});

test('an account that was made anew while the target was compared is not forgotten, and nobody is made twice', async () => {
  const people = crowd(20);
  const test = await openTestHouse();
  await test.sync(feed(people));
  for (const id of ['1006', '1007']) test.idp.users.delete(String(test.idp.user(id)?.id));
  const creates = () => test.idp.log.filter(({ method, path }) => method === 'POST' && path === '/Users').length;
  expect(creates()).toBe(20);
  let looks = 0;
  await mend(test, (target) => ({
    ...target,
    list: (signal) => target.list(signal),
    look: async (remoteId, signal) => {
      const looked = await target.look(remoteId, signal);
      looks += 1;
      if (looks < 2) return looked;
      // The scheduled one comes while an operator's is under way, and is done first.
      await mend(test);
      await test.settle(MINUTE);
      return looked;
    },
  }));
  await test.settle(30 * MINUTE);
  const made = [...test.idp.users.values()].filter(({ externalId }) => externalId === '1006');
  expect(made).toHaveLength(1);
  expect(creates()).toBe(22);
  const situation = (await test.house.store.situations('acme', ['1006'])).get('1006');
  expect(situation?.accounts[0]?.remoteId).toBe(made[0]?.id);
});

/** A house whose clock has jumped ahead, past the last day of 1003, and no target agrees. */
async function doubtful(replayed: boolean): Promise<TestHouse> {
  let theirs = 0;
  const test = await openTestHouse({ watchClock: true, idp: { time: () => theirs } });
  theirs = test.clock.nowMs();
  const people: readonly Person[] = crowd(30, (index) => (index === 3 ? { status: 'T', end: '2027-01-31' } : {}));
  await test.sync(feed(people));
  await test.approveAll();
  await test.sync();
  if (replayed) {
    const lift = test.idp.behaviours.add({
      body: /Vice President/,
      act: { kind: 'answer', status: 400, body: '{"status":"400","scimType":"invalidValue"}' },
    });
    await test.sync(feed(people.map((one) => (one.id === '1003' ? { ...one, title: 'Vice President' } : one))));
    lift();
  }
  expect(await test.stage('1003')).toMatch(/^active/);
  theirs = test.clock.nowMs();
  test.clock.advance(200 * DAY);
  return test;
}

test('nobody is mended out of their access by a clock that no target confirms', async () => {
  const test = await doubtful(false);
  touch(test, '1003', { title: 'Emperor' });
  await mend(test);
  await test.settle(MINUTE);
  expect(await readClockDoubt(test.house.store)).not.toBeNull();
  expect(test.idp.user('1003')?.active).toBe(true);
  expect(await test.stage('1003')).toMatch(/^active/);
});

test('a replay ends nobody’s access by a clock that no target confirms', async () => {
  const test = await doubtful(true);
  const failures = await readFailures(test.house.store, {}, nowOf(test.clock));
  expect(failures).toHaveLength(1);
  const args = { operations: failures.map(({ operation }) => operation.id) };
  const act = { kind: 'replay', args, reason: 'mended', by: 'oncall', osUser: 'oncall', channel: 'test' };
  const result = await performAct(test.house, act);
  await test.settle(MINUTE);
  expect(test.idp.user('1003')?.active).toBe(true);
  expect(await test.stage('1003')).toMatch(/^active/);
  expect(JSON.stringify(result.details)).toContain('"word":"held"');
});
