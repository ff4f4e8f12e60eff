import { describe, expect, it } from 'vitest';
import { faultLine } from '../../src/base/problem.ts';
import { GRAPH_HOSTS } from '../../src/mapping/session-schema.ts';
import { mappingText } from '../support/house.ts';
import { connectionOf, faultsOf } from '../support/mappings.ts';

/** The acme file at this address, with this section in its only target. */
const file = (section: string, baseUrl = 'https://graph.microsoft.com/rp/scim'): string =>
  mappingText({ 'baseUrl: "${env:IDP_URL}"': `baseUrl: "${baseUrl}"` }) +
  (section === '' ? '' : `    revokeSessions: ${section}\n`);
const settings = (section: string, baseUrl?: string) => connectionOf(file(section, baseUrl)).targets[0]?.revokeSessions;
const faults = (section: string, baseUrl?: string): readonly string[] =>
  faultsOf(file(section, baseUrl)).map(({ code, place }) => `${code} ${place?.key}`);

const AUTH = 'auth: { kind: bearer, token: "${env:GRAPH_TOKEN}" }';

describe('revokeSessions', () => {
  it('is the profile’s business where the file says nothing', () => {
    expect(settings('')).toBeNull();
  });

  it('takes each kind with what it needs', () => {
    expect(settings('{ kind: none }')).toEqual({ kind: 'none' });
    expect(settings('{ kind: implicit }')).toEqual({ kind: 'implicit' });
    expect(settings('{ kind: graph }')).toEqual({
      kind: 'graph',
      base: { kind: 'literal', text: 'https://graph.microsoft.com' },
      user: 'remoteId',
      auth: null,
    });
    expect(settings(`{ kind: okta, base: "https://acme.okta.com", user: externalId, ${AUTH} }`)).toEqual({
      kind: 'okta',
      base: { kind: 'literal', text: 'https://acme.okta.com' },
      user: 'externalId',
      auth: { kind: 'bearer', token: { kind: 'env', name: 'GRAPH_TOKEN' } },
    });
    expect(settings(`{ kind: okta, base: "\${env:OKTA_URL}", ${AUTH} }`)).toMatchObject({
      base: { kind: 'env', name: 'OKTA_URL' },
    });
  });

  it.each([...GRAPH_HOSTS])('knows %s as Microsoft Graph', (host) => {
    expect(faults(`{ kind: graph, base: "https://${host}", ${AUTH} }`)).toEqual([]);
  });

  it.each([
    'https://graph.microsoft.com.example.com',
    'https://graph.microsoft.com:444',
    'https://graph.example.com',
    'http://graph.microsoft.com',
    'https://user@graph.microsoft.com',
    'https://graph.microsoft.com/v1.0',
    'https://graph.microsoft.com?tenant=1',
    'graph.microsoft.com',
  ])('sends no token of Graph to %s', (base) => {
    expect(faults(`{ kind: graph, base: "${base}", ${AUTH} }`)).toEqual(['mapping.url targets[0].revokeSessions.base']);
  });

  it('lets a stand-in on this machine be asked over http, and nobody else', () => {
    expect(faults(`{ kind: graph, base: "http://127.0.0.1:8080", ${AUTH} }`)).toEqual([]);
    expect(faults(`{ kind: okta, base: "http://localhost:8080", ${AUTH} }`)).toEqual([]);
    expect(faults(`{ kind: okta, base: "http://acme.okta.com", ${AUTH} }`)).toEqual([
      'mapping.url targets[0].revokeSessions.base',
    ]);
  });

  it('sends the credentials of the target to no other host', () => {
    const at = 'mapping.session-auth targets[0].revokeSessions';
    expect(faults('{ kind: graph }', 'https://scim.example.com/v2')).toEqual([at]);
    expect(faults('{ kind: okta, base: "https://acme.okta.com" }', 'https://acme.okta.com.example.com/scim')).toEqual([
      at,
    ]);
    expect(faults('{ kind: okta, base: "https://acme.okta.com" }', 'https://acme.okta.com/scim/v2')).toEqual([]);
    expect(faults(`{ kind: graph, ${AUTH} }`, 'https://scim.example.com/v2')).toEqual([]);
  });

  it('refuses secrets that are written out, kinds it does not know, and what belongs to another kind', () => {
    expect(faults('{ kind: graph, auth: { kind: bearer, token: abc } }')).toEqual([
      'mapping.secret targets[0].revokeSessions.auth.token',
    ]);
    expect(faultsOf(file('{ kind: saml }')).map(faultLine).join('\n')).toMatch(/none.*implicit.*graph.*okta/s);
    expect(faults('{ kind: okta }')).toEqual(['mapping.missing targets[0].revokeSessions.base']);
    expect(faults('{ kind: none, base: "https://acme.okta.com" }')).toEqual([
      'mapping.unknown-key targets[0].revokeSessions.base',
    ]);
    expect(faults('{ kind: graph, user: mail }')).toHaveLength(1);
  });
});
