import { expect, test } from 'vitest';
import { Pace } from '../../src/pipeline/pace.ts';

const finish = (pace: Pace, times: number): void => {
  for (let time = 0; time < times; time += 1) pace.finished();
};

test('a target of which nothing is known yet is taken for slow', () => {
  const pace = new Pace(1_000);
  finish(pace, 500);
  expect(pace.within(250, 1_100)).toBe(0);
});

test('a target is expected to go on as it did, and known to be slow as soon as it is', () => {
  const pace = new Pace(0);
  finish(pace, 1_000);
  expect(pace.within(250, 500)).toBe(500);
  finish(pace, 1);
  expect(pace.within(250, 600)).toBe(500);
  expect(pace.within(250, 1_000)).toBeLessThan(1);
});

test('a clock that is set back neither divides by nothing nor counts twice', () => {
  const pace = new Pace(10_000);
  finish(pace, 100);
  expect(pace.within(250, 5_000)).toBe(0);
  finish(pace, 100);
  expect(pace.within(250, 6_000)).toBe(25);
});
