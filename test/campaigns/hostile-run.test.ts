import { expect, test } from 'vitest';
import { hostileCases } from './hostile-cases.ts';
import { runHostile } from './hostile-run.ts';

test('a case of the campaign runs in a process of its own, within its memory, and one that ends otherwise is told', async () => {
  const one = hostileCases.find(({ name }) => name === 'CSV that never ends its first line');
  if (one === undefined) throw new Error('the case is gone');
  const run = await runHostile(one);
  expect(run).toMatchObject({ outcome: 'source.too-large', wrong: '' });
  expect(run.rssMb).toBeGreaterThan(20);
  const other = await runHostile({ ...one, outcome: 'something else' });
  expect(other.wrong).toBe('source.too-large instead of something else');
});
