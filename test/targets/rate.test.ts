import { expect, test } from 'vitest';
import { rateOf } from '../../src/targets/scim/rate.ts';

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
