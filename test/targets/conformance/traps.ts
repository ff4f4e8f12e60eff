// Mappings that an endpoint would refuse or maim. Each makes a file that is read under `generic` and refused under the
// vendor's profile.
import type { JsonObject, JsonValue } from '../../../src/base/json.ts';
import { RANDOM_PASSWORD } from '../../../src/base/password-marker.ts';
import type { AccountPayload } from '../../../src/planning/changeset.ts';
import type { Vendor } from './quirk.ts';
import { changed } from './scene.ts';
import { AUTH0 } from './vendors/auth0.ts';
import { AWS } from './vendors/aws.ts';
import { ENTRA } from './vendors/entra-scim.ts';
import { PINGFEDERATE } from './vendors/pingfederate.ts';
import { PINGONE } from './vendors/pingone.ts';
import { ZITADEL } from './vendors/zitadel.ts';

export interface Trap {
  readonly vendor: Vendor;
  /** The quirk that this mapping falls foul of. */
  readonly quirk: string;
  readonly name: string;
  /** What the mapping makes of worker 1; with `groups` it names a group as well. */
  readonly payload: AccountPayload;
  readonly groups?: true;
}

const trap = (vendor: Vendor, quirk: string, name: string, attributes: Parameters<typeof changed>[1]): Trap => ({
  vendor,
  quirk,
  name,
  payload: changed(vendor.person(1), attributes),
});
const grouped = (vendor: Vendor, quirk: string): Trap => ({
  vendor,
  quirk,
  name: 'groups',
  payload: vendor.person(1),
  groups: true,
});

const TWO_MAILS = [
  { value: 'home@example.com', type: 'home' },
  { value: 'work@example.com', type: 'work', primary: true },
];

export const TRAPS: readonly Trap[] = [
  trap(ENTRA, 'entra-create-needs', 'no displayName', { displayName: undefined }),
  trap(ENTRA, 'entra-create-needs', 'no password', { password: undefined }),
  trap(ENTRA, 'entra-create-needs', 'no familyName', { name: { givenName: 'Mira' } }),
  trap(AWS, 'aws-create-needs', 'no displayName', { displayName: undefined }),
  trap(AWS, 'aws-create-needs', 'no givenName', { name: { familyName: 'Okafor' } }),
  trap(AWS, 'aws-primary-email', 'an email that is not primary', {
    emails: [{ value: 'work@example.com', type: 'work' }],
  }),
  trap(AWS, 'aws-one-value', 'two emails', { emails: TWO_MAILS }),
  trap(AWS, 'aws-refused-attributes', 'a password', { password: RANDOM_PASSWORD }),
  trap(AWS, 'aws-refused-attributes', 'photos', { photos: [{ value: 'https://example.com/p', type: 'photo' }] }),
  trap(AUTH0, 'auth0-password', 'a password', { password: RANDOM_PASSWORD }),
  trap(PINGONE, 'pingone-first-value', 'two emails', { emails: TWO_MAILS }),
  grouped(PINGONE, 'pingone-no-groups'),
  trap(ZITADEL, 'zitadel-create-needs', 'no email', { emails: undefined }),
  trap(ZITADEL, 'zitadel-create-needs', 'no familyName', { name: { givenName: 'Mira' } }),
  trap(ZITADEL, 'zitadel-primary-only', 'two emails', { emails: TWO_MAILS }),
  grouped(ZITADEL, 'zitadel-no-groups'),
  grouped(PINGFEDERATE, 'pingfederate-no-groups'),
];

/** A connection file whose mapping makes exactly this account; JSON is YAML. */
export function fileFor(profile: string, { userName, attributes }: AccountPayload, groups = false): string {
  const user = {
    userName: `unique([${JSON.stringify(userName.split('@')[0])}], "@example.com")`,
    ...expressions(attributes),
  };
  return [
    'connection: acme',
    'timeZone: Europe/Berlin',
    'source: { kind: file, path: feed.csv, format: csv }',
    'worker: { id: record.id, status: \'"active"\', startDate: \'"2020-01-01"\' }',
    'targets:',
    '  - name: idp',
    '    kind: scim',
    `    profile: ${profile}`,
    '    baseUrl: https://idp.example.com/scim/v2',
    '    auth: { kind: bearer, token: "${env:IDP_TOKEN}" }',
    `    user: ${JSON.stringify(user)}`,
    ...(groups ? ['    groups: [{ name: \'"Field Ops"\', create: true }]'] : []),
    '',
  ].join('\n');
}

const expressions = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, expression(value)]));

function expression(value: JsonValue): JsonValue {
  if (value === RANDOM_PASSWORD) return { value: 'randomPassword()', apply: 'onCreate' };
  if (Array.isArray(value)) return value.map(expression);
  if (typeof value === 'object' && value !== null) return expressions(value as JsonObject);
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
