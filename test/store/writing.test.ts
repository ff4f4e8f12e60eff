// The writing end of the store as it is closed.
import { expect, it } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { closeWriting, openWriting } from '../../src/store/writing.ts';
import { countingBytes, NOON, tempFolder } from '../support/store.ts';

it('closes the database also where the last write under way was refused, and says why', async () => {
  const writing = openWriting({ dir: tempFolder(), mode: 'write', now: () => NOON, randomBytes: countingBytes() });
  const settle = async (): Promise<void> => {
    throw new Problem({ code: 'state.busy', message: 'another process has been writing' });
  };
  await expect(closeWriting({ ...writing, writes: { ...writing.writes, settle } })).rejects.toThrow(/another process/);
  expect(writing.sql.open).toBe(false);
});
