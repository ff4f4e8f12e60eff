// Ways around the guards: what would widen a limit, outlive its approval or be released unseen.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runCycle } from '../../src/pipeline/intake.ts';
import { judgeHeld } from '../../src/pipeline/operator.ts';
import { startFakeIdp } from '../support/fake-idp.ts';
import { HOOK_ENVIRONMENT, HOOKS, hookDesk } from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse, recordOf, type TestHouse } from '../support/house.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const E = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const never = new AbortController().signal;
const inactive = ({ idp }: TestHouse) => [...idp.users.values()].filter(({ active }) => active === false).length;
const held = async ({ house }: TestHouse) =>
  Object.fromEntries((await house.store.holds('acme', 0)).map(({ kind, itemCount }) => [kind, itemCount]));
/** As the daemon and `sync` do it: a cycle, then released holds on the facts on file. */
const look = async (test: TestHouse) => {
  const report = await test.cycle();
  if (report.kind !== 'held') await judgeHeld(test.house, test.live);
  await test.settle(60_000);
  return report;
};

it('people who do not exist widen no limit of a delta after a weekend', { timeout: 120_000 }, async () => {
  const test = await openTestHouse({
    mapping: mappingText({ 'path: workers.csv, ': 'path: change-*.csv, content: delta, ' }),
  });
  const people = crowd(60);
  test.deliver(feed(people), 'change-2026-11-20-00.csv');
  await look(test);
  test.clock.advance(2 * DAY);
  test.deliver(feed(crowd(3200).slice(100)), 'change-2026-11-22-00.csv');
  await look(test);
  test.clock.advance(HOUR);
  test.deliver(feed(people.map((p) => ({ ...p, status: 'T' }))), 'change-2026-11-22-01.csv');
  await look(test);
  expect([inactive(test), await held(test)]).toEqual([0, { explicitLeaver: 60 }]);
});

const hooked = async (count: number) => {
  const test = await openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });
  const people = crowd(count);
  await test.sync(feed(people));
  test.clock.advance(DAY);
  const desk = hookDesk(test);
  const leave = async (leavers: number) => {
    for (const p of people.slice(0, leavers)) await desk.record(recordOf({ ...p, status: 'T', end: '2026-11-23' }));
    await desk.take();
    await test.settle(60_000);
  };
  return { test, people, leave };
};
it('the approval of held leavers counts while the feed is refused', async () => {
  const { test, leave } = await hooked(60);
  await leave(5);
  test.deliver('ID,First\n1000,x\n');
  await test.approveAll();
  await look(test);
  await look(test);
  expect([inactive(test), await held(test)]).toEqual([5, {}]);
});
it('the approval of held leavers counts while the seal of the feed is broken', async () => {
  const { test, people, leave } = await hooked(60);
  await leave(5);
  test.deliver(feed(people.slice(0, 40)));
  await look(test);
  for (const { kind, digest } of await test.house.store.holds('acme', 0))
    if (kind === 'explicitLeaver') await test.act('approve', { digest });
  await look(test);
  expect([inactive(test), (await held(test)).explicitLeaver]).toEqual([5, undefined]);
});
it('leavers beyond ten in an hour go in the next hours while the seal of the feed is broken', async () => {
  const { test, people, leave } = await hooked(700);
  test.deliver(feed(people.slice(0, 600)));
  await look(test);
  await leave(13);
  for (let hour = 0; hour < 5; hour += 1) {
    test.clock.advance(HOUR + 60_000);
    await look(test);
  }
  expect(inactive(test)).toBe(13);
});
it('a pilot of a worker whose leave waits does not take them out of the hold', async () => {
  const { test, leave } = await hooked(60);
  await leave(5);
  expect(await held(test)).toEqual({ explicitLeaver: 2 });
  for (const onlyWorker of ['1003', '1004']) await test.cycle({ onlyWorker });
  expect([await test.house.store.pendingKeys('acme'), await held(test)]).toEqual([
    ['1003', '1004'],
    { explicitLeaver: 2 },
  ]);
});

it('an approval is used once: people who were given back are not locked out again by it', async () => {
  const test = await openTestHouse();
  const people = crowd(200);
  const bad = feed(people.map((p) => ({ ...p, status: 'T' })));
  const released = async (content: string) => {
    test.deliver(content);
    for (let turn = 0; turn < 3 && (await test.cycle()).kind === 'held'; turn += 1) await test.approveAll();
    await test.settle(60_000);
  };
  await test.sync(feed(people));
  test.clock.advance(DAY);
  await released(bad);
  test.clock.advance(600_000);
  await released(feed(people));
  expect(inactive(test)).toBe(0);
  test.clock.advance(600_000);
  await test.sync(bad);
  expect(inactive(test)).toBe(0);
});

it('the approval of one delivery is none of another that a pilot reads', async () => {
  const test = await openTestHouse();
  const people = crowd(200);
  await test.sync(feed(people));
  test.clock.advance(DAY);
  test.deliver(feed(people.slice(0, 170)));
  await test.cycle();
  await test.approveAll();
  test.clock.advance(60_000);
  test.deliver(feed(people.map((p, i) => (i >= 120 ? p : { ...p, dept: 'Elsewhere', title: 'Boss' }))));
  const before = test.idp.writes().length;
  expect((await test.cycle({ limit: 39 })).kind).toBe('held');
  await test.settle(60_000);
  expect(test.idp.writes().length - before).toBe(0);
});

const existing = (active: (index: number) => boolean) =>
  crowd(30).map((p, i) => ({
    userName: `u${i}@example.com`,
    externalId: p.id,
    active: active(i),
    name: { givenName: `First${p.id}`, familyName: `Last${p.id}` },
    title: 'Clerk',
    [E]: { employeeNumber: p.id, department: 'Sales', manager: { value: 'u-30' } },
  }));
it('the approval of an adoption covers no manager that was not shown', async () => {
  const test = await openTestHouse({ idp: { users: existing(() => true) } });
  await test.sync(feed(crowd(30)));
  await test.approveAll();
  test.clock.advance(60_000);
  await test.sync(feed(crowd(30, (i) => ({ manager: i === 0 ? '' : '1000' }))));
  expect(
    [...test.idp.users.values()].filter((u) => (u[E] as { manager: { value: string } }).manager.value !== 'u-30')
      .length,
  ).toBe(0);
});
it('the hold of an adoption says that it switches an account on', async () => {
  const test = await openTestHouse({ idp: { users: existing((i) => i !== 7) } });
  await test.sync(feed(crowd(30)));
  const [hold] = await test.house.store.holds('acme', 100);
  expect(hold?.items.find(({ harm }) => harm.workerKey === '1007')?.harm.after).toContain('enable');
});

it('a second connection that names another endpoint alike does not take the deliveries of the first there', async () => {
  const users = crowd(60).map((p) => ({ userName: `x${p.id}@example.com`, externalId: `Z${p.id}`, active: true }));
  const other = await startFakeIdp({ token: 'let-me-in', users });
  onTestFinished(() => other.close());
  const test = await openTestHouse({ environment: { OTHER_URL: other.url } });
  const people = crowd(60);
  await test.sync(feed(people));
  test.clock.advance(DAY);
  writeFileSync(
    join(test.mappingsDir, 'aaa.yaml'),
    mappingText({ 'connection: acme': 'connection: aaa', IDP_URL: 'OTHER_URL', 'workers.csv': 'other.csv' }),
  );
  // To stop here with a message would do as well.
  if (
    await test.restart().then(
      () => false,
      () => true,
    )
  )
    return;
  test.deliver(feed(people.map((p, i) => (i < 3 ? { ...p, status: 'T' } : p))));
  const acme = test.house.connections.get('acme');
  if (acme === undefined) throw new Error('acme is gone');
  await runCycle(test.house, acme, { actor: 'feed', mode: 'commit', signal: never });
  await test.settle();
  const settled = await test.stage('1000');
  expect({
    settled,
    leaverActive: test.idp.user('1000')?.active,
    strangersOut: [...other.users.values()].filter(({ active }) => active === false).length,
  }).toEqual({ settled: 'left/settled', leaverActive: false, strangersOut: 0 });
});
