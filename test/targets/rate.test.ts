import fc from 'fast-check';
import { expect, test } from 'vitest';
import { halved, limitOf, rateOf, recovered } from '../../src/targets/scim/rate.ts';
import { CaseMix } from '../support/case-mix.ts';

/** A clock that only moves when somebody is the next to wake. */
function heldTime() {
  let now = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  const settle = () => new Promise<void>((done) => setImmediate(done));
  return {
    now: () => now,
    wait: (ms: number) => new Promise<void>((wake) => void sleepers.push({ at: now + ms, wake })),
    random: () => 0,
    runUntil: async (end: number) => {
      await settle();
      for (;;) {
        const next = sleepers.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        sleepers.splice(sleepers.indexOf(next), 1);
        now = next.at;
        next.wake();
        await settle();
      }
      now = end;
    },
  };
}
const signal = new AbortController().signal;

test('sends at the rate that was set, with a small burst at most', async () => {
  const time = heldTime();
  const rate = rateOf(50, time);
  const sentAt: number[] = [];
  for (let n = 0; n < 400; n += 1) void rate.take(false, signal).then(() => sentAt.push(time.now()));
  await time.runUntil(4_000);
  for (let from = 0; from < 3_000; from += 100) {
    const inSecond = sentAt.filter((at) => at >= from && at < from + 1_000).length;
    expect(inSecond).toBeLessThanOrEqual(55);
    expect(inSecond).toBeGreaterThanOrEqual(45);
  }
});

test('a leaver passes a queue that eats every token', async () => {
  const time = heldTime();
  const rate = rateOf(10, time);
  for (let n = 0; n < 500; n += 1) void rate.take(false, signal);
  await time.runUntil(5_000);
  const asked = time.now();
  let sent: number | null = null;
  void rate.take(true, signal).then(() => {
    sent = time.now();
  });
  await time.runUntil(5_200);
  expect(sent).toBe(asked);
});

test('no limit waits for nothing, and a stop ends the waiting', async () => {
  await rateOf(null, heldTime()).take(false, signal);
  const stopped = AbortSignal.abort(new Error('stop'));
  await expect(rateOf(1, heldTime()).take(false, stopped)).rejects.toThrow('stop');
});

test('serves first those who came first, leavers before all, and nobody who is not wanted any more', async () => {
  const time = heldTime();
  const rate = rateOf(10, time);
  const order: string[] = [];
  const take = (name: string, urgent = false, wanted?: () => boolean) =>
    rate.take(urgent, signal, wanted).then((sent) => order.push(sent ? name : `${name} not sent`));
  let isWanted = true;
  const all = [
    take('first'),
    take('second'),
    take('third', false, () => isWanted),
    take('fourth'),
    take('leaver', true),
    take('other leaver', true),
  ];
  isWanted = false;
  rate.reconsider();
  await time.runUntil(5_000);
  await Promise.all(all);
  expect(order).toEqual(['first', 'leaver', 'third not sent', 'other leaver', 'second', 'fourth']);
});

test('falls by half at 429, once for each wave, and comes back to what was set', async () => {
  const time = heldTime();
  const rate = rateOf(40, time);
  let sent = 0;
  const count = (): void => {
    sent += 1;
  };
  for (let n = 0; n < 2_000; n += 1) void rate.take(false, signal).then(count);
  await time.runUntil(3_000);
  for (let wave = 0; wave < 8; wave += 1) rate.answered(429);
  expect(rate.perSecond()).toBeGreaterThan(15);
  expect(rate.perSecond()).toBeLessThanOrEqual(22);
  const before = sent;
  await time.runUntil(4_000);
  expect(sent - before).toBeLessThanOrEqual(27);
  await time.runUntil(40_000);
  expect(rate.perSecond()).toBe(40);
});

test('a target without a limit gets one at 429 from what was sent, and loses it again', async () => {
  const time = heldTime();
  const rate = rateOf(null, time);
  for (let n = 0; n < 100; n += 1) await rate.take(false, signal);
  expect(rate.perSecond()).toBeNull();
  rate.answered(429);
  expect(rate.perSecond()).toBe(50);
  for (let second = 1; second <= 40; second += 1) {
    await time.runUntil(second * 1_000);
    void rate.take(false, signal);
  }
  expect(rate.perSecond()).toBeNull();
});

test('whatever a target answers, the rate stays between its floor and its ceiling and recovers', () => {
  const mix = new CaseMix(['halved', 'at the floor', 'recovered whole', 'clock set back', 'without limit']);
  fc.assert(
    fc.property(
      fc.option(fc.double({ min: 0.1, max: 5_000, noNaN: true }), { nil: null }),
      fc.array(
        fc.record({
          passesMs: fc.constantFrom(-5_000, 0, 1, 400, 1_000, 3_000, 30_000),
          is429: fc.boolean(),
          measured: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 6_000 })),
        }),
        { minLength: 10, maxLength: 60 },
      ),
      (configured, steps) => {
        let now = 1_000_000;
        let limit = limitOf(configured, now);
        const floor = Math.min(1, configured ?? 1);
        mix.count('without limit', configured === null);
        for (const { passesMs, is429, measured } of steps) {
          now += passesMs;
          mix.count('clock set back', passesMs < 0);
          const before = limit;
          limit = is429 ? halved(recovered(limit, now), measured, now) : recovered(limit, now);
          const { perSecond, ceiling } = limit;
          if (perSecond === null) expect(configured).toBeNull();
          else {
            expect(perSecond).toBeGreaterThanOrEqual(Math.min(floor, configured ?? floor));
            expect(perSecond).toBeLessThanOrEqual(configured ?? ceiling);
          }
          if (!is429) expect(perSecond ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(before.perSecond ?? 0);
          mix.count('halved', is429 && perSecond !== before.perSecond);
          mix.count('at the floor', perSecond === floor && perSecond !== configured);
          mix.count('recovered whole', before.perSecond !== configured && perSecond === configured);
        }
        // Where the clock was set back it needs some seconds more.
        for (let second = 0; second < 500; second += 1) {
          now += 1_000;
          limit = recovered(limit, now);
        }
        expect(limit.perSecond).toBe(configured);
      },
    ),
    { numRuns: 300 },
  );
  mix.expectEach(20);
});
