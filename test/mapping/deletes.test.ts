import { describe, expect, it } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { connectionOf, faultsOf, smallFile } from '../support/mappings.ts';

const AUTH = '    auth: { kind: bearer, token: "${env:IDP_TOKEN}" }\n';
const written = (target: string, retention = '') => smallFile().replace(AUTH, `${AUTH}${target}`) + retention;
const KEPT_90 = 'lifecycle: { retention: { deleteAfterDays: 90 } }\n';
const complaints = (text: string) =>
  faultsOf(text).map((fault) => faultLine(fault).replace(/^test\.yaml:\d+:\d+ /, ''));

describe('deleting accounts', () => {
  it('is off unless a target says that they may be deleted there', () => {
    expect(connectionOf(written('')).targets[0]).toMatchObject({ deletes: false });
    expect(connectionOf(written('    deletes: true\n', KEPT_90)).targets[0]).toMatchObject({ deletes: true });
    expect(connectionOf(written('    deletes: true\n')).policy.deleteAfterDays).toBeNull();
  });

  it('may be done by somebody else, with every kind of credential', () => {
    const own = '    deletes: true\n    deleteAuth: { kind: basic, user: cleaner, password: "${env:CLEANER}" }\n';
    expect(connectionOf(written(own, KEPT_90)).targets[0]).toMatchObject({
      auth: { kind: 'bearer' },
      deleteAuth: {
        kind: 'basic',
        user: { kind: 'literal', text: 'cleaner' },
        password: { kind: 'env', name: 'CLEANER' },
      },
    });
  });

  it('after a time is refused where no target lets accounts be deleted', () => {
    expect(complaints(written('', KEPT_90))).toEqual([
      expect.stringContaining('no target of this connection lets accounts be deleted'),
    ]);
  });

  it('has no use for a credential of its own where it is off, and for none that is written out', () => {
    const idle = '    deleteAuth: { kind: bearer, token: "${env:CLEANER}" }\n';
    expect(complaints(written(idle))).toEqual([expect.stringContaining('deleteAuth means nothing here')]);
    const bare = '    deletes: true\n    deleteAuth: { kind: bearer, token: s3cret }\n';
    const [complaint, ...more] = complaints(written(bare, KEPT_90));
    expect(more).toEqual([]);
    expect(complaint).toContain('a secret stands where a reference to it is due');
    expect(complaint).not.toContain('s3cret');
  });
});
