import { expect, test } from 'vitest';
import { Doubts } from '../../src/pipeline/doubts.ts';

const MINUTE = 60_000;
const START = 1_000_000;

test('what a lost request was to make may appear for a minute, counted from the last such request', () => {
  const doubts = new Doubts(START - 60 * MINUTE, MINUTE);
  doubts.arose('a', START);
  expect(doubts.mayAppear('a', false, START + MINUTE - 1)).toBe(true);
  expect(doubts.mayAppear('a', true, START + MINUTE)).toBe(false);
  doubts.arose('a', START + MINUTE);
  expect(doubts.mayAppear('a', true, START + 2 * MINUTE - 1)).toBe(true);
  doubts.ended('a');
  expect(doubts.mayAppear('a', false, START + MINUTE)).toBe(false);
});

test('what an earlier process sent may appear for a minute from the start, and only where the store is in doubt', () => {
  const doubts = new Doubts(START, MINUTE);
  expect(doubts.mayAppear('a', true, START + MINUTE - 1)).toBe(true);
  expect(doubts.mayAppear('a', true, START + MINUTE)).toBe(false);
  expect(doubts.mayAppear('a', false, START)).toBe(false);
});

test('a clock that was set back by hours keeps nobody waiting for hours', () => {
  const doubts = new Doubts(START, MINUTE);
  doubts.arose('a', START);
  expect(doubts.mayAppear('a', true, START - 60 * MINUTE)).toBe(false);
});

test('an endpoint whose searches find everything at once is never doubted after its answer', () => {
  const doubts = new Doubts(START, 0);
  doubts.arose('a', START);
  expect(doubts.mayAppear('a', true, START)).toBe(false);
});
