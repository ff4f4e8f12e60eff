import { expect, test } from 'vitest';
import { fileSource } from '../../../src/sources/file/file-source.ts';
import { feedFolder, feedSettings } from '../../support/feed-folder.ts';

function heldWait() {
  const waits: { ms: number; pass: () => void }[] = [];
  let asked = () => {};
  return {
    waits,
    wait: (ms: number, signal: AbortSignal) =>
      new Promise<void>((pass, fail) => {
        waits.push({ ms, pass });
        signal.addEventListener('abort', () => fail(signal.reason), { once: true });
        asked();
      }),
    nextAsked: () =>
      new Promise<void>((done) => {
        asked = done;
      }),
  };
}

test('a file that arrives is told once for the whole burst, and nothing is told after the end', async () => {
  const folder = feedFolder();
  const clock = heldWait();
  const source = fileSource(feedSettings(folder.dir), { now: () => 0, wait: clock.wait });
  const house = new AbortController();
  let told = 0;
  const { promise: changed, resolve } = Promise.withResolvers<void>();
  source.watch(() => {
    told++;
    resolve();
  }, house.signal);
  const first = clock.nextAsked();
  for (let i = 0; i < 20; i++) folder.write(`workers-${i}.csv`, 'id\n1\n');
  await first;
  expect(clock.waits).toHaveLength(1);
  expect(clock.waits[0]?.ms).toBeGreaterThan(0);
  clock.waits[0]?.pass();
  await changed;
  expect(told).toBe(1);

  const second = clock.nextAsked();
  folder.write('workers-20.csv', 'id\n1\n');
  await second;
  house.abort(new Error('house closes'));
  await new Promise((done) => setImmediate(done));
  expect(told).toBe(1);
});

test('a folder that cannot be watched is left to the schedule', () => {
  const folder = feedFolder();
  const source = fileSource(feedSettings(folder.path('gone')), { now: () => 0, wait: () => Promise.resolve() });
  const house = new AbortController();
  expect(() => source.watch(() => {}, house.signal)).not.toThrow();
  house.abort();
});
