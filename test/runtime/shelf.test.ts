import { expect, test } from 'vitest';
import { Shelf } from '../../src/runtime/shelf.ts';

const MEGABYTE = 1024 * 1024;

test('what is given back is lent again, and what is still lent is not', () => {
  const shelf = new Shelf();
  const first = shelf.take(10);
  expect(first.length).toBe(10);
  expect(shelf.take(10).buffer).not.toBe(first.buffer);
  shelf.giveBack(first);
  expect(shelf.take(MEGABYTE).buffer).toBe(first.buffer);
});

test('what is too small for the next is passed over', () => {
  const shelf = new Shelf();
  const small = shelf.take(10);
  shelf.giveBack(small);
  const large = shelf.take(MEGABYTE + 1);
  expect(large.length).toBe(MEGABYTE + 1);
  expect(large.buffer).not.toBe(small.buffer);
  expect(shelf.take(1).buffer).toBe(small.buffer);
});

test('of more than a few that are unused the smallest is let go', () => {
  const shelf = new Shelf();
  const sizes = [3, 1, 5, 2, 4].map((megabytes) => shelf.take(megabytes * MEGABYTE));
  for (const bytes of sizes) shelf.giveBack(bytes);
  const lent = [1, 2, 3, 4, 5].map(() => shelf.take(1).buffer);
  expect(lent).not.toContain(sizes[1]?.buffer);
  expect(lent.filter((buffer) => sizes.some((bytes) => bytes.buffer === buffer))).toHaveLength(4);
});

test('another thread would see the same bytes: they are shared, not copied', () => {
  const bytes = new Shelf().take(3);
  const copy = structuredClone(bytes);
  bytes[0] = 7;
  expect(copy[0]).toBe(7);
});
