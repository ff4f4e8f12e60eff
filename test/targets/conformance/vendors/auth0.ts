// Auth0 inbound SCIM. That a displayName is unique among groups, and that only users are members, the strict provider has of itself.
import { discoveryOf, type Quirk, type Resource, type Vendor } from '../quirk.ts';
import { ENTERPRISE, personOf } from './person.ts';
import { created, filtered, patchOf } from './rules.ts';

/** Which attributes are mapped is set there; in this tenant these are not. */
const UNMAPPED = ['nickName', `${ENTERPRISE}:costCenter`];

function withoutUnmapped(resource: Resource): Resource {
  const { nickName: _, ...rest } = resource;
  const { costCenter: __, ...enterprise } = (rest[ENTERPRISE] ?? {}) as Resource;
  return rest[ENTERPRISE] === undefined ? rest : { ...rest, [ENTERPRISE]: enterprise };
}
const withoutPassword = ({ password: _, ...rest }: Resource): Resource => rest;

const quirks: readonly Quirk[] = [
  {
    id: 'auth0-unmapped',
    says: 'unmapped attributes are **ignored silently** both ways',
    source: '[P17]',
    does: { keeps: [(resource, kind) => (kind === 'User' ? withoutUnmapped(resource) : resource)] },
    probe: async ({ send, person }) => {
      const { status, body } = await send('POST', '/Users', person(1, { nickName: 'Mo' }));
      return status === 201 && body.nickName === undefined && UNMAPPED.length > 0;
    },
  },
  {
    id: 'auth0-password',
    says: '`password` unusable',
    source: '[P17] [P39]',
    does: { keeps: [(resource, kind) => (kind === 'User' ? withoutPassword(resource) : resource)] },
    probe: async (tools) => {
      const id = await created(tools, 1, { password: 'Secret-1234' });
      return id !== '' && tools.users.get(id)?.password === undefined;
    },
  },
  {
    id: 'auth0-filters',
    says: 'users `eq`, `and`, `or`; groups `eq` [P17]; only searchable root attributes',
    source: '[P17]',
    does: {
      filters: {
        User: {
          attributes: { userName: ['eq'], externalId: ['eq'], id: ['eq'], active: ['eq'], displayName: ['eq'] },
          joins: ['and', 'or'],
        },
        Group: { attributes: { displayName: ['eq'], externalId: ['eq'], id: ['eq'] }, joins: [] },
      },
    },
    probe: async ({ send }) => {
      const status = async (path: string, filter: string) => (await send('GET', `${path}${filtered(filter)}`)).status;
      const refused = [
        await status('/Users', 'userName sw "a"'),
        await status('/Users', 'name.familyName eq "a"'),
        await status('/Groups', 'displayName eq "a" and externalId eq "b"'),
      ];
      return refused.every((one) => one === 400) && (await status('/Users', 'userName eq "a" or id eq "b"')) === 200;
    },
  },
  {
    id: 'auth0-25-a-second',
    says: '25 req/s per connection',
    source: '[P40]',
    does: { throttle: { calls: 25, perMs: 1_000 } },
    probe: async ({ send }) => {
      const statuses: number[] = [];
      for (let n = 0; n < 26; n += 1) statuses.push((await send('GET', '/ServiceProviderConfig')).status);
      return statuses[24] === 200 && statuses[25] === 429;
    },
  },
  {
    id: 'auth0-ends-sessions',
    says: 'Auth0 ends all sessions, revokes refresh tokens and can trigger back-channel logout when SCIM deactivates a user',
    source: '[P17]',
    does: { endsSessions: true },
    probe: async (tools) => {
      const id = await created(tools, 1);
      await tools.send('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false }));
      return tools.sessionsEnded.has(id);
    },
  },
];

export const AUTH0: Vendor = {
  name: 'auth0',
  // (GK): nothing was found about tags.
  base: { etag: false, discovery: discoveryOf({ etag: { supported: false } }) },
  quirks,
  person: (n) => personOf(n),
};
