// Zitadel: no discovery, no groups, and an externalId for each service user.
import { COMPARISONS } from '../filter.ts';
import { type Quirk, type Resource, scimError, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { badRequest, bulkOf, created, elementsOf, filtered, listIn, missing, patchOf, seeded } from './rules.ts';

const ERROR_DETAIL = 'urn:ietf:params:scim:api:zitadel:messages:2.0:ErrorDetail';
const TEXT = ['eq', 'ne', 'co', 'sw', 'ew'] as const;
const EXACT = ['eq', 'ne'] as const;

function primaryOnly(resource: Resource): Resource {
  const kept: Resource = { ...resource };
  for (const attribute of ['emails', 'phoneNumbers']) {
    const elements = elementsOf(resource, attribute);
    if (elements.length > 1) kept[attribute] = [elements.find(({ primary }) => primary === true) ?? elements[0]];
  }
  return kept;
}

const quirks: readonly Quirk[] = [
  {
    id: 'zitadel-no-discovery',
    says: 'discovery missing',
    source: '[P10]',
    does: { discovery: {} },
    probe: async ({ send }) => (await send('GET', '/ServiceProviderConfig')).status === 404,
  },
  {
    id: 'zitadel-no-groups',
    says: 'Groups: **no**',
    source: '[P10]',
    does: { paths: { User: '/Users', Group: null } },
    probe: async ({ send }) => (await send('GET', '/Groups')).status === 404,
  },
  {
    id: 'zitadel-create-needs',
    says: 'requires familyName, givenName, an email',
    source: '[P10]',
    does: {
      holds: [
        (resource, kind) =>
          kind === 'User' &&
          (missing(resource, ['name.familyName', 'name.givenName']).length > 0 ||
            elementsOf(resource, 'emails').length === 0)
            ? badRequest('familyName, givenName and an email are required', 'invalidValue')
            : null,
      ],
    },
    probe: async ({ send, person }) => {
      const { emails: _, ...rest } = person(1);
      const nameless = await send('POST', '/Users', person(2, { name: { givenName: 'Mira' } }));
      return (await send('POST', '/Users', rest)).status === 400 && nameless.status === 400;
    },
  },
  {
    id: 'zitadel-primary-only',
    says: 'only primary email/phone kept',
    source: '[P10]',
    does: { keeps: [(resource, kind) => (kind === 'User' ? primaryOnly(resource) : resource)] },
    probe: async ({ send, person }) => {
      const work = { value: 'work@example.com', type: 'work', primary: true };
      const emails = [{ value: 'home@example.com', type: 'home' }, work];
      return (
        JSON.stringify((await send('POST', '/Users', person(1, { emails }))).body.emails) === JSON.stringify([work])
      );
    },
  },
  {
    id: 'zitadel-active-states',
    says: '`active` changeable only from Active/Inactive',
    source: '[P10]',
    does: {
      holds: [
        (resource) =>
          resource.state === 'locked' && resource.active === false
            ? badRequest('the user is neither active nor inactive', 'invalidValue')
            : null,
      ],
      shows: [({ state: _, ...rest }) => rest],
    },
    probe: async (tools) => {
      const [id] = seeded(tools, 1) as [string];
      Object.assign(tools.users.get(id) as Resource, { state: 'locked' });
      const answer = await tools.send(
        'PATCH',
        `/Users/${id}`,
        patchOf({ op: 'replace', path: 'active', value: false }),
      );
      return answer.status === 400 && tools.users.get(id)?.active === true;
    },
  },
  {
    id: 'zitadel-scoped-external-id',
    says: 'externalId **scoped per provisioning domain of the calling service user**',
    source: '[P10]',
    does: { scopesExternalId: true },
    probe: async (tools) => {
      const [id] = seeded(tools, 1) as [string];
      const user = tools.users.get(id) as Resource;
      user.madeByOther = true;
      const found = listIn(await tools.send('GET', `/Users${filtered(`externalId eq "${user.externalId}"`)}`));
      return found.length === 0 && (await tools.send('GET', `/Users/${id}`)).body.externalId === undefined;
    },
  },
  {
    id: 'zitadel-filters',
    says: 'rich: eq/ne/co/sw/ew on names, emails; eq/ne externalId and active',
    source: '[P10]',
    does: {
      filters: {
        User: {
          attributes: {
            userName: TEXT,
            'name.familyName': TEXT,
            'name.givenName': TEXT,
            emails: TEXT,
            'emails.value': TEXT,
            externalId: EXACT,
            active: EXACT,
          },
          joins: ['and', 'or', 'not'],
        },
        Group: { attributes: { '*': COMPARISONS }, joins: ['and', 'or', 'not'] },
      },
    },
    probe: async ({ send }) => {
      const status = async (filter: string) => (await send('GET', `/Users${filtered(filter)}`)).status;
      const refused = (await status('externalId sw "a"')) === 400 && (await status('title eq "a"')) === 400;
      return refused && (await status('userName sw "a" or emails.value ew "b"')) === 200;
    },
  },
  {
    id: 'zitadel-short-filters',
    says: '≤1000 chars',
    source: '[P10]',
    does: {
      refuses: [
        {
          when: ({ query }) => (query.get('filter')?.length ?? 0) > 1_000,
          ...badRequest('the filter is too long', 'invalidFilter'),
        },
      ],
    },
    probe: async ({ send }) => {
      const of = (length: number) => `/Users${filtered(`userName eq "${'a'.repeat(length)}"`)}`;
      return (await send('GET', of(1_000))).status === 400 && (await send('GET', of(900))).status === 200;
    },
  },
  {
    id: 'zitadel-count-100',
    says: '`count` ≤100',
    source: '[P10]',
    does: { paging: { usual: 100, max: 100, above: 'refused' } },
    probe: async ({ send }) =>
      (await send('GET', '/Users?count=101')).status === 400 && (await send('GET', '/Users?count=100')).status === 200,
  },
  {
    id: 'zitadel-bulk',
    says: '`/Bulk` 100 ops, 1 MB, configurable',
    source: '[P10]',
    does: { bulk: { maxOperations: 100, maxPayloadSize: 1_000_000 } },
    probe: async ({ send, person }) => {
      const bulk = (count: number) => bulkOf(Array.from({ length: count }, (_, n) => person(n)));
      const enough = await send('POST', '/Bulk', bulk(2));
      return enough.status === 200 && (await send('POST', '/Bulk', bulk(101))).status === 413;
    },
  },
  {
    id: 'zitadel-error-detail',
    says: 'extra error schema `…zitadel:messages:2.0:ErrorDetail`',
    source: '[P10]',
    does: {
      error: (status, scimType, detail) => ({
        ...scimError(status, scimType, detail),
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error', ERROR_DETAIL],
        [ERROR_DETAIL]: { id: 'ERR-1', message: detail },
      }),
    },
    probe: async (tools) => {
      await created(tools, 1);
      return (await tools.send('POST', '/Users', tools.person(1))).body[ERROR_DETAIL] !== undefined;
    },
  },
];

export const ZITADEL: Vendor = {
  name: 'zitadel',
  // (GK): nothing was found about tags.
  base: { etag: false },
  quirks,
  person: (n) => personOf(n),
};
