// A service provider as the RFCs describe one, and the deviations that any server may show. Those that
// a server with nothing else about it can show are occasional: a story switches each of them on.
import { type Quirk, type Resource, scimError, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import {
  addOf,
  badRequest,
  created,
  filtered,
  isPatchOf,
  listIn,
  membersIn,
  opOf,
  patchOf,
  pathOf,
  seeded,
  seededGroup,
} from './rules.ts';

const title = patchOf({ op: 'replace', path: 'title', value: 'Chief' });

/** What Microsoft Entra sends as a client by default; a strict provider need not take it, and ours must never send it. */
const strict: readonly Quirk[] = [
  {
    id: 'strict-member-removal',
    says: 'member removal by `value` array instead of path filter',
    source: '[R11]',
    does: {
      refuses: [
        {
          when: (call) =>
            isPatchOf(call, 'Group') &&
            call.operations.some((one) => opOf(one) === 'remove' && one.value !== undefined),
          ...badRequest('a removal has no value', 'invalidSyntax'),
        },
      ],
    },
    probe: async (tools) => {
      const ids = seeded(tools, 2);
      const group = seededGroup(tools, 'Staff', ids);
      const answer = await tools.send('PATCH', `/Groups/${group}`, patchOf({ ...addOf(ids.slice(1)), op: 'remove' }));
      return answer.status === 400 && membersIn(tools, group) === 2;
    },
  },
  {
    id: 'strict-dotted-keys',
    says: '`"name.givenName"` dotted keys in a pathless value',
    source: '[R11]',
    does: {
      refuses: [
        {
          when: (call) =>
            call.operations.some(
              ({ path, value }) =>
                path === undefined &&
                typeof value === 'object' &&
                value !== null &&
                Object.keys(value).some((key) => !key.startsWith('urn:') && key.includes('.')),
            ),
          ...badRequest('no such attribute', 'invalidPath'),
        },
      ],
    },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const operation = { op: 'replace', value: { 'name.givenName': 'Lea' } };
      return (await tools.send('PATCH', `/Users/${id}`, patchOf(operation))).status === 400;
    },
  },
];

const deviations: readonly Quirk[] = [
  {
    id: 'deviation-lower-case',
    says: 'lower-case `resources`, lower-case `meta.resourceType`',
    source: '[E22] [P22]',
    does: { listKey: 'resources', lowerCaseType: true },
    probe: async (tools) => {
      await created(tools, 1);
      const { body } = await tools.send('GET', '/Users');
      const [user] = (body.resources ?? []) as Resource[];
      return (user?.meta as Resource | undefined)?.resourceType === 'user';
    },
  },
  {
    id: 'deviation-patch-204',
    says: 'PATCH 204 / 200 `{}`',
    source: '[E20]',
    does: { patchAnswer: 'none' },
    probe: async (tools) => (await tools.send('PATCH', `/Users/${await created(tools, 1)}`, title)).status === 204,
  },
  {
    id: 'deviation-patch-braces',
    says: 'PATCH 204 / 200 `{}`',
    source: '[P43]',
    does: { patchAnswer: 'braces' },
    probe: async (tools) => (await tools.send('PATCH', `/Users/${await created(tools, 1)}`, title)).text === '{}',
  },
  {
    id: 'deviation-no-put',
    says: 'PUT 405',
    source: '(obs) [E22]',
    does: { put: 'none' },
    probe: async (tools) =>
      (await tools.send('PUT', `/Users/${await created(tools, 1)}`, tools.person(1))).status === 405,
  },
  {
    id: 'deviation-plain-json',
    says: '`application/json` or `text/html` content type',
    source: '(obs) [E22]',
    does: { contentType: 'application/json' },
    probe: async ({ send }) => (await send('GET', '/Users')).headers.get('content-type') === 'application/json',
  },
  {
    id: 'deviation-html',
    says: '`application/json` or `text/html` content type',
    source: '(obs) [E22]',
    does: { contentType: 'text/html' },
    probe: async ({ send }) => (await send('GET', '/Users')).headers.get('content-type') === 'text/html',
  },
  {
    id: 'deviation-error-without-status',
    says: 'error body without `status`',
    source: '(obs) [E22]',
    does: {
      error: (status, scimType, detail) => {
        const { status: _, ...rest } = scimError(status, scimType, detail) as Resource;
        return rest;
      },
    },
    probe: async ({ send }) => {
      const { status, body } = await send('GET', '/Users/nobody');
      return status === 404 && body.detail !== undefined && body.status === undefined;
    },
  },
  {
    id: 'deviation-409-empty',
    says: 'empty body on 409',
    source: '[P9]',
    does: { error: (status, scimType, detail) => (status === 409 ? null : scimError(status, scimType, detail)) },
    probe: async (tools) => {
      await created(tools, 1);
      const again = await tools.send('POST', '/Users', tools.person(1));
      return again.status === 409 && again.text === '';
    },
  },
  {
    id: 'deviation-400-duplicate',
    says: 'duplicate | 409 `uniqueness` | 409 with no body (authentik), 400',
    source: '(GK)',
    does: { taken: { status: 400, scimType: 'uniqueness', detail: 'userName is taken' } },
    probe: async (tools) => {
      await created(tools, 1);
      return (await tools.send('POST', '/Users', tools.person(1))).status === 400;
    },
  },
  {
    id: 'deviation-repeated-page',
    says: 'repeated page',
    source: '[P9]',
    does: { paging: { usual: 50, max: 50, repeatsFrom: 101 } },
    probe: async (tools) => {
      seeded(tools, 230);
      const first = async (startIndex: number) =>
        listIn(await tools.send('GET', `/Users?startIndex=${startIndex}`))[0]?.id;
      return (await first(101)) === (await first(151));
    },
  },
  {
    id: 'deviation-ignored-count',
    says: 'ignored `count`',
    source: '[P9]',
    does: { paging: { usual: 30, ignoresCount: true } },
    probe: async (tools) => {
      seeded(tools, 60);
      return listIn(await tools.send('GET', '/Users?count=50')).length === 30;
    },
  },
  {
    id: 'deviation-201-nothing',
    says: '201 but nothing created',
    source: '[R8]',
    does: { createsNothing: true },
    probe: async (tools) =>
      (await tools.send('POST', '/Users', tools.person(1))).status === 201 && tools.users.size === 0,
  },
  {
    id: 'deviation-stale-tag',
    says: 'stale `If-Match` accepted',
    source: '(obs) [X2]',
    does: { etag: false },
    probe: async (tools) =>
      (await tools.send('PATCH', `/Users/${await created(tools, 1)}`, title, { 'if-match': 'W/"old"' })).status === 200,
  },
  {
    id: 'deviation-empty-filter',
    says: 'unsupported filter returns 200 with an empty list (looks like "no such user" and provokes a duplicate create)',
    source: '[R7]',
    does: {
      badFilter: 'empty',
      filters: { User: { attributes: { userName: ['eq'] }, joins: [] } },
    },
    probe: async (tools) => {
      await created(tools, 1);
      const answer = await tools.send('GET', `/Users${filtered(`externalId eq "${tools.person(1).externalId}"`)}`);
      return answer.status === 200 && answer.body.totalResults === 0;
    },
  },
  {
    id: 'deviation-202-silence',
    says: '202 then silence',
    source: '[E4] [E15]',
    does: { takesInOnly: true },
    probe: async (tools) =>
      (await tools.send('POST', '/Users', tools.person(1))).status === 202 && tools.users.size === 0,
  },
  {
    id: 'deviation-504-applied',
    says: 'intermittent 504 after the write was applied',
    source: '[E25], applied anyway (GK)',
    does: { lateGateway: true },
    probe: async (tools) =>
      (await tools.send('POST', '/Users', tools.person(1))).status === 504 && tools.users.size === 1,
  },
  {
    id: 'deviation-exact-case',
    says: 'attribute names case sensitive',
    source: '[P46]',
    does: {
      attributeCase: 'exact',
      filters: { User: { attributes: { userName: ['eq'], externalId: ['eq'], id: ['eq'] }, joins: [] } },
      refuses: [
        {
          when: ({ operations }) => operations.some((one) => /^(?:username|externalid|displayname)$/.test(pathOf(one))),
          ...badRequest('no such attribute', 'invalidPath'),
        },
      ],
    },
    probe: async ({ send }) => {
      const status = async (filter: string) => (await send('GET', `/Users${filtered(filter)}`)).status;
      return (await status('USERNAME eq "a"')) === 400 && (await status('userName eq "a"')) === 200;
    },
  },
];
export const DEVIATIONS: readonly Quirk[] = deviations.map((quirk) => ({ ...quirk, occasional: true }));

/** What no provider takes, with or without quirks: shapes that Entra sends as a client (4.11 no. 1 [R11]). */
export const NEVER_TAKEN: readonly { readonly name: string; readonly body: Resource }[] = [
  { name: 'op in capitals', body: patchOf({ op: 'Replace', path: 'title', value: 'x' }) },
  { name: 'a boolean as text', body: patchOf({ op: 'replace', path: 'active', value: 'False' }) },
  { name: 'a remove without a path', body: patchOf({ op: 'remove', value: { title: 'x' } }) },
  { name: 'an add without a value', body: patchOf({ op: 'add', path: 'title' }) },
  { name: 'a body without its schema', body: { Operations: [{ op: 'replace', path: 'title', value: 'x' }] } },
  { name: 'an empty text', body: patchOf({ op: 'replace', path: 'title', value: '' }) },
];

export const GENERIC_VENDOR: Vendor = {
  name: 'generic',
  quirks: [...strict, ...DEVIATIONS],
  person: (n) => personOf(n),
};
