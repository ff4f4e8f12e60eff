// Ways in which somebody who has left could keep access while everything looks well.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/instant.ts';
import { readLeft } from '../../src/pipeline/left-watch.ts';
import { reconcile } from '../../src/pipeline/reconcile.ts';
import { readStatus } from '../../src/views/status.ts';
import { type Doorman, type FakeIdpOptions, startFakeIdp } from '../support/fake-idp.ts';
import { HOOK_ENVIRONMENT, HOOKS, hookDesk } from '../support/hooks.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, recordOf, type TestHouse } from '../support/house.ts';

const never = new AbortController().signal;
const changed = (people: readonly Person[], id: string, change: Partial<Person>): readonly Person[] =>
  people.map((person) => (person.id === id ? { ...person, ...change } : person));
const gone = { status: 'T', end: '2026-11-22' } as const;

/** Whether anything says that not all is well with this worker: an alarm, an operation, a hold that names a leaver. */
async function isVisible(test: TestHouse, key: string): Promise<boolean> {
  const status = await readStatus(test.house.store, null, test.clock);
  const holds = await test.house.store.holds('acme', Number.MAX_SAFE_INTEGER);
  return (
    status.alarms.some(({ worker, subject }) => worker === key || subject === 'idp') ||
    [...status.unconfirmedLeavers, ...status.failed].some(({ workerKey }) => workerKey === key) ||
    holds.some(({ kind, items }) => kind.endsWith('Leaver') && items.some(({ harm }) => harm.workerKey === key))
  );
}
const isActive = (test: TestHouse, key: string): boolean =>
  [...test.idp.users.values()].some(
    (user) => (user.externalId === key || String(user.userName).includes(`last${key}`)) && user.active === true,
  );
const isIn = (test: TestHouse, key: string, group = 'All staff'): boolean =>
  test.idp.members(group).includes(String(test.idp.user(key)?.id));
/** Out, or somebody is told. */
const safe = async (test: TestHouse, key: string): Promise<boolean> =>
  !isActive(test, key) || (await isVisible(test, key));

describe('while adoptions at a target that was added wait for a person, access at the others ends', () => {
  const two = async () => {
    const people = crowd(60, (index) => (index === 5 ? { end: '2026-11-25' } : {}));
    const users = people.map(({ id }) => ({
      userName: `first${id}.last${id}@example.com`,
      externalId: id,
      active: true,
    }));
    const other = await startFakeIdp({ token: 'let-me-in', idPrefix: 'other', users } as FakeIdpOptions);
    onTestFinished(() => other.close());
    const [before, target] = mappingText().split('  - name: idp\n') as [string, string];
    const test = await openTestHouse({
      mapping: `${mappingText()}${HOOKS}`,
      environment: { ...HOOK_ENVIRONMENT, OTHER_URL: other.url },
    });
    await test.sync(feed(people));
    await test.restart(
      `${before}  - name: idp\n${target}  - name: other\n${target.replace('{env:IDP_URL}', '{env:OTHER_URL}')}${HOOKS}`,
    );
    expect((await test.sync(feed(people))).holds).toMatchObject([{ kind: 'adoption', items: 60 }]);
    return { test, people };
  };
  it('where an operator orders a leave', async () => {
    const { test } = await two();
    expect(await test.act('leave', { worker: '1003' })).toMatchObject({ ok: true });
    await test.settle();
    expect(isActive(test, '1003')).toBe(false);
  });
  it('where HR says terminated', async () => {
    const { test, people } = await two();
    for (let day = 0; day < 3; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync(feed(changed(people, '1003', gone)));
    }
    expect(isActive(test, '1003')).toBe(false);
  });
  it('where a last day that was known passes', async () => {
    const { test, people } = await two();
    for (let day = 0; day < 4; day += 1) {
      test.clock.advance(DAY_MS);
      await test.settle();
      await test.sync(feed(people));
    }
    expect(isActive(test, '1005')).toBe(false);
  });
  it('where a webhook tells of an emergency', async () => {
    const { test } = await two();
    const desk = hookDesk(test);
    await desk.emergency('1003');
    await desk.take();
    await test.settle();
    expect(isActive(test, '1003')).toBe(false);
  });
});

describe('a file is read again, although it is the very same, as long as one of its rows', () => {
  it('says terminated and is overtaken by a record that a webhook told later', async () => {
    const mapping = `${mappingText({ 'path: workers.csv': "path: 'workers-*.csv'" })}${HOOKS}`;
    const test = await openTestHouse({ mapping, environment: HOOK_ENVIRONMENT });
    const deliver = async (day: number, people: readonly Person[]) => {
      test.deliver(feed(people), `workers-2026-11-${day}.csv`);
      const { kind } = await test.cycle();
      await test.settle();
      return kind;
    };
    const people = crowd(30);
    await deliver(23, people);
    const desk = hookDesk(test);
    test.clock.advance(20 * HOUR_MS);
    await desk.record(recordOf({ id: '1003', title: 'Chief' }));
    await desk.take();
    await test.settle();
    const left = changed(people, '1003', gone);
    await deliver(24, left);
    for (const day of [25, 26, 27]) {
      test.clock.advance(DAY_MS);
      await deliver(day, left);
    }
    expect(await safe(test, '1003'), await test.stage('1003')).toBe(true);
  });
  it('is rejected for its start and says terminated as of a day to come', async () => {
    const test = await openTestHouse();
    const people = crowd(40);
    await test.sync(feed(people));
    for (let day = 0; day < 6; day += 1) {
      test.clock.advance(DAY_MS);
      await test.sync(feed(changed(people, '1003', { status: 'T', end: '2026-11-25', start: 'soon' })));
    }
    expect(isActive(test, '1003'), await test.stage('1003')).toBe(false);
  });
});

describe('a termination that is older than the facts on file', () => {
  it('counts where they were dated ahead of the clock', async () => {
    const test = await openTestHouse({
      mapping: mappingText({ 'stableMs: 0 }': "stableMs: 0, asOf: 'instant(record.Title)' }" }),
    });
    const people = crowd(30, () => ({ title: '2026-11-20T00:00:00Z' }));
    await test.sync(feed(people));
    await test.sync(feed(changed(people, '1003', { dept: 'Depot', title: '2026-11-24T23:00:00Z' })));
    test.clock.advance(DAY_MS);
    for (let day = 0; day < 5; day += 1) {
      const left = changed(people, '1003', { dept: 'Depot', status: 'T', title: '2026-11-24T10:00:00Z' });
      await test.sync(feed(changed(left, '1010', { dept: `D${day}` })));
      test.clock.advance(DAY_MS);
    }
    expect(await safe(test, '1003'), await test.stage('1003')).toBe(true);
  });
  it('ends nobody, and a person is told, until the worker has left or a later export says otherwise', async () => {
    const test = await openTestHouse({ mapping: `${mappingText()}${HOOKS}`, environment: HOOK_ENVIRONMENT });
    const people = crowd(30);
    await test.sync(feed(people));
    const desk = hookDesk(test);
    test.clock.advance(HOUR_MS);
    const at = new Date(test.clock.nowMs()).toISOString();
    test.clock.advance(MINUTE_MS);
    // Written last night, read now.
    await test.sync(feed(changed(people, '1003', { title: 'Chief' })));
    test.clock.advance(MINUTE_MS);
    await desk.record(recordOf({ id: '1003', title: 'Chief', ...gone }), at);
    await desk.take();
    await test.settle();
    const alarms = async () => (await test.house.store.alarms('acme')).map(({ code, worker }) => `${code} ${worker}`);
    expect(await alarms()).toEqual(['account.leave-overtaken 1003']);
    const chief = changed(people, '1003', { title: 'Chief' });
    await test.sync(feed(changed(chief, '1004', { dept: 'Depot' })));
    expect(await alarms()).toEqual(['account.leave-overtaken 1003']);
    test.clock.advance(DAY_MS);
    await test.sync(feed(changed(chief, '1005', { dept: 'Depot' })));
    expect(await alarms()).toEqual([]);
    expect(isActive(test, '1003')).toBe(true);
    // Told late again, and this time it was so.
    await desk.record(recordOf({ id: '1005', dept: 'Depot', ...gone }), new Date(test.clock.nowMs() - 1).toISOString());
    await desk.take();
    expect(await alarms()).toEqual(['account.leave-overtaken 1005']);
    expect(await test.act('leave', { worker: '1005' })).toMatchObject({ ok: true });
    await test.cycle();
    expect(await alarms()).toEqual([]);
  });
});

it('a 404 of an account that was just made is read back before anybody believes it', async () => {
  const test = await openTestHouse({ idp: { lateVisibility: 4 } });
  const people = crowd(10);
  await test.sync(feed(people));
  test.idp.behaviours.add({
    method: 'PATCH',
    path: '/Users/',
    times: 1,
    act: { kind: 'answer', status: 404, body: '{}' },
  });
  await test.sync(feed(changed(people, '1003', gone)));
  expect(await safe(test, '1003'), await test.stage('1003')).toBe(true);
});

it('a dozen known accounts that are not found, as with the token of another tenant, are told to a person', async () => {
  const test = await openTestHouse();
  const people = crowd(60);
  await test.sync(feed(people));
  const stops = [
    test.idp.behaviours.add({ path: /^\/(Users|Groups)\//, act: { kind: 'answer', status: 404, body: '{}' } }),
    test.idp.behaviours.add({
      path: /^\/(Users|Groups)\?/,
      act: { kind: 'answer', status: 200, body: '{"totalResults":0,"Resources":[]}' },
    }),
  ];
  const left = people.map((one, index) => (index < 12 ? { ...one, ...gone } : one));
  await test.sync(feed(left));
  for (let round = 0; round < 2; round += 1) {
    await test.approveAll();
    await test.sync();
  }
  expect(await test.house.store.alarms('acme')).toMatchObject([
    {
      code: 'account.gone',
      subject: 'idp',
      message: expect.stringContaining('more than 3 known accounts were not found at idp'),
    },
  ]);
  for (const stop of stops) stop();
  // The watch finds them the next day.
  for (let day = 0; day < 3; day += 1) {
    test.clock.advance(DAY_MS + MINUTE_MS);
    const target = test.live.targets.get('idp');
    if (target !== undefined) await readLeft(test.house, test.live, target, never);
    await test.settle(3 * HOUR_MS);
    await test.approveAll();
    await test.sync(feed(changed(left, '1050', { title: `T${day}` })));
  }
  expect(isActive(test, '1003')).toBe(false);
});

describe('the doubt that a lost answer left outlives the failure of the operation', () => {
  it('of a create: the account that it made is looked for', async () => {
    const test = await openTestHouse({ idp: { lateVisibility: 30 } });
    const people = crowd(10);
    await test.sync(feed(people));
    const create = { method: 'POST', path: '/Users', body: 'Last2003' };
    test.idp.behaviours.add({ ...create, times: 1, act: { kind: 'loseReply' } });
    test.idp.behaviours.add({ ...create, act: { kind: 'answer', status: 400, body: '{"detail":"exists already"}' } });
    const more = [...people, { id: '2003' }];
    await test.sync(feed(more));
    expect(await test.stage('2003')).toBe('active/failed');
    await test.sync(feed(changed(more, '2003', gone)));
    await test.settle(3 * HOUR_MS);
    expect(await safe(test, '2003'), await test.stage('2003')).toBe(true);
  });
  it('of a membership: it is taken back', async () => {
    const chiefs = `    groups:\n      - { name: '"Chiefs"', when: worker.title == "Chief", create: true }\n`;
    const test = await openTestHouse({ mapping: mappingText({ '    groups:\n': chiefs }) });
    const people = crowd(30, (index) => (index === 7 ? { title: 'Chief' } : {}));
    await test.sync(feed(people));
    const path = `/Groups/${[...test.idp.groups.values()].find(({ displayName }) => displayName === 'Chiefs')?.id}`;
    // Does not show its members, and refuses one whom it has.
    test.idp.behaviours.add({ method: 'GET', path, act: { kind: 'answer', status: 404, body: '{}' } });
    test.idp.behaviours.add({ method: 'PATCH', path, body: '"add"', times: 1, act: { kind: 'loseReply' } });
    test.idp.behaviours.add({
      method: 'PATCH',
      path,
      body: '"add"',
      act: { kind: 'answer', status: 400, body: '{"detail":"already a member"}' },
    });
    await test.sync(feed(changed(people, '1003', { title: 'Chief' })));
    expect(await test.stage('1003')).toBe('active/failed');
    await test.sync(feed(changed(people, '1003', { title: 'Chief', ...gone })));
    expect(isIn(test, '1003', 'Chiefs') && !(await isVisible(test, '1003')), await test.stage('1003')).toBe(false);
  });
});

it('no second account is made beside one that is not proven to be somebody else’s', async () => {
  const doorman: Doorman = (asked, ask) => {
    if (asked.method !== 'POST' || asked.path !== '/Users') return ask(asked);
    const { externalId: _, title, ...rest } = JSON.parse(asked.body) as Record<string, unknown>;
    return ask({ ...asked, body: JSON.stringify({ ...rest, title: String(title).toUpperCase() }) });
  };
  const test = await openTestHouse({ idp: { doorman } });
  const people = crowd(10);
  test.idp.behaviours.add({ method: 'POST', path: '/Users', body: 'Last1003', times: 1, act: { kind: 'loseReply' } });
  await test.sync(feed(people));
  const made = [...test.idp.users.values()].filter(({ userName }) => String(userName).includes('last1003'));
  expect.soft(made.length, 'accounts of one person').toBe(1);
  await test.sync(feed(changed(people, '1003', gone)));
  expect(await safe(test, '1003'), await test.stage('1003')).toBe(true);
});

it('the groups of a leaver of whom only the disable passed, whose row is gone from the next file, are left', async () => {
  const test = await openTestHouse();
  const people = crowd(60);
  await test.sync(feed(people));
  const left = changed(people, '1003', gone);
  await test.sync(feed(left.map((one, index) => (index > 30 ? { ...one, title: 'Chief' } : one))));
  expect(isActive(test, '1003')).toBe(false);
  for (let day = 0; day < 4; day += 1) {
    test.clock.advance(DAY_MS);
    await test.sync(feed(people.filter(({ id }) => id !== '1003')));
  }
  expect(isIn(test, '1003') && !(await isVisible(test, '1003')), await test.stage('1003')).toBe(false);
});

it('the account of a purged worker at a target that deletes nobody is watched and ended again', async () => {
  const other = await startFakeIdp({ token: 'let-me-in', idPrefix: 'other' });
  onTestFinished(() => other.close());
  const text = mappingText({ 'targets:\n': 'lifecycle: { retention: { deleteAfterDays: 5 } }\ntargets:\n' });
  const [before, target] = text.split('  - name: idp\n') as [string, string];
  const test = await openTestHouse({
    mapping: `${before}  - name: idp\n    deletes: true\n${target}  - name: other\n${target.replace('{env:IDP_URL}', '{env:OTHER_URL}')}`,
    environment: { OTHER_URL: other.url },
  });
  const people = crowd(30);
  await test.sync(feed(people));
  const left = feed(changed(people, '1003', gone));
  for (let day = 0; day < 7; day += 1) {
    await test.sync(left);
    test.clock.advance(DAY_MS);
  }
  expect(await test.stage('1003')).toBe('purged/settled');
  const user = other.user('1003');
  other.users.set(String(user?.id), { ...user, active: true } as never);
  const there = test.live.targets.get('other');
  if (there === undefined) throw new Error('no target');
  const report = await reconcile(test.house, test.live, there, { repair: [], actor: 'test', signal: never });
  expect.soft(report.counts.zombie, 'reconcile sees it').toBe(1);
  for (let day = 0; day < 2; day += 1) {
    test.clock.advance(DAY_MS);
    await readLeft(test.house, test.live, there, never);
    await test.sync(left);
  }
  expect(other.user('1003')?.active === true && !(await isVisible(test, '1003'))).toBe(false);
});

it('of a delta that comes late, under a name that sorts before the last one read, a person is told until it is gone', async () => {
  const test = await openTestHouse({
    mapping: mappingText({ 'path: workers.csv, stableMs: 0': "path: '*.csv', content: delta, stableMs: 0" }),
  });
  const read = async (people: readonly Person[], name: string) => {
    test.deliver(feed(people), name);
    await test.cycle();
    await test.settle();
    test.clock.advance(HOUR_MS);
  };
  await read(crowd(30), 'workers-2026-11-20.csv');
  await read([{ id: '1005', title: 'Chief' }], 'workers-2026-11-23.csv');
  await read([{ id: '1003', ...gone }], 'workers-2026-11-22.csv');
  const alarms = async () =>
    (await test.house.store.alarms('acme')).flatMap(({ code, message }) =>
      code === 'feed.overlooked' ? [message] : [],
    );
  for (let day = 0; day < 2; day += 1) {
    expect(await alarms()).toMatchObject([expect.stringContaining('never read: workers-2026-11-22.csv')]);
    test.clock.advance(DAY_MS);
    await test.cycle();
  }
  await read([{ id: '1006', title: 'Chief' }], 'workers-2026-11-24.csv');
  expect(await alarms()).toHaveLength(1);
  await test.restart();
  rmSync(join(test.mappingsDir, 'workers-2026-11-22.csv'));
  await read([{ id: '1003', ...gone }], 'workers-2026-11-25.csv');
  expect(await alarms()).toEqual([]);
  expect(isActive(test, '1003')).toBe(false);
});

it('of an endpoint that ignores filters, an account beyond the first page is not taken for one that is not there', async () => {
  const doorman: Doorman = (asked, ask) =>
    ask(asked.method === 'GET' && asked.path.startsWith('/Users?filter=') ? { ...asked, path: '/Users' } : asked);
  const test = await openTestHouse({ idp: { doorman, pageMax: 10 } });
  const people = crowd(40);
  await test.sync(feed(people));
  test.idp.behaviours.add({ method: 'POST', path: '/Users', body: 'Last2003', times: 1, act: { kind: 'loseReply' } });
  const more = [...people, { id: '2003' }];
  test.deliver(feed(more));
  await test.cycle();
  await test.settle(0);
  test.deliver(feed(changed(more, '2003', gone)));
  await test.cycle();
  await test.settle(60 * MINUTE_MS);
  expect(await safe(test, '2003'), await test.stage('2003')).toBe(true);
});
