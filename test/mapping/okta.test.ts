import { describe, expect, it } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { mappingText } from '../support/mapping-text.ts';
import { connectionOf, faultsOf } from '../support/mappings.ts';
import { oktaYaml } from '../support/stage-okta.ts';

const HEAD = mappingText().slice(0, mappingText().indexOf('  - name: idp'));
/** The acme file with an Okta target in which these texts are replaced. */
const file = (replace: Readonly<Record<string, string>> = {}, okta = ''): string => {
  let text = oktaYaml(okta);
  for (const [from, to] of Object.entries(replace)) {
    if (!text.includes(from)) throw new Error(`there is no ${from}`);
    text = text.replace(from, to);
  }
  return HEAD + text;
};
const complaints = (replace?: Readonly<Record<string, string>>, okta?: string): readonly string[] =>
  faultsOf(file(replace, okta)).map(faultLine);

const OAUTH = `auth: { kind: oauth2, tokenUrl: "https://acme.okta.com/oauth2/v1/token", clientId: 0oa1, method: private_key_jwt, privateKey: "\${file:/run/key.pem}", scope: "okta.identitySources.manage okta.users.manage" }`;
const SSWS = 'auth: { kind: ssws, token: "${env:OKTA_TOKEN}" }';

describe('a target of kind okta-source', () => {
  it('has safe defaults for everything that Okta leaves open', () => {
    expect(connectionOf(file()).targets[0]?.okta).toMatchObject({
      reads: 'users',
      leavers: 'singleEntity',
      reactivate: 'upsert',
      preboarding: 'later',
      sessions: 'okta',
      joiners: 'all',
      gapMs: 300_000,
      withinMs: 3_600_000,
      leaversWithinMs: 600_000,
    });
    expect(connectionOf(file({ '    limits: { perSecond: null }\n': '' })).targets[0]?.limits.perSecond).toBe(20);
  });

  it('needs its own block, and takes it nowhere else', () => {
    expect(complaints({ '    okta: { identitySourceId: 0oa-source-1 }\n': '' })).toEqual([
      expect.stringContaining('okta is missing'),
    ]);
    const scim = mappingText({ '    limits:': '    okta: { identitySourceId: x }\n    limits:' });
    expect(faultsOf(scim).map(faultLine)).toEqual([expect.stringContaining('it belongs to kind: okta-source')]);
  });

  it('shows who it is by a private key or an SSWS token', () => {
    expect(complaints({ [SSWS]: OAUTH })).toEqual([]);
    const [secret] = complaints({
      [SSWS]: OAUTH.replace('method: private_key_jwt, privateKey: "${file:/run/key.pem}"', 'clientSecret: "${env:S}"'),
    });
    expect(secret).toContain('private_key_jwt');
    expect(complaints({ [SSWS]: 'auth: { kind: basic, user: a, password: "${env:P}" }' })[0]).toContain('SSWS');
  });

  it('asks for every scope that its settings need, in Okta’s own names', () => {
    const asks = (scope: string, okta = '') =>
      complaints({ [SSWS]: OAUTH.replace(/scope: "[^"]*"/, `scope: "${scope}"`) }, okta);
    expect(asks('okta.identitySources.manage')[0]).toContain('okta.users.manage');
    expect(asks('okta.identitySources.manage okta.users.read', 'sessions: none')).toEqual([]);
    expect(asks('okta.identitySources.manage', 'sessions: none')[0]).toContain('okta.users.read');
    expect(asks('okta.identitySources.manage', 'reads: source, sessions: none')).toEqual([]);
    expect(asks('okta.identitySources.manage okta.users.read', 'sessions: none, leavers: suspend')[0]).toContain(
      'okta.users.manage',
    );
  });

  it('refuses what nobody could do without reading users', () => {
    expect(complaints({}, 'reads: source')[0]).toContain('sessions: none');
    expect(complaints({}, 'reads: source, sessions: none, leavers: deactivate')[0]).toContain('has to be read');
    expect(complaints({}, 'reads: source, sessions: none, reactivate: activate')[0]).toContain('has to be read');
  });

  it('has no keys of other kinds', () => {
    for (const [line, hint] of [
      ['profile: generic', 'kind: scim'],
      ['capabilities: { update: put }', 'kind: scim'],
      ['revokeSessions: { kind: none }', 'okta.sessions'],
      ['entra: {}', 'kind: entra-bulk'],
    ] as const)
      expect(complaints({ '    correlate:': `    ${line}\n    correlate:` })[0]).toContain(hint);
    expect(complaints({ '"${env:OKTA_URL}"': 'https://acme.okta.com/api/v1' })[0]).toContain(
      'more than the address of an organization',
    );
  });
});

describe('what an identity source takes', () => {
  const mapped = (line: string) => complaints({ '      title: worker.title\n': `      ${line}\n` });

  it('is texts: a list, a number, a truth and nested attributes are refused where they stand', () => {
    const [list] = mapped('tags: ["worker.title", "worker.department"]');
    expect(list).toMatch(/:\d+:\d+.*no lists/);
    expect(mapped("phones: '[worker.title, worker.department]'")[0]).toContain('join(…, ", ")');
    expect(mapped('seniority: size(worker.title)')[0]).toContain('string(…)');
    expect(mapped('chief: worker.title == "Chief"')[0]).toContain('true or false');
    expect(mapped('name: { givenName: worker.givenName }')[0]).toContain('no nested attributes');
    expect(mapped('seniority: string(size(worker.title))')).toEqual([]);
    expect(mapped('title: { value: worker.title, apply: onCreate }')).toEqual([]);
  });

  it('is no password, and never without a mail address', () => {
    expect(mapped('password: { value: randomPassword(), apply: onCreate }')[0]).toContain('takes no password');
    expect(complaints({ '      email: userName\n': '' })[0]).toContain('user.email is missing');
  });

  it('names the manager once', () => {
    expect(
      complaints({ '      title: worker.title\n': '      managerId: worker.managerId\n' }, 'manager: managerId')[0],
    ).toContain('as well');
  });
});
