// The SCIM provisioning API of Microsoft Entra ID: lower-case paths, cursors, small group changes, answers without a body.
import { RANDOM_PASSWORD } from '../../../../src/base/password-marker.ts';
import { type Call, discoveryOf, type Quirk, type Resource, type Vendor } from '../quirk.ts';
import { ENTERPRISE, personOf } from './person.ts';
import {
  addOf,
  badRequest,
  filtered,
  isAboutMembers,
  isPatchOf,
  listIn,
  membersIn,
  missing,
  opOf,
  patchOf,
  pathOf,
  removeOf,
  seeded,
  seededGroup,
  sizeOf,
} from './rules.ts';

const PATHS = { User: '/users', Group: '/groups' } as const;
const EXTENSION = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User';
const CREATE_NEEDS = ['userName', 'name.familyName', 'name.givenName', 'active', 'displayName'];
const acceptOf = ({ headers }: Call): string => String(headers.accept ?? '');
const wantsJson = (call: Call): boolean => /application\/(?:scim\+)?json/i.test(acceptOf(call));
const memberOps = (call: Call, op: string): readonly Resource[] =>
  isPatchOf(call, 'Group') ? call.operations.filter((one) => isAboutMembers(one) && opOf(one) === op) : [];
const pageOf = ({ method, on, id }: Call): boolean => method === 'GET' && on === 'User' && id === null;
const CONFIG = {
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 200 },
  etag: { supported: false },
  pagination: { cursor: true, index: false, defaultPageSize: 100, maxPageSize: 1000 },
};
const { '/ServiceProviderConfig': config, '/ResourceTypes': types, '/Schemas': schemas } = discoveryOf(CONFIG, PATHS);

const quirks: readonly Quirk[] = [
  {
    id: 'entra-lower-case-paths',
    says: 'GET, POST, PATCH, DELETE on `/users` and `/groups`; discovery at `/serviceproviderconfig`, `/resourcetypes`, `/schemas`',
    source: '[E20]',
    does: {
      paths: PATHS,
      discovery: {
        '/serviceproviderconfig': config as Resource,
        '/resourcetypes': types as Resource,
        '/schemas': schemas as Resource,
      },
    },
    probe: async ({ send }) => {
      const lower = (await send('GET', '/users')).status === 200 && (await send('GET', '/groups')).status === 200;
      return lower && (await send('GET', '/serviceproviderconfig')).status === 200;
    },
  },
  {
    id: 'entra-no-put',
    says: 'PUT answers 405',
    source: '(obs) [E22]',
    does: { put: 'none' },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      return (await tools.send('PUT', `/users/${id}`, tools.person(1))).status === 405;
    },
  },
  {
    id: 'entra-page-100',
    says: '`pagination {cursor:true,index:false,defaultPageSize:100,maxPageSize:1000}`',
    source: '[E20]',
    does: { paging: { usual: 100, max: 1_000 } },
    probe: async (tools) => {
      seeded(tools, 120);
      return listIn(await tools.send('GET', '/users')).length === 100;
    },
  },
  {
    id: 'entra-create-needs',
    says: 'Create needs `userName`, `password`, `name.familyName`, `name.givenName`, `active`, `displayName`',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: ({ method, on, body }) =>
            method === 'POST' && on === 'User' && missing(body, [...CREATE_NEEDS, 'password']).length > 0,
          ...badRequest('an attribute that a new user needs is missing', 'invalidValue'),
        },
      ],
    },
    probe: async ({ send, person }) => {
      const { password: _, ...rest } = person(1);
      const { displayName: __, ...nameless } = person(2);
      const { active: ___, ...silent } = person(3);
      const refused = [rest, nameless, silent].map(async (body) => (await send('POST', '/users', body)).status);
      return (
        (await Promise.all(refused)).every((status) => status === 400) &&
        (await send('POST', '/users', person(4))).status === 201
      );
    },
  },
  {
    id: 'entra-patch-204',
    says: '204, no body',
    source: '[E20]',
    does: { patchAnswer: 'none' },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      const answer = await tools.send(
        'PATCH',
        `/users/${id}`,
        patchOf({ op: 'replace', path: 'title', value: 'Chief' }),
      );
      return answer.status === 204 && answer.text === '' && tools.users.get(id as string)?.title === 'Chief';
    },
  },
  {
    id: 'entra-path-filter',
    says: 'path filter on multi-values only `[type eq "work"]` style',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'User') && call.operations.some((one) => /\[(?!type eq ")/i.test(pathOf(one))),
          ...badRequest('the filter of a path compares the type', 'invalidPath'),
        },
      ],
    },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      const operation = { op: 'replace', path: 'emails[primary eq true].value', value: 'x@example.com' };
      return (await tools.send('PATCH', `/users/${id}`, patchOf(operation))).status === 400;
    },
  },
  {
    id: 'entra-nickname-stays',
    says: '`mailNickname` cannot be removed',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'User') &&
            call.operations.some((one) => opOf(one) === 'remove' && /mailNickname$/i.test(pathOf(one))),
          ...badRequest('mailNickname cannot be removed', 'mutability'),
        },
      ],
    },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      return (
        (await tools.send('PATCH', `/users/${id}`, patchOf({ op: 'remove', path: `${EXTENSION}:mailNickname` })))
          .status === 400
      );
    },
  },
  {
    id: 'entra-manager-object',
    says: '`replace …enterprise:2.0:User:manager` value `{ "value": "<target SCIM id>" }`',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'User') &&
            call.operations.some(
              (one) =>
                /:manager\.value$/i.test(pathOf(one)) ||
                (/:manager$/i.test(pathOf(one)) && typeof one.value === 'string'),
            ),
          ...badRequest('the manager is an object', 'invalidPath'),
        },
      ],
    },
    probe: async (tools) => {
      const [id, boss] = seeded(tools, 2);
      const path = `${ENTERPRISE}:manager`;
      const value = await tools.send(
        'PATCH',
        `/users/${id}`,
        patchOf({ op: 'replace', path: `${path}.value`, value: boss }),
      );
      const object = await tools.send(
        'PATCH',
        `/users/${id}`,
        patchOf({ op: 'replace', path, value: { value: boss } }),
      );
      return value.status === 400 && object.status < 300;
    },
  },
  {
    id: 'entra-accept-on-delete',
    says: 'Must **not** carry `Accept: application/json` or `application/scim+json` (400); omit it or send `*/*`',
    source: '(obs) [E22] [E24]',
    does: {
      refuses: [
        { when: (call) => call.method === 'DELETE' && wantsJson(call), ...badRequest('Accept is not acceptable here') },
      ],
    },
    probe: async (tools) => {
      const [one, two] = seeded(tools, 2);
      const refused = (await tools.send('DELETE', `/users/${one}`)).status === 400 && tools.users.has(one as string);
      return refused && (await tools.send('DELETE', `/users/${two}`, undefined, { accept: '*/*' })).status === 204;
    },
  },
  {
    id: 'entra-json-accept',
    says: 'All other verbs require a JSON `Accept`, else 400',
    source: '[E25]',
    does: {
      refuses: [{ when: (call) => call.method !== 'DELETE' && !wantsJson(call), ...badRequest('Accept must be JSON') }],
    },
    probe: async ({ send }) => (await send('GET', '/users', undefined, { accept: '*/*' })).status === 400,
  },
  {
    id: 'entra-filters',
    says: '`eq` on active, userName, externalId, id, groups.value, mailNickname; `ew` on userName, mailNickname; `and`, `not(… ew …)`; **externalId cannot be combined**',
    source: '[E20]',
    does: {
      filters: {
        User: {
          attributes: {
            active: ['eq'],
            userName: ['eq', 'ew'],
            externalId: ['eq'],
            id: ['eq'],
            'groups.value': ['eq'],
            mailNickname: ['eq', 'ew'],
          },
          joins: ['and', 'not'],
          alone: ['externalId'],
        },
        // Which filters groups have is not said; (GK).
        Group: { attributes: { displayName: ['eq'], externalId: ['eq'], id: ['eq'] }, joins: ['and'] },
      },
    },
    probe: async ({ send }) => {
      const status = async (filter: string) => (await send('GET', `/users${filtered(filter)}`)).status;
      const refused = [
        'externalId eq "a" and userName eq "b"',
        'title eq "a"',
        'userName eq "a" or id eq "b"',
        'externalId ew "a"',
      ];
      const fine = ['userName eq "a" and id eq "b"', 'not (userName ew "@x")', 'groups.value eq "g"'];
      for (const filter of refused) if ((await status(filter)) !== 400) return false;
      for (const filter of fine) if ((await status(filter)) !== 200) return false;
      return true;
    },
  },
  {
    id: 'entra-no-space',
    says: 'no whitespace around `=` in the query string',
    source: '[E20]',
    does: {
      refuses: [
        { when: ({ rawQuery }) => /(?:%20|\+|\s)=|=(?:%20|\+|\s)/.test(rawQuery), ...badRequest('a space beside =') },
      ],
    },
    probe: async ({ send }) => (await send('GET', '/users?filter=%20userName%20eq%20%22a%22')).status === 400,
  },
  {
    id: 'entra-20-members',
    says: 'member add ≤20 per PATCH in a single op',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) => {
            const adds = memberOps(call, 'add');
            return adds.length > 1 || adds.some((one) => sizeOf(one) > 20);
          },
          ...badRequest('at most 20 members in one operation'),
        },
      ],
    },
    probe: async (tools) => {
      const ids = seeded(tools, 21);
      const path = `/groups/${seededGroup(tools, 'Staff')}`;
      const many = await tools.send('PATCH', path, patchOf(addOf(ids)));
      const twice = await tools.send('PATCH', path, patchOf(addOf(ids.slice(0, 1)), addOf(ids.slice(1, 2))));
      const enough = await tools.send('PATCH', path, patchOf(addOf(ids.slice(1))));
      return many.status === 400 && twice.status === 400 && enough.status < 300;
    },
  },
  {
    id: 'entra-one-removal',
    says: 'exactly one remove per PATCH via `members[value eq "id"]`',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) => {
            const removals = memberOps(call, 'remove');
            return removals.length > 1 || removals.some((one) => !/^members\[value eq "[^"]+"\]$/.test(pathOf(one)));
          },
          ...badRequest('one member is removed by one request'),
        },
      ],
    },
    probe: async (tools) => {
      const ids = seeded(tools, 3);
      const group = seededGroup(tools, 'Staff', ids);
      const two = await tools.send('PATCH', `/groups/${group}`, patchOf(...ids.slice(1).map(removeOf)));
      const one = await tools.send('PATCH', `/groups/${group}`, patchOf(removeOf(ids[0] as string)));
      return two.status === 400 && one.status < 300 && membersIn(tools, group) === 2;
    },
  },
  {
    id: 'entra-never-mixed',
    says: 'never mixed with other changes',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'Group') &&
            call.operations.some(isAboutMembers) &&
            new Set(call.operations.map((one) => `${isAboutMembers(one)} ${opOf(one)}`)).size > 1,
          ...badRequest('members are changed alone'),
        },
      ],
    },
    probe: async (tools) => {
      const [one, two] = seeded(tools, 2) as [string, string];
      const path = `/groups/${seededGroup(tools, 'Staff', [one])}`;
      const both = await tools.send('PATCH', path, patchOf(addOf([two]), removeOf(one)));
      const name = { op: 'replace', path: 'displayName', value: 'Crew' };
      return both.status === 400 && (await tools.send('PATCH', path, patchOf(addOf([two]), name))).status === 400;
    },
  },
  {
    id: 'entra-members-unseen',
    says: 'GET group never returns members, use `/users?filter=groups.value eq "id"`',
    source: '[E20]',
    does: {
      shows: [
        (resource, kind) => {
          const { members: _, ...rest } = resource;
          return kind === 'Group' ? rest : resource;
        },
      ],
    },
    probe: async (tools) => {
      const ids = seeded(tools, 3);
      const group = seededGroup(tools, 'Staff', ids.slice(1));
      const { body } = await tools.send('GET', `/groups/${group}?attributes=members`);
      const members = listIn(await tools.send('GET', `/users${filtered(`groups.value eq "${group}"`)}`));
      return body.members === undefined && members.length === 2;
    },
  },
  {
    id: 'entra-cursor-only',
    says: '`pagination {cursor:true,index:false,defaultPageSize:100,maxPageSize:1000}`',
    source: '[E20]',
    does: { paging: { by: 'cursor' } },
    probe: async (tools) => {
      seeded(tools, 150);
      const first = await tools.send('GET', '/users?startIndex=101&count=100');
      const next = await tools.send('GET', `/users?startIndex=101&count=100&cursor=${first.body.nextCursor}`);
      const fromOne = listIn(first)[0]?.id === 'seed-0';
      return (
        fromOne &&
        typeof first.body.nextCursor === 'string' &&
        listIn(next).length === 50 &&
        next.body.nextCursor === undefined
      );
    },
  },
  {
    id: 'entra-no-total',
    says: 'missing `totalResults` on cursor pages',
    source: '[E20]',
    does: { paging: { total: 'none' } },
    probe: async ({ send }) => (await send('GET', '/users')).body.totalResults === undefined,
  },
  {
    id: 'entra-projected-pages',
    says: 'default 100; 101-999 only with an `attributes` projection that excludes manager',
    source: '[E20]',
    does: {
      refuses: [
        {
          when: (call) => {
            const attributes = call.query.get('attributes');
            const all =
              attributes === null ||
              /manager/i.test(attributes) ||
              new RegExp(`${ENTERPRISE}(?!:)`, 'i').test(attributes);
            return pageOf(call) && Number(call.query.get('count') ?? 100) > 100 && all;
          },
          ...badRequest('more than 100 users need a projection', 'invalidValue'),
        },
      ],
    },
    probe: async ({ send }) => {
      const all = await send('GET', '/users?count=200');
      return all.status === 400 && (await send('GET', '/users?count=200&attributes=userName')).status === 200;
    },
  },
  {
    id: 'entra-count-zero',
    says: '`count=0` is 400',
    source: '(obs) [E22]',
    does: { refuses: [{ when: (call) => pageOf(call) && call.query.get('count') === '0', ...badRequest('count') }] },
    probe: async ({ send }) => (await send('GET', '/users?count=0')).status === 400,
  },
  {
    id: 'entra-lower-case-list',
    says: '`resources` lower-case',
    source: '(obs) [E22]',
    does: { listKey: 'resources' },
    probe: async ({ send }) => {
      const { body } = await send('GET', '/users');
      return Array.isArray(body.resources) && body.Resources === undefined;
    },
  },
  {
    id: 'entra-lower-case-type',
    says: '`meta.resourceType` lower-case',
    source: '(obs) [E22]',
    does: { lowerCaseType: true },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      return ((await tools.send('GET', `/users/${id}`)).body.meta as Resource).resourceType === 'user';
    },
  },
  {
    id: 'entra-unknown-id',
    says: 'unknown id may be 400 not 404 (docs say 404 [E25])',
    source: '(obs) [E22]',
    does: { unknownId: { status: 400, detail: 'the id is not valid', scimType: 'invalidValue' } },
    probe: async ({ send }) => (await send('GET', '/users/nobody')).status === 400,
  },
  {
    id: 'entra-undated',
    says: 'no `meta.created/lastModified` on users',
    source: '(obs) [E22]',
    does: {
      shows: [
        (resource, kind) => {
          const { created: _, lastModified: __, ...meta } = resource.meta as Resource;
          return kind === 'User' ? { ...resource, meta } : resource;
        },
      ],
    },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      return ((await tools.send('GET', `/users/${id}`)).body.meta as Resource).created === undefined;
    },
  },
  {
    id: 'entra-late-gateway',
    says: 'intermittent 504 is documented',
    source: '[E25], applied anyway (GK)',
    occasional: true,
    does: { lateGateway: true },
    probe: async (tools) => {
      const answer = await tools.send('POST', '/users', tools.person(1));
      return answer.status === 504 && tools.users.size === 1;
    },
  },
  {
    id: 'entra-not-enabled',
    says: 'if not enabled every call is 400 with a `scimapiconsumptions` message',
    source: '[E21]',
    occasional: true,
    does: {
      refuses: [{ when: () => true, ...badRequest('no scimapiconsumptions resource is linked to this tenant') }],
    },
    probe: async ({ send }) => String((await send('GET', '/users')).body.detail).includes('scimapiconsumptions'),
  },
];

export const ENTRA: Vendor = {
  name: 'entra-scim',
  // That tags are not used is (GK).
  base: { etag: false, discovery: discoveryOf(CONFIG) },
  quirks,
  person: (n) => ({ ...personOf(n, { password: RANDOM_PASSWORD }), onCreateOnly: ['password'] }),
};
