// A clock that jumps ahead ends nobody's access until a target's clock says the same.
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, type Instant, instantOf, MINUTE_MS, msOf, plusMs } from '../../src/base/instant.ts';
import { alertsNow } from '../../src/pipeline/alerts.ts';
import { readClockDoubt } from '../../src/pipeline/clock-watch.ts';
import { pageFor } from '../../src/pipeline/leaver-watch.ts';
import { readingsOf } from '../../src/pipeline/readings.ts';
import { HOOK_ENVIRONMENT, HOOKS, hookDesk } from '../support/hooks.ts';
import {
  crowd,
  feed,
  mappingText,
  NOON,
  openTestHouse,
  type Person,
  recordOf,
  type TestHouse,
} from '../support/house.ts';

/** Somebody whose last day is long decided, somebody who starts, and others. */
const LEAVER: Person = { id: '1', status: 'T', end: '2026-11-25' };
const STARTER: Person = { id: '2', start: '2026-11-26' };
const people = [LEAVER, STARTER, ...crowd(30)];

/** The house with a target whose clock is `away` from the truth; null names no time. */
async function watched(theirs: { says: () => number | null }): Promise<TestHouse> {
  const house = await openTestHouse({
    watchClock: true,
    idp: { time: () => theirs.says() },
    mapping: `${mappingText()}${HOOKS}`,
    environment: HOOK_ENVIRONMENT,
  });
  theirs.says = house.clock.nowMs;
  await house.sync(feed(people));
  await house.approveAll();
  await house.sync();
  expect(await house.stage('1')).toBe('active/settled');
  return house;
}

const isActive = (house: TestHouse, id: string) => house.idp.user(id)?.active;
const disables = (house: TestHouse): number =>
  house.idp.log.filter(({ method, body }) => method === 'PATCH' && /"value":false|"active":false/.test(body)).length;

describe('a step of the clock', () => {
  test('of more than a day ends nobody’s access while the target’s clock says otherwise, and everything as soon as it agrees', async () => {
    const theirs = { says: (): number | null => 0 };
    const house = await watched(theirs);
    const truth = house.clock.nowMs();
    theirs.says = () => truth;
    house.clock.advance(400 * DAY_MS);
    await house.settle(2 * HOUR_MS);
    await house.sync(feed([...people, { id: '3' }]));
    expect(await house.stage('1')).toBe('active/settled');
    expect(disables(house)).toBe(0);
    const doubt = await readClockDoubt(house.house.store);
    expect(doubt?.witnesses).toEqual([
      { target: 'idp', says: instantOf(new Date(Math.floor(truth / 1000) * 1000).toISOString()) },
    ]);
    // A hire that the clock does not decide goes on.
    expect(isActive(house, '3')).toBe(true);

    theirs.says = house.clock.nowMs;
    house.clock.advance(2 * MINUTE_MS);
    await house.settle();
    expect(await house.stage('1')).toBe('left/settled');
    expect(await house.stage('2')).toBe('active/settled');
    expect(await readClockDoubt(house.house.store)).toBeNull();
  });

  test('is taken back without a trace when the clock is put right again', async () => {
    const theirs = { says: (): number | null => 0 };
    const house = await watched(theirs);
    const truth = house.clock.now();
    theirs.says = () => msOf(truth);
    house.clock.set(plusMs(truth, 400 * DAY_MS));
    await house.settle();
    await house.sync();
    house.clock.set(plusMs(truth, HOUR_MS));
    await house.sync(feed([{ ...LEAVER, title: 'Lead' }, STARTER, ...crowd(30)]));
    expect(await readClockDoubt(house.house.store)).toBeNull();
    expect(house.idp.user('1')?.title).toBe('Lead');
    expect(await house.stage('1')).toBe('active/settled');
    // Its own day still comes.
    house.clock.set(instantOf('2026-11-25T23:00:00Z'));
    theirs.says = house.clock.nowMs;
    await house.settle();
    expect(await house.stage('1')).toBe('left/settled');
  });

  test.each([1, 2])(
    'gives no record that is told meanwhile a time that later leaves would be older than, of %i',
    async (together) => {
      const theirs = { says: (): number | null => 0 };
      const house = await watched(theirs);
      const truth = house.clock.now();
      theirs.says = () => msOf(truth);
      const desk = hookDesk(house);
      const told = crowd(30).slice(0, together);
      house.clock.set(plusMs(truth, 400 * DAY_MS));
      for (const one of told) await desk.record(recordOf({ ...one, title: 'Chief' }));
      await desk.take();
      await house.settle();
      expect(told.map(({ id }) => house.idp.user(id)?.title)).toEqual(told.map(() => 'Chief'));
      house.clock.set(plusMs(truth, HOUR_MS));
      for (const one of told) await desk.record(recordOf({ ...one, status: 'T', end: '2026-11-20' }));
      await desk.take();
      await house.settle();
      expect(told.map(({ id }) => isActive(house, id))).toEqual(told.map(() => false));
    },
  );

  test('after three days without power is believed at once when the target agrees', async () => {
    const theirs = { says: (): number | null => 0 };
    const house = await watched(theirs);
    house.clock.advance(3 * DAY_MS);
    await house.restart();
    const looks = house.idp.discoveryLog.length;
    await house.settle();
    expect(await house.stage('1')).toBe('left/settled');
    expect(await house.stage('2')).toBe('active/settled');
    expect(house.idp.discoveryLog.length).toBeGreaterThan(looks);
  });

  test.each([
    ['six minutes away', (now: number) => now + 6 * MINUTE_MS],
    ['unknown', () => null],
  ] as const)(
    'is not believed on the word of a clock that is %s, but a person may say that it is right',
    async (_, says) => {
      const theirs = { says: (): number | null => 0 };
      const house = await watched(theirs);
      house.clock.advance(3 * DAY_MS);
      theirs.says = () => says(house.clock.nowMs());
      await house.restart();
      await house.settle();
      expect(await house.stage('1')).toBe('active/settled');
      const result = await house.act('approve', { digest: 'clock' });
      expect(result.ok).toBe(true);
      await house.settle();
      expect(await house.stage('1')).toBe('left/settled');
      // Approved once, not for ever.
      expect((await house.act('approve', { digest: 'clock' })).ok).toBe(false);
    },
  );

  test('of four minutes’ difference to the target, or of less than a day, needs nothing', async () => {
    const theirs = { says: (): number | null => 0 };
    const house = await watched(theirs);
    house.clock.advance(3 * DAY_MS);
    theirs.says = () => house.clock.nowMs() - 4 * MINUTE_MS;
    await house.settle();
    expect(await house.stage('1')).toBe('left/settled');
    theirs.says = () => null;
    const looks = house.idp.discoveryLog.length;
    house.clock.advance(23 * HOUR_MS);
    await house.settle(0);
    expect(await readClockDoubt(house.house.store)).toBeNull();
    expect(house.idp.discoveryLog.length).toBe(looks);
  });

  test('backward lets nothing happen twice', async () => {
    const theirs = { says: (): number | null => 0 };
    const house = await watched(theirs);
    const before: Instant = house.clock.now();
    house.clock.set(instantOf('2026-11-25T23:00:00Z'));
    await house.settle();
    expect(await house.stage('1')).toBe('left/settled');
    const writes = house.idp.log.filter(({ method }) => method !== 'GET').length;
    for (const moment of [before, NOON, instantOf('2026-11-25T23:00:00Z')]) {
      house.clock.set(moment);
      await house.settle();
      await house.sync();
    }
    expect(house.idp.log.filter(({ method }) => method !== 'GET')).toHaveLength(writes);
    expect(await house.stage('1')).toBe('left/settled');
  });

  test('while a record says terminated without a date is no reason to wait', async () => {
    const theirs = { says: (): number | null => 0 };
    const house = await watched(theirs);
    const truth = house.clock.nowMs();
    theirs.says = () => truth;
    house.clock.advance(400 * DAY_MS);
    await house.sync(feed([LEAVER, STARTER, ...crowd(30, (index) => (index === 0 ? { status: 'T' } : {}))]));
    expect(await house.stage('1000')).toBe('left/settled');
    expect(await house.stage('1')).toBe('active/settled');
  });
});

describe('a clock that was ahead and is put right', () => {
  const LEFT = feed(crowd(30, (index) => (index === 0 ? { status: 'T', end: '2026-11-20' } : {})));
  const DOWN = { method: 'PATCH', act: { kind: 'answer', status: 503, body: '{}' } } as const;

  /** Everybody has an account, and then the clock is ahead of the target's, which goes on being right. */
  async function ahead(byMs: number): Promise<TestHouse & { readonly putRight: () => void }> {
    let says = (): number => 0;
    const house = await openTestHouse({
      watchClock: true,
      idp: { time: () => says() },
      mapping: `${mappingText()}${HOOKS}`,
      environment: HOOK_ENVIRONMENT,
    });
    says = house.clock.nowMs;
    await house.sync(feed(crowd(30)));
    await house.approveAll();
    await house.sync();
    const truth = house.clock.now();
    says = () => msOf(truth);
    house.clock.advance(byMs);
    return Object.assign(Object.create(house), {
      putRight: () => {
        house.clock.set(truth);
        says = house.clock.nowMs;
      },
    });
  }

  test.each([
    [2, false],
    [2, true],
    [400 * 24, false],
    [400 * 24, true],
  ] as const)(
    'by %i hours keeps no leaver waiting who was to be tried again, restarted: %s',
    async (hours, restarted) => {
      const house = await ahead(hours * HOUR_MS);
      house.idp.behaviours.add(DOWN);
      house.deliver(LEFT);
      await house.cycle();
      await house.settle(3 * MINUTE_MS);
      expect(isActive(house, '1000')).toBe(true);
      house.putRight();
      house.idp.behaviours.clear();
      if (restarted) await house.restart();
      await house.settle(2 * MINUTE_MS);
      expect(isActive(house, '1000')).toBe(false);
      expect(await house.stage('1000')).toBe('left/settled');
    },
  );

  test.each([
    ['asked for a pause', { kind: 'answer', status: 429, headers: { 'retry-after': '900' }, body: '{}' }],
    ['was down', { kind: 'answer', status: 401, body: '{}' }],
  ] as const)('lets a leaver pass at once at a target that %s meanwhile', async (_, act) => {
    const house = await ahead(400 * DAY_MS);
    await using shift = await house.shift();
    house.idp.behaviours.add({ act });
    house.deliver(feed(crowd(30, (index) => (index === 3 ? { title: 'Boss' } : {}))));
    await house.cycle();
    await shift.pass(10 * MINUTE_MS);
    expect(shift.dispatch.states().idp?.state).not.toBe('closed');
    house.putRight();
    house.idp.behaviours.clear();
    house.deliver(LEFT);
    await house.cycle();
    await shift.pass(2 * MINUTE_MS);
    expect(isActive(house, '1000')).toBe(false);
    expect(shift.dispatch.states().idp).toMatchObject({ state: 'closed', nextTryAt: null });
  });

  test('pages for a leaver who still has access, although the disable lies ahead of the clock', async () => {
    const house = await ahead(400 * DAY_MS);
    house.idp.behaviours.add(DOWN);
    house.deliver(LEFT);
    await house.cycle();
    await house.settle(3 * MINUTE_MS);
    house.putRight();
    const [alert] = await alertsNow(house.house);
    expect(alert).toMatchObject({ key: 'leavers:idp', severity: 'page' });
    expect(alert?.lines).toEqual(['since before the clock was set back', 'for example worker 1000 of acme']);
    const readings = await readingsOf(house.house, 'test');
    const oldest = readings.find(({ name }) => name === 'rollcall_leaver_oldest_seconds')?.value ?? 0;
    expect(oldest).toBeGreaterThan(300);
    const pagedAt = new Map<number, number>();
    await pageFor(house.house, pagedAt);
    expect(pagedAt.size).toBe(1);
  });

  test('looks again at an emergency that waits, at once', async () => {
    const house = await ahead(10 * HOUR_MS);
    const desk = hookDesk(house);
    await desk.emergency('1000');
    house.putRight();
    await desk.take();
    await house.settle();
    expect(isActive(house, '1000')).toBe(false);
  });
});
