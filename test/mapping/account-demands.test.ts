import { describe, expect, it, test } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { PROFILE_NAMES } from '../../src/mapping/account-rules.ts';
import { connectionOf, faultsOf, smallFile } from '../support/mappings.ts';

/** A small file for this profile; `more` stands beside it. */
const fileFor = (profile: string, user: string, groups?: string, more = ''): string =>
  smallFile({ user, ...(groups === undefined ? {} : { groups }) }).replace(
    '    kind: scim\n',
    `    kind: scim\n    profile: ${profile}\n${more}`,
  );
const linesFor = (...parts: Parameters<typeof fileFor>): readonly string[] =>
  faultsOf(fileFor(...parts)).map(faultLine);

const NAMES = '      name: { givenName: worker.id, familyName: worker.id }';
const FULL = `      userName: worker.id
${NAMES}
      displayName: worker.id
      emails: [{ type: '"work"', primary: true, value: worker.id }]
      password: { value: randomPassword(), apply: onCreate }`;
const WITHOUT_PASSWORD = FULL.split('\n').slice(0, -1).join('\n');
const GROUPS = `      - { name: '"Staff"' }`;

describe('what a kind of endpoint demands of the mapping', () => {
  it('is nothing for generic', () => {
    expect(linesFor('generic', '      userName: worker.id')).toEqual([]);
  });

  it('is met by a mapping that has it all', () => {
    expect(linesFor('entra-scim', FULL, GROUPS)).toEqual([]);
    expect(linesFor('aws', WITHOUT_PASSWORD, GROUPS)).toEqual([]);
    expect(linesFor('zitadel', WITHOUT_PASSWORD)).toEqual([]);
  });

  it('is said with line and column, each demand by itself', () => {
    expect(linesFor('entra-scim', '      userName: worker.id\n      name: { givenName: worker.id }')).toEqual([
      'test.yaml:15:5 targets[0].user: profile entra-scim: a new account needs user.password – password: { value: randomPassword(), apply: onCreate }; or name what is needed in capabilities.needs',
      'test.yaml:15:5 targets[0].user: profile entra-scim: a new account needs user.name.familyName – map name.familyName under user',
      'test.yaml:15:5 targets[0].user: profile entra-scim: a new account needs user.displayName – map displayName under user',
    ]);
  });

  it('is what the file itself says instead, such as without a password for federated domains', () => {
    const needs = '    capabilities: { needs: [name.familyName, displayName] }\n';
    expect(linesFor('entra-scim', WITHOUT_PASSWORD, undefined, needs)).toEqual([]);
    expect(
      linesFor('generic', '      userName: worker.id', undefined, '    capabilities: { needs: [title] }\n'),
    ).toEqual([
      'test.yaml:16:5 targets[0].user: profile generic: a new account needs user.title – map title under user',
    ]);
  });

  test.each([
    ['auth0', 'password'],
    ['aws', 'password'],
  ])('%s does not take %s', (profile, name) => {
    expect(linesFor(profile, FULL)).toEqual([
      expect.stringMatching(`^test.yaml:20:7 .*profile ${profile}: the endpoint does not take "${name}" – remove it$`),
    ]);
  });

  test.each([
    ['aws', 'photos', 2],
    ['pingone', 'photos', 1],
    ['zitadel', 'phoneNumbers', 1],
    ['generic', 'phoneNumbers', 0],
    ['zitadel', 'roles', 0],
  ])('%s with two %s: %i faults', (profile, list, faults) => {
    const user = `${WITHOUT_PASSWORD}\n      ${list}: [{ type: '"work"', value: worker.id }, { type: '"home"', value: worker.id }]`;
    expect(linesFor(profile, user)).toHaveLength(faults);
  });

  it('one value of a list is also counted behind options and in extensions', () => {
    const user = `${WITHOUT_PASSWORD}
      phoneNumbers: { value: [{ type: '"work"', value: worker.id }, { type: '"home"', value: worker.id }], apply: onCreate }
      "urn:x:User": { tags: [{ type: '"a"', value: worker.id }, { type: '"b"', value: worker.id }] }`;
    expect(linesFor('aws', user)).toEqual([
      expect.stringContaining('keeps one value of phoneNumbers'),
      expect.stringContaining('keeps one value of tags'),
    ]);
  });

  it('aws wants its one mail address to be the primary one', () => {
    expect(linesFor('aws', WITHOUT_PASSWORD.replace(' primary: true,', ''))).toEqual([
      expect.stringMatching(/^test.yaml:19:7 .*the mail address must be the primary one – add primary: true$/),
    ]);
  });

  test.each(['zitadel', 'pingone', 'pingfederate'])('%s has no groups', (profile) => {
    expect(linesFor(profile, WITHOUT_PASSWORD, GROUPS)).toEqual([
      expect.stringMatching(/^test.yaml:20:5 targets\[0\].groups: .*the endpoint has no groups – remove the section$/),
    ]);
  });

  it('a profile that nobody knows is refused with those that there are', () => {
    const [line] = linesFor('entra', FULL);
    expect(line).toMatch(/^test.yaml:12:14 /);
    for (const name of PROFILE_NAMES) expect(line).toContain(name);
  });
});

describe('the rate', () => {
  const limitsOf = (profile: string, more = '') =>
    connectionOf(fileFor(profile, WITHOUT_PASSWORD, undefined, more)).targets[0]?.limits;

  test.each([
    ['generic', 50],
    ['auth0', 22],
    ['oracle', 18],
  ])('of %s is %i a second unless the file says otherwise', (profile, perSecond) => {
    expect(limitsOf(profile)).toEqual({ concurrency: 16, perSecond });
    expect(limitsOf(profile, '    limits: { perSecond: 7 }\n')?.perSecond).toBe(7);
    expect(limitsOf(profile, '    limits: { perSecond: null }\n')?.perSecond).toBeNull();
  });
});

describe('capabilities', () => {
  it('are read as they stand, and what is absent is left to others', () => {
    const more =
      '    capabilities: { update: put, etag: false, paging: cursor, pageSize: 20, bulk: { maxOps: 9, maxBytes: 5000 } }\n';
    expect(connectionOf(fileFor('generic', FULL, undefined, more)).targets[0]?.capabilities).toMatchObject({
      update: 'put',
      etag: false,
      paging: 'cursor',
      pageSize: 20,
      bulk: { maxOps: 9, maxBytes: 5000 },
    });
    const off = '    capabilities: { bulk: false, confirmCreates: true, patchForm: pathless }\n';
    expect(connectionOf(fileFor('generic', FULL, undefined, off)).targets[0]?.capabilities).toMatchObject({
      bulk: false,
      confirmCreates: true,
      patchForm: 'pathless',
    });
  });

  it('that make no sense are refused', () => {
    expect(
      linesFor('generic', FULL, undefined, '    capabilities: { update: post, bulk: { maxOps: 0 } }\n').length,
    ).toBeGreaterThan(1);
  });
});
