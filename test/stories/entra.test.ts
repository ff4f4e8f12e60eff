// What only Entra has: people who are in the tenant already, leavers who cannot wait, a job that stands still, and what Graph shows of
// an account and what it does not.
import { expect, it, onTestFinished } from 'vitest';
import type { Repair } from '../../src/mapping/connection-schema.ts';
import { readLeft } from '../../src/pipeline/left-watch.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { type FakeEntra, startFakeEntra } from '../support/fake-entra.ts';
import { heldClock } from '../support/held-clock.ts';
import { crowd, feed, NOON, openTestHouse, type Person, type TestHouse } from '../support/house.ts';
import { mappingText } from '../support/mapping-text.ts';
import { entraYaml } from '../support/stage-entra.ts';

const HOUR_MS = 3_600_000;
const PEOPLE = crowd(6);
const leaves = (id: string): readonly Person[] =>
  PEOPLE.map((person) => (person.id === id ? { ...person, status: 'T', end: '2026-11-20' } : person));

async function opened(
  entraKeys = '{}',
): Promise<{ test: TestHouse; entra: FakeEntra; sync: (content: string) => Promise<void> }> {
  const clock = heldClock(NOON);
  const entra = await startFakeEntra({ now: clock.nowMs });
  onTestFinished(entra.close);
  const text = mappingText();
  const test = await openTestHouse({
    clock,
    mapping: `${text.slice(0, text.indexOf('  - name: idp'))}${entraYaml(entraKeys)}`,
    environment: { ENTRA_UPLOAD: entra.uploadUrl, ENTRA_TOKEN: entra.tokenUrl, ENTRA_SECRET: 'app-secret' },
    traffic: () => ({ arrived: entra.log.length, open: entra.open() }),
  });
  const sync = async (content: string): Promise<void> => {
    test.deliver(content);
    await test.cycle();
    await test.settle(2 * HOUR_MS);
  };
  return { test, entra, sync };
}
const uploadsOf = (entra: FakeEntra, id: string): number =>
  entra.directory.taken.filter(({ identity }) => identity === id).length;

it('somebody who is in the tenant already is adopted by a person’s word, before anything is sent of them', async () => {
  const { test, entra, sync } = await opened();
  const properties = new Map([['jobTitle', 'Temp']]);
  const user = entra.directory.add({
    userPrincipalName: 'first1000.last1000@example.com',
    employeeId: '1000',
    properties,
  });
  test.deliver(feed(PEOPLE));
  expect((await test.cycle()).kind).toBe('held');
  await test.settle(2 * HOUR_MS);
  expect(uploadsOf(entra, '1000')).toBe(0);
  expect(user.properties.get('jobTitle')).toBe('Temp');
  await test.approveAll();
  await sync(feed(PEOPLE));
  expect(user.properties.get('jobTitle')).toBe('Clerk');
  expect(entra.directory.users.size).toBe(PEOPLE.length);
  expect(await test.stage('1000')).toBe('active/settled');
});

it('an emergency leave ends access and sessions within seconds where the direct way is configured', async () => {
  const { test, entra, sync } = await opened('{ direct: graph }');
  await sync(feed(PEOPLE));
  const before = test.clock.nowMs();
  await test.act('leave', { worker: '1003' });
  await test.settle(5_000);
  expect(entra.directory.of('1003')?.accountEnabled).toBe(false);
  expect(entra.revoked).toContain(entra.directory.of('1003')?.id);
  const patch = entra.log.find(({ method }) => method === 'PATCH');
  expect((patch?.at ?? Number.POSITIVE_INFINITY) - before).toBeLessThan(3_000);
  // And uploaded, so that no older upload gives the access back.
  expect(entra.directory.taken.at(-1)).toMatchObject({ identity: '1003', active: false });
  await test.settle(2 * HOUR_MS);
  expect(await test.stage('1003')).toBe('left/settled');
});

it('a leaver behind a paused job is alarmed with Microsoft’s reason, paged, and leaves once it runs', async () => {
  const { test, entra, sync } = await opened();
  await sync(feed(PEOPLE));
  entra.directory.pause();
  test.deliver(feed(leaves('1003')));
  await test.cycle();
  await test.settle(6 * 60_000);
  expect(entra.directory.of('1003')?.accountEnabled).toBe(true);
  const alarms = await test.house.store.alarms('acme');
  expect(alarms.map(({ code, message }) => `${code}: ${message}`).join('\n')).toMatch(/target\.stalled: .*Paused/);
  expect(await test.house.store.unconfirmedLeavers(5)).toHaveLength(1);
  entra.directory.resume(test.clock.nowMs());
  await test.settle(2 * HOUR_MS);
  expect(entra.directory.of('1003')?.accountEnabled).toBe(false);
  expect(await test.stage('1003')).toBe('left/settled');
  expect(await test.house.store.alarms('acme')).toEqual([]);
});

it('a job that is paused keeps nobody’s access where the direct way is configured', async () => {
  const { test, entra, sync } = await opened('{ direct: graph }');
  await sync(feed(PEOPLE));
  entra.directory.pause();
  test.deliver(feed(leaves('1003')));
  await test.cycle();
  await test.settle(60_000);
  expect(entra.directory.of('1003')?.accountEnabled).toBe(false);
  expect(await test.stage('1003')).toBe('left/delivering');
  entra.directory.resume(test.clock.nowMs());
  await test.settle(2 * HOUR_MS);
  expect(await test.stage('1003')).toBe('left/settled');
});

it('whoever left and is enabled by somebody else is found by the daily reading, and disabled again', async () => {
  const { test, entra, sync } = await opened();
  await sync(feed(PEOPLE));
  await sync(feed(leaves('1003')));
  const user = entra.directory.of('1003');
  if (user === null) throw new Error('1003 has an account');
  user.accountEnabled = true;
  const [target] = [...test.live.targets.values()];
  if (target === undefined) throw new Error('there is a target');
  test.clock.advance(25 * HOUR_MS);
  const { active } = await readLeft(test.house, test.live, target, new AbortController().signal);
  expect(active).toEqual(['1003']);
  await test.settle(2 * HOUR_MS);
  expect(user.accountEnabled).toBe(false);
});

it('a reconciliation sees what Graph shows, and takes what it does not show for no drift', async () => {
  const { test, entra, sync } = await opened();
  await sync(feed(PEOPLE));
  const [target] = [...test.live.targets.values()];
  if (target === undefined) throw new Error('there is a target');
  const compared = async (repair: readonly Repair[]) =>
    (await reconcile(test.house, test.live, target, { repair, actor: 'tester', signal: new AbortController().signal }))
      .counts;
  expect(await compared([])).toMatchObject({ drifted: 0, orphan: 0, zombie: 0 });
  entra.directory.of('1002')?.properties.set('department', 'Elsewhere');
  expect(await compared(['drifted'])).toMatchObject({ drifted: 1 });
  await test.settle(2 * HOUR_MS);
  expect(entra.directory.of('1002')?.properties.get('department')).toBe('Sales');
  expect(uploadsOf(entra, '1001')).toBe(1);
});
