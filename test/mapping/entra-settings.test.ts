import { describe, expect, it } from 'vitest';
import { entraSchema } from '../../src/mapping/entra-schema.ts';
import { GRAPH_HOSTS } from '../../src/mapping/session-schema.ts';
import { mappingText } from '../support/mapping-text.ts';
import { connectionOf, faultsOf } from '../support/mappings.ts';
import { entraYaml } from '../support/stage-entra.ts';

const HEAD = mappingText().slice(0, mappingText().indexOf('  - name: idp'));
const file = (entra = '{}', more = ''): string => `${HEAD}${entraYaml(entra)}${more}`;
const at = (address: string): string => file().replace('"${env:ENTRA_UPLOAD}"', `"${address}"`);
const faults = (text: string): readonly string[] => faultsOf(text).map(({ code, place }) => `${code} ${place?.key}`);
const JOB = '/v1.0/servicePrincipals/0b5e/synchronization/jobs/API2AAD.0b5e.77/bulkUpload';

describe('a target of kind entra-bulk', () => {
  it('takes safe defaults for everything that it does not say', () => {
    const [target] = connectionOf(file()).targets;
    expect(target).toMatchObject({ kind: 'entra-bulk', entra: entraSchema.parse({}) });
    expect(target?.entra).toMatchObject({
      matching: 'externalId',
      property: 'employeeId',
      dailyCalls: 2_000,
      reservedCalls: 200,
      direct: 'none',
      flowNull: false,
      readUsers: true,
      readJob: true,
    });
    const bare = file().replace('    entra: {}\n', '');
    expect(connectionOf(bare).targets[0]?.entra).toEqual(entraSchema.parse({}));
  });

  it.each([...GRAPH_HOSTS])('uploads to %s', (host) => {
    expect(faults(at(`https://${host}${JOB}`))).toEqual([]);
  });

  it.each([
    `https://graph.example.com${JOB}`,
    `https://graph.microsoft.com.example.com${JOB}`,
    `http://graph.microsoft.com${JOB}`,
    `https://me:secret@graph.microsoft.com${JOB}`,
    `https://graph.microsoft.com${JOB}?x=1`,
    'https://graph.microsoft.com/v1.0/servicePrincipals/0b5e/synchronization/jobs/API2AAD.0b5e.77',
    'https://graph.microsoft.com/rp/scim',
  ])('attaches no token for %s', (address) => {
    expect(faults(at(address))).toEqual(['mapping.url targets[0].baseUrl']);
    expect(faultsOf(at(address))[0]?.hint).toContain('View technical information');
  });

  it('refuses what bulkUpload cannot do, each with its place', () => {
    const groups = file('{}', '    groups:\n      - { name: \'"Everybody"\' }\n');
    expect(faults(groups)).toEqual(['mapping.entra targets[0].groups']);
    expect(faultsOf(groups)[0]?.place?.line).toBeGreaterThan(20);
    expect(faults(file('{}', '    deletes: true\n'))).toEqual(['mapping.entra targets[0].deletes']);
    expect(faults(file('{}', '    profile: aws\n'))).toContain('mapping.entra targets[0].profile');
    expect(faults(file('{}', '    capabilities: { etag: true }\n'))).toEqual(['mapping.entra targets[0].capabilities']);
    expect(faults(file('{}', '    revokeSessions: { kind: okta, base: "https://acme.okta.com" }\n'))).toEqual([
      'mapping.entra targets[0].revokeSessions.kind',
    ]);
    expect(faults(file('{}', '    revokeSessions: { kind: graph, user: userName }\n'))).toEqual([
      'mapping.entra targets[0].revokeSessions.user',
    ]);
    expect(faults(file('{}', '    revokeSessions: { kind: graph }\n'))).toEqual([]);
  });

  it('takes access tokens and nothing else', () => {
    const basic = file().replace(/auth: .*/, 'auth: { kind: basic, user: me, password: "${env:P}" }');
    expect(faults(basic)).toEqual(['mapping.value targets[0].auth.kind']);
  });

  it('keeps no more than half of the calls for leavers', () => {
    expect(faults(file('{ dailyCalls: 2000, reservedCalls: 1001 }'))).toEqual([
      'mapping.value targets[0].entra.reservedCalls',
    ]);
    expect(faults(file('{ dailyCalls: 100 }'))).toEqual(['mapping.value targets[0].entra.dailyCalls']);
    expect(faults(file('{ dailyCalls: 6000, reservedCalls: 3000 }'))).toEqual([]);
  });

  it('finds people by what is mapped, and writes to nobody directly whom it may not read', () => {
    expect(faults(file('{ matching: nickName }'))).toEqual(['mapping.entra targets[0].entra.matching']);
    expect(
      faults(file('{ matching: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber" }')),
    ).toEqual([]);
    expect(faults(file('{ readUsers: false, direct: graph }'))).toEqual(['mapping.entra targets[0].entra.direct']);
    expect(faults(file('{ readUsers: false }', '    revokeSessions: { kind: graph }\n'))).toEqual([
      'mapping.entra targets[0].revokeSessions.kind',
    ]);
  });

  it('has keys that mean nothing at any other kind', () => {
    expect(faults(`${mappingText()}    entra: {}\n`)).toEqual(['mapping.entra targets[0].entra']);
    expect(faults(file('{ dailyCals: 2000 }'))).toEqual(['mapping.unknown-key targets[0].entra.dailyCals']);
  });
});
