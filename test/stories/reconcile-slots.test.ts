// Reconciliations by schedule: each slot is served, if not at once then as soon as it can be.
import { describe, expect, it, onTestFinished } from 'vitest';
import { reconcileBySchedule } from '../../src/pipeline/reconcile-slots.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { comes, crowd, feed, mappingText, openTestHouse, type Person, type TestHouse } from '../support/house.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const SCHEDULED = mappingText({
  'correlate: [': `reconcile: { schedule: "30 4 * * 0", repair: [zombies] }\n    correlate: [`,
});

async function at(people: readonly Person[], mapping = SCHEDULED, said: string[] = []): Promise<TestHouse> {
  const log = { ...silentLog, warn: (_: object | string, text = '') => void said.push(text) };
  const test = await openTestHouse({ mapping, log });
  await test.sync(feed(people));
  return test;
}

/** The daemon's part of it, started now; slots come once a week, the first in `firstMs`. */
function started({ house, live, clock }: TestHouse, firstMs = DAY) {
  const end = new AbortController();
  const first = clock.nowMs() + firstMs;
  const asked: { readonly cron: string; readonly timezone: string; readonly come: () => void }[] = [];
  const slots = reconcileBySchedule(house, live, end.signal, {
    nowMs: clock.nowMs,
    at: (cron, come, { timezone }) => {
      asked.push({ cron, timezone, come });
      const next = () => first + Math.max(0, Math.floor((clock.nowMs() - first) / WEEK) + 1) * WEEK;
      return { getNextRun: () => new Date(next()), stop: () => undefined };
    },
  });
  const stop = async (): Promise<void> => {
    end.abort();
    await Promise.all(slots.map(({ stopped }) => stopped));
  };
  onTestFinished(stop);
  return { asked, stop };
}

/** What every comparison so far came to: who asked for it, and how many accounts could be used by whoever left. */
const compared = async ({ house }: TestHouse) =>
  (await house.store.audit.tail(1_000, { kinds: ['reconciliation'] })).map(({ actor, body }) => [actor, body.zombie]);
const alarms = async ({ house }: TestHouse) => (await house.store.alarms('acme')).map(({ code, hint }) => [code, hint]);
/** Everything that waits for time or for the disk comes to rest. */
const rest = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
/** Lets time pass in steps that everybody who waits can follow. */
async function pass({ clock }: TestHouse, ms: number): Promise<void> {
  const until = clock.nowMs() + ms;
  await rest();
  while (clock.toNext(until - clock.nowMs())) await rest();
  clock.advance(until - clock.nowMs());
  await rest();
}
const mute = ({ idp }: TestHouse) => idp.behaviours.add({ act: { kind: 'answer', status: 400 } });

/** Somebody has left, and behind our back their account was enabled again. */
async function withZombie(said: string[] = []): Promise<TestHouse> {
  const people = crowd(40);
  const test = await at(people, SCHEDULED, said);
  await comes(test, feed(people.map((one) => (one.id === '1003' ? { ...one, status: 'T' } : one))));
  await test.settle(MINUTE);
  const user = test.idp.user('1003');
  if (user === undefined) throw new Error('nobody is 1003');
  expect(user.active).toBe(false);
  test.idp.users.set(String(user.id), { ...user, active: true });
  return test;
}

describe('a reconciliation by schedule', () => {
  it('comes in the zone of the connection, ends the access of a leaver who was enabled, and the next finds nothing', async () => {
    const test = await withZombie();
    const { asked } = started(test);
    const [slot, ...others] = asked;
    expect([slot?.cron, slot?.timezone, others]).toEqual(['30 4 * * 0', 'Europe/Berlin', []]);
    await rest();
    slot?.come();
    await expect.poll(() => compared(test)).toEqual([['daemon', 1]]);
    expect(await alarms(test)).toEqual([['account.zombie', 'rollcall reconcile idp --repair zombies']]);
    await test.settle(10 * MINUTE);
    expect(test.idp.user('1003')?.active).toBe(false);
    slot?.come();
    await expect
      .poll(() => compared(test))
      .toEqual([
        ['daemon', 1],
        ['daemon', 0],
      ]);
    expect(await alarms(test)).toEqual([]);
  });

  it('is made up for when its slot passed while nobody ran', async () => {
    const test = await withZombie();
    const before = started(test, DAY);
    await rest();
    await before.stop();
    test.clock.advance(3 * DAY);
    started(test, 5 * DAY);
    await pass(test, 5 * MINUTE);
    expect(await compared(test)).toEqual([]);
    await pass(test, 6 * MINUTE);
    await expect.poll(() => compared(test)).toEqual([['daemon', 1]]);
    await test.settle(10 * MINUTE);
    expect(test.idp.user('1003')?.active).toBe(false);
    await pass(test, DAY);
    expect(await compared(test)).toHaveLength(1);
  });

  it('does not come before its first slot, nor twice for one', async () => {
    const test = await at(crowd(10));
    const first = started(test, 2 * DAY);
    await pass(test, DAY);
    await first.stop();
    const { asked } = started(test, DAY);
    await pass(test, DAY - MINUTE);
    expect(await compared(test)).toEqual([]);
    await pass(test, MINUTE);
    asked[0]?.come();
    await expect.poll(() => compared(test)).toHaveLength(1);
    await pass(test, 3 * DAY);
    expect(await compared(test)).toHaveLength(1);
  });

  it('that finds no answer changes nothing, is tried every hour, and is an alarm after a day until one succeeds', async () => {
    const said: string[] = [];
    const test = await withZombie(said);
    const mended = mute(test);
    const { asked, stop } = started(test);
    await rest();
    asked[0]?.come();
    await expect.poll(() => said).toEqual(['the target could not be compared; it is tried again in an hour']);
    expect(await compared(test)).toEqual([]);
    for (let hour = 1; hour <= 23; hour += 1) {
      await pass(test, HOUR);
      await expect.poll(() => said.length).toBe(1 + hour);
    }
    expect(await alarms(test)).toEqual([]);
    await pass(test, HOUR);
    await expect
      .poll(() => alarms(test))
      .toEqual([['target.not-compared', 'rollcall reconcile idp says what is in the way']]);
    // Also a new process knows what is owed.
    await stop();
    started(test, 6 * DAY);
    mended();
    await pass(test, 11 * MINUTE);
    await expect.poll(() => compared(test)).toEqual([['daemon', 1]]);
    await expect.poll(() => alarms(test)).toEqual([['account.zombie', 'rollcall reconcile idp --repair zombies']]);
  });

  it('is left out where the file says never', async () => {
    const test = await at(crowd(3), SCHEDULED.replace('"30 4 * * 0"', 'never'));
    expect(started(test).asked).toEqual([]);
  });
});
