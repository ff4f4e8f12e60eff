import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/base/problem.ts';
import { PROFILES, type ProfileName } from '../../src/targets/scim/profiles.ts';
import { type Described, sessionPlan } from '../../src/targets/sessions/session-plan.ts';

const planned = (profile: ProfileName, more: Partial<Described> = {}) =>
  sessionPlan({ said: null, profile: PROFILES[profile], baseUrl: 'https://scim.example.com/v2', base: null, ...more });
const refused = (job: () => unknown): string => {
  try {
    job();
  } catch (error) {
    if (error instanceof Problem) return error.faults.map(({ code }) => code).join();
    throw error;
  }
  return 'nothing';
};

describe('how the sessions of leavers end at a target', () => {
  it('is nobody’s business by the generic profile, and the disable’s own by that of Auth0', () => {
    expect(planned('generic')).toEqual({ kind: 'none', why: '' });
    expect(planned('auth0')).toEqual({ kind: 'none', why: '' });
  });

  it('is a call to Graph by the profile of Entra, at the cloud that the target is in and with its credentials', () => {
    expect(planned('entra-scim', { baseUrl: 'https://graph.microsoft.us/rp/scim' })).toEqual({
      kind: 'call',
      way: 'graph',
      base: 'https://graph.microsoft.us',
      user: 'remoteId',
      auth: null,
    });
  });

  it('is said to be open where a profile knows a way and nobody has said what it needs', () => {
    expect(planned('okta-inbound')).toMatchObject({ kind: 'none', why: expect.stringContaining('kind: okta') });
    expect(planned('entra-scim')).toMatchObject({ kind: 'none', why: expect.stringContaining('kind: graph') });
    expect(planned('entra-scim', { baseUrl: null })).toMatchObject({
      kind: 'none',
      why: expect.stringContaining('reference'),
    });
    expect(planned('entra-scim', { baseUrl: 'https://graph.microsoft.com.example.com/rp/scim' })).toMatchObject({
      kind: 'none',
    });
  });

  it('is what the file says, whatever the profile', () => {
    expect(planned('entra-scim', { said: { kind: 'none' }, baseUrl: 'https://graph.microsoft.com/rp/scim' })).toEqual({
      kind: 'none',
      why: '',
    });
    expect(planned('okta-inbound', { said: { kind: 'implicit' } })).toEqual({ kind: 'none', why: '' });
  });

  it('is refused where a reference leads to an address that is none, or to another host than the credentials are for', () => {
    const said = { kind: 'graph', base: { kind: 'env', name: 'X' }, user: 'remoteId', auth: null } as const;
    const own = { ...said, auth: { kind: 'bearer', token: { kind: 'env', name: 'T' } } } as const;
    expect(refused(() => planned('generic', { said: own, base: 'https://graph.example.com' }))).toBe(
      'target.session-base',
    );
    expect(refused(() => planned('generic', { said, base: 'https://graph.microsoft.com' }))).toBe(
      'target.session-auth',
    );
    expect(planned('generic', { said: own, base: 'https://graph.microsoft.com' })).toMatchObject({
      kind: 'call',
      auth: own.auth,
    });
    expect(
      planned('generic', { said, base: 'https://graph.microsoft.com', baseUrl: 'https://graph.microsoft.com/rp/scim' }),
    ).toMatchObject({ kind: 'call', auth: null });
  });
});
