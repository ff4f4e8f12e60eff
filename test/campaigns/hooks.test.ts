import { expect, test } from 'vitest';
import { MUTANT_KINDS } from './hook-mutants.ts';
import { hookCampaign } from './hook-requests.ts';

test('of some hundred mutated requests none is taken, every genuine one is, and none is kept twice', async () => {
  const seed = 7;
  const result = await hookCampaign({ requests: 600, seed });
  const about = `seed ${seed}: ${result.wronglyTaken.slice(0, 5).join('\n')}`;
  expect(result.wronglyTaken, about).toEqual([]);
  expect(result.controlsTaken, about).toBe(result.controls);
  expect(result.replaysKept, about).toBe(0);
  expect(result.controls).toBeGreaterThan(10);
  for (const kind of MUTANT_KINDS) expect(result.mix.get(kind) ?? 0, `${kind}, ${about}`).toBeGreaterThan(5);
  for (const status of [401, 413, 415]) expect(result.statuses.get(status) ?? 0, about).toBeGreaterThan(5);
});
