import { describe, expect, it } from 'vitest';
import { notAdoptable } from '../../src/planning/adoptable.ts';
import { desired, listed } from '../support/account-inputs.ts';

const NOBODY: ReadonlySet<string> = new Set();
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const code = (
  match: Parameters<typeof listed>[0],
  foundBy: string | null = 'externalId',
  attributes: Record<string, unknown> = { title: 'Clerk' },
  ownedElsewhere = NOBODY,
): string | null =>
  notAdoptable(
    { ownedElsewhere, foundBy },
    desired({ attributes: attributes as ReturnType<typeof desired>['attributes'] }),
    listed(match),
  )?.code ?? null;

describe('an account that was found', () => {
  it('may be taken over where it carries the worker’s own id, or none', () => {
    expect(code({ externalId: '7' })).toBeNull();
    expect(code({ externalId: null })).toBeNull();
    expect(code({ externalId: '' })).toBeNull();
  });

  it('is somebody else’s where another worker owns or claims it, whatever id it carries', () => {
    expect(code({ remoteId: 'r-9', externalId: '7' }, 'externalId', {}, new Set(['r-9']))).toBe('already-owned');
    expect(code({ remoteId: 'r-9', externalId: '7' }, 'externalId', {}, new Set(['r-8']))).toBeNull();
  });

  it('is somebody else’s where it carries the id of somebody else', () => {
    expect(code({ externalId: '8' })).toBe('foreign-account');
  });

  it.each(['userName', 'emails', 'emails[work].value'])('needs more than %s to agree', (path) => {
    expect(code({ externalId: null, resource: {} }, path)).toBe('weak-match');
    expect(code({ externalId: '7', resource: {} }, path)).toBeNull();
  });

  it.each(['externalId', `${ENTERPRISE}:employeeNumber`, 'emailsOf', 'xuserName', 'phoneNumbers[work].value'])(
    'needs no more where %s agrees',
    (path) => {
      expect(code({ externalId: null, resource: {} }, path)).toBeNull();
    },
  );

  it.each<[string, Record<string, unknown>]>([
    ['family name', { name: { familyName: 'Lee' } }],
    ['whole name', { name: { formatted: 'Ada Lee' } }],
    ['display name', { displayName: 'Ada Lee' }],
    ['telephone', { phoneNumbers: [{ type: 'work', value: '+49 30 1' }] }],
    ['employee number', { [ENTERPRISE]: { employeeNumber: '7' } }],
  ])('found by an address is theirs where the %s agrees, whatever its case', (_, attributes) => {
    const there = JSON.parse(JSON.stringify(attributes).replace('Lee', 'LEE'));
    expect(code({ externalId: null, resource: there }, 'userName', attributes)).toBeNull();
    const other = JSON.parse(
      JSON.stringify(attributes).replace(/Lee|\+49 30 1|"7"/, (was) => (was === '"7"' ? '"8"' : 'x')),
    );
    expect(code({ externalId: null, resource: other }, 'userName', attributes)).toBe('weak-match');
  });

  it.each<[string, Record<string, unknown>]>([
    ['title', { title: 'Clerk' }],
    ['given name', { name: { givenName: 'Ada' } }],
    ['department', { [ENTERPRISE]: { department: 'Sales' } }],
  ])('found by an address is not theirs because the %s agrees', (_, attributes) => {
    expect(
      code({ externalId: null, resource: attributes as Parameters<typeof listed>[0] & object }, 'emails', attributes),
    ).toBe('weak-match');
  });

  it('found by nothing that anybody named is judged by its id alone', () => {
    expect(code({ externalId: null, resource: {} }, null)).toBeNull();
  });

  it('is explained to people', () => {
    const why = (match: Parameters<typeof listed>[0], foundBy: string | null, owned = NOBODY) =>
      notAdoptable({ ownedElsewhere: owned, foundBy }, desired(), listed(match))?.detail;
    expect(why({}, null, new Set(['r-9']))).toBe(
      'the matching account belongs to another worker, or several workers claim it',
    );
    expect(why({ externalId: '8' }, null)).toBe('the matching account carries the externalId of somebody else');
    expect(why({ externalId: null }, 'userName')).toMatch(/^nothing but userName or mail agrees with account "/);
  });
});
