// Whoever left stays out: their accounts are read again each day without anybody asking, and one that can be used is disabled again.
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/instant.ts';
import { readConfig } from '../../src/config.ts';
import { runDaemon } from '../../src/daemon.ts';
import { type LeftLook, readLeft, watchLeft } from '../../src/pipeline/left-watch.ts';
import type { Doorman, Reply } from '../support/fake-idp.ts';
import { crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const never = new AbortController().signal;
const PEOPLE = crowd(40);
const without = (ids: readonly string[], people: readonly Person[] = PEOPLE): string =>
  feed(people.map((person) => (ids.includes(person.id) ? { ...person, status: 'T', end: '2026-11-22' } : person)));

const look = ({ house, live }: TestHouse, signal: AbortSignal = never): Promise<LeftLook> => {
  const target = live.targets.get('idp');
  if (target === undefined) throw new Error('the house has a target');
  return readLeft(house, live, target, signal);
};
const alarms = async ({ house }: TestHouse) =>
  (await house.store.alarms('acme')).map(({ code, subject }) => `${code} ${subject}`);
const isActive = ({ idp }: TestHouse, key: string): unknown => idp.user(key)?.active;
const enable = ({ idp }: TestHouse, key: string): void => {
  const user = idp.user(key);
  if (user !== undefined) idp.users.set(String(user.id), { ...user, active: true });
};
const readsOf = ({ idp }: TestHouse, from: number): readonly string[] =>
  idp.log.slice(from).flatMap(({ method, path }) => (method === 'GET' ? [path] : []));

/** These have left and are confirmed inactive; a round has found them so. */
async function afterLeaving(ids: readonly string[], options: Parameters<typeof openTestHouse>[0] = {}) {
  const test = await openTestHouse(options);
  await test.sync(feed(PEOPLE));
  for (const id of ids) {
    await test.sync(without(ids.slice(0, ids.indexOf(id) + 1)));
    test.clock.advance(2 * DAY_MS);
  }
  for (const id of ids) expect(await test.stage(id)).toBe('left/settled');
  return test;
}

describe('an account of somebody who left', () => {
  it('that another administrator enables is alerted and disabled again the next day, once', async () => {
    const test = await afterLeaving(['1003']);
    expect(await look(test)).toMatchObject({ read: 1, active: [] });
    enable(test, '1003');
    expect(await look(test), 'not before a day is over').toMatchObject({ read: 0 });
    test.clock.advance(DAY_MS);
    expect(await look(test)).toMatchObject({ read: 1, active: ['1003'] });
    expect(await alarms(test)).toEqual(['account.re-enabled idp/1003']);
    await test.settle();
    expect(isActive(test, '1003')).toBe(false);
    expect(await test.stage('1003')).toBe('left/settled');
    const entries = await test.house.store.audit.entriesOf('acme', '1003');
    const found = entries.findIndex(({ kind }) => kind === 'found-active');
    const decided = entries.slice(found).find(({ kind }) => kind === 'decision');
    expect(decided?.body).toMatchObject({ operations: ['idp:disable'], transitions: [], from: 'left', to: 'left' });
    const before = test.idp.writes().length;
    test.clock.advance(HOUR_MS + MINUTE_MS);
    expect(await look(test), 'the alert is over once the target says inactive').toMatchObject({ read: 1, active: [] });
    expect(await alarms(test)).toEqual([]);
    expect(test.idp.writes().length).toBe(before);
  });

  it('that an endpoint enables by a request it had kept back is found and disabled again', async () => {
    let late: (() => Reply) | null = null;
    const doorman: Doorman = (asked, ask) => {
      if (late !== null || asked.method !== 'PATCH' || !/"value":true/.test(asked.body)) return ask(asked);
      late = () => ask(asked);
      return { status: 504 };
    };
    const test = await openTestHouse({ idp: { doorman } });
    const people = [...PEOPLE, { id: '2000', start: '2026-11-25' }];
    await test.sync(feed(people));
    expect(isActive(test, '2000')).toBe(false);
    test.clock.advance(2 * DAY_MS);
    await using shift = await test.shift();
    await shift.pass(0);
    expect(late, 'the enable was sent and its answer lost').not.toBeNull();
    test.deliver(feed(people.map((one) => (one.id === '2000' ? { ...one, status: 'T', end: '2026-11-24' } : one))));
    await test.cycle();
    await shift.pass(20 * MINUTE_MS);
    expect(await test.stage('2000')).toBe('left/settled');
    expect(isActive(test, '2000')).toBe(false);
    (late as (() => Reply) | null)?.();
    expect(isActive(test, '2000'), 'the late enable took effect after the confirmed disable').toBe(true);
    test.clock.advance(DAY_MS);
    expect(await look(test)).toMatchObject({ active: ['2000'] });
    await shift.pass(20 * MINUTE_MS);
    expect(isActive(test, '2000')).toBe(false);
  });

  it('is found over a restart, and the round goes on where it was', async () => {
    const test = await afterLeaving(['1003', '1004', '1005']);
    expect(await look(test)).toMatchObject({ read: 3 });
    test.clock.advance(DAY_MS);
    enable(test, '1005');
    const stop = new AbortController();
    const path = `/Users/${test.idp.user('1004')?.id}`;
    const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
    test.idp.behaviours.add({ method: 'GET', path, times: 1, act: { kind: 'hold', until: stopped } });
    const since = test.idp.log.length;
    const looking = look(test, stop.signal);
    await test.idp.arrival((request) => request.n > since && request.path === path);
    stop.abort();
    expect((await looking).active).toEqual([]);
    await test.restart();
    const from = test.idp.log.length;
    expect(await look(test)).toMatchObject({ active: ['1005'] });
    expect(readsOf(test, from)).not.toContain(`/Users/${test.idp.user('1003')?.id}`);
    await test.settle();
    expect(isActive(test, '1005')).toBe(false);
  });

  it('waits for a person where more are active again than may leave in a day, and is released by an approval', async () => {
    const ids = ['1001', '1002', '1003', '1004', '1005'];
    const test = await afterLeaving(ids);
    test.clock.advance(8 * DAY_MS);
    for (const id of ids) enable(test, id);
    const found = await look(test);
    expect(found.active).toHaveLength(5);
    await test.settle(MINUTE_MS);
    // Three may in 24 hours, with forty people.
    expect(ids.filter((id) => isActive(test, id) === false)).toHaveLength(3);
    expect(await test.house.store.holds('acme')).toMatchObject([{ kind: 'explicitLeaver', itemCount: 2 }]);
    expect(await alarms(test)).toHaveLength(5);
    await test.approveAll();
    await test.sync();
    test.clock.advance(11 * MINUTE_MS);
    await test.settle();
    expect(ids.filter((id) => isActive(test, id) === false)).toHaveLength(5);
    expect(await test.house.store.holds('acme')).toEqual([]);
  });

  it('that is active and protected, or somebody else’s by now, gets no write, and a person is told', async () => {
    const mapping = mappingText({ 'targets:': 'protected: [\'account.userName.startsWith("svc-")\']\ntargets:' });
    const test = await afterLeaving(['1003', '1004'], { mapping });
    const change = (key: string, values: Record<string, unknown>) => {
      const user = test.idp.user(key);
      if (user !== undefined) test.idp.users.set(String(user.id), { ...user, ...values } as typeof user);
    };
    change('1003', { active: true, userName: 'svc-backup' });
    change('1004', { active: true, externalId: 'contractor-7' });
    const before = test.idp.writes().length;
    expect(await look(test)).toMatchObject({ read: 2, active: [] });
    await test.settle();
    expect(test.idp.writes().length).toBe(before);
    expect(await alarms(test)).toEqual(['account.active-not-ours idp/1003', 'account.active-not-ours idp/1004']);
  });

  it('that is gone is no alert, unless somebody made it anew under its externalId', async () => {
    const test = await afterLeaving(['1003', '1004', '1005']);
    const gone = (key: string) => {
      const user = test.idp.user(key);
      test.idp.users.delete(String(user?.id));
      return user;
    };
    gone('1003');
    const old = gone('1004');
    test.idp.users.set('anew', { ...old, id: 'anew', active: true } as NonNullable<typeof old>);
    const named = gone('1005');
    test.idp.users.set('stranger', { ...named, id: 'stranger', externalId: '', active: true } as NonNullable<
      typeof named
    >);
    expect(await look(test)).toMatchObject({ read: 3, active: ['1004'] });
    await test.settle();
    expect(test.idp.users.get('anew')?.active).toBe(false);
    expect(test.idp.users.get('stranger')?.active, 'a name alone proves nothing').toBe(true);
    expect(await alarms(test)).toEqual(['account.re-enabled idp/1004', 'account.active-not-ours idp/1005']);
  });

  it('that cannot be read keeps nobody else waiting, and a target that is down is asked again from there', async () => {
    const test = await afterLeaving(['1003', '1004', '1005', '1006']);
    enable(test, '1005');
    const [poison, third] = ['1003', '1005'].map((key) => `/Users/${test.idp.user(key)?.id}`);
    test.idp.behaviours.add({ method: 'GET', path: poison as string, act: { kind: 'answer', status: 403 } });
    expect(await look(test)).toMatchObject({ read: 4, active: ['1005'] });
    await test.settle();
    expect(isActive(test, '1005')).toBe(false);
    test.clock.advance(DAY_MS);
    enable(test, '1005');
    test.idp.behaviours.clear();
    test.idp.behaviours.add({ method: 'GET', path: '/Users/', act: { kind: 'answer', status: 403 } });
    expect(await look(test)).toMatchObject({ active: [], waitMs: 10 * MINUTE_MS });
    test.idp.behaviours.clear();
    const from = test.idp.log.length;
    test.clock.advance(10 * MINUTE_MS);
    expect(await look(test)).toMatchObject({ active: ['1005'] });
    expect(readsOf(test, from)).toContain(third);
  });
});

it('a round reads everybody who has left, once, spread over the day', async () => {
  const test = await openTestHouse();
  const many = crowd(120);
  await test.sync(feed(many));
  const gone = many.slice(0, 105).map(({ id }) => id);
  test.deliver(without(gone, many));
  // A person releases the feed, then the leavers.
  for (let releases = 0; releases < 3; releases += 1) {
    await test.sync();
    await test.approveAll();
  }
  await test.sync();
  expect((await test.house.store.left('acme', 0, 1)).more).toBe(104);
  const from = test.idp.log.length;
  const waits: number[] = [];
  let read = 0;
  do {
    const { read: some, waitMs } = await look(test);
    read += some;
    waits.push(waitMs);
    test.clock.advance(waitMs);
  } while (read < 105 && waits.length < 20);
  expect(read).toBe(105);
  expect(new Set(readsOf(test, from)).size).toBe(105);
  expect(waits).toHaveLength(3);
  const spread = waits.slice(0, 2).reduce((sum, ms) => sum + ms, 0);
  expect(spread).toBeGreaterThan(15 * HOUR_MS);
  expect(spread).toBeLessThan(21 * HOUR_MS);
});

it('the watch goes by the clock and ends with its signal', async () => {
  const test = await afterLeaving(['1003']);
  const stop = new AbortController();
  const watch = watchLeft(test.house, test.live, stop.signal);
  const path = `/Users/${test.idp.user('1003')?.id}`;
  const reads = () => test.idp.log.filter((request) => request.method === 'GET' && request.path === path).length;
  const before = reads();
  const next = async (count: number) => {
    while (reads() < before + count) {
      await new Promise((resolve) => setImmediate(resolve));
      test.clock.toNext(DAY_MS);
    }
  };
  await next(3);
  stop.abort();
  await watch;
  expect(reads()).toBeGreaterThanOrEqual(before + 3);
});

it('the daemon watches without being asked', async () => {
  const test = await afterLeaving(['1003']);
  enable(test, '1003');
  const since = test.idp.log.length;
  const stop = new AbortController();
  const config = readConfig({ ROLLCALL_HTTP_PORT: '0' }, { mappings: test.mappingsDir, state: test.stateDir });
  const daemon = await runDaemon(test.house, config, stop.signal);
  const path = `/Users/${test.idp.user('1003')?.id}`;
  await test.idp.arrival((request) => request.n > since && request.method === 'PATCH' && request.path === path);
  stop.abort();
  await daemon.stopped;
  expect(test.idp.writes().at(-1)).toMatchObject({ path });
});
