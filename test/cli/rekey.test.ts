import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { keyChanges } from '../../src/cli/rekey.ts';

const faultsOf = (text: string) => {
  try {
    keyChanges('keys.csv', text);
  } catch (error) {
    if (error instanceof Problem) return error.faults.map(({ code, place }) => [code, place?.line]);
    throw error;
  }
  return [];
};

describe('the list of keys', () => {
  it('keeps keys as they are written, with the lines they stand in', () => {
    expect(keyChanges('keys.csv', '\ufeffOld,New\r\n007,"N, 007"\r\n\r\n8,N8\r\n')).toEqual([
      { line: 2, from: '007', to: 'N, 007' },
      { line: 4, from: '8', to: 'N8' },
    ]);
  });

  it('is refused without its header, with other columns, or with quotes that do not end', () => {
    expect(faultsOf('1,N1\n')).toEqual([['rekey.header', 1]]);
    expect(faultsOf('')).toEqual([['rekey.header', 1]]);
    expect(faultsOf('old,new\n1,N1\n2\n3,N3,x\n')).toEqual([
      ['rekey.columns', 3],
      ['rekey.columns', 4],
    ]);
    expect(faultsOf('old,new\n"1,N1\n')).toEqual([['rekey.csv', undefined]]);
  });
});
