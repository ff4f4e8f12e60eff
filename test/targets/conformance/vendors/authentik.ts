// authentik's SCIM source: pages of its own size, and a POST that takes users over.
import { discoveryOf, type Quirk, scimError, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { created, filtered, listIn, patchOf, seeded } from './rules.ts';

const CONFIG = { etag: { supported: false }, bulk: { supported: false }, sort: { supported: false } };

const quirks: readonly Quirk[] = [
  {
    id: 'authentik-filters',
    says: '`id, userName, active, name.familyName, externalId`; groups `id, displayName, members, externalId`; else invalidFilter',
    source: '[P9]',
    does: {
      filters: {
        User: {
          attributes: { id: ['eq'], userName: ['eq'], active: ['eq'], 'name.familyName': ['eq'], externalId: ['eq'] },
          joins: ['and', 'or', 'not'],
        },
        Group: {
          attributes: { id: ['eq'], displayName: ['eq'], members: ['eq'], externalId: ['eq'] },
          joins: ['and', 'or', 'not'],
        },
      },
    },
    probe: async ({ send }) => {
      const { body } = await send('GET', `/Users${filtered('title eq "Chief"')}`);
      const fine = await send('GET', `/Users${filtered('name.familyName eq "Okafor"')}`);
      return body.scimType === 'invalidFilter' && fine.status === 200;
    },
  },
  {
    id: 'authentik-count-ignored',
    says: '`count` **ignored**',
    source: '[P9]',
    does: { paging: { usual: 100, max: 100, ignoresCount: true } },
    probe: async (tools) => {
      seeded(tools, 120);
      return listIn(await tools.send('GET', '/Users?count=10')).length === 100;
    },
  },
  {
    id: 'authentik-pages-truncated',
    says: 'page = `startIndex / pageSize` truncated, so `startIndex=101` with page size 100 returns page 1 again',
    source: '[P9]',
    does: { paging: { truncates: true } },
    probe: async (tools) => {
      seeded(tools, 120);
      const first = listIn(await tools.send('GET', '/Users?startIndex=101&count=100'))[0]?.id;
      return (
        first === 'seed-0' && listIn(await tools.send('GET', '/Users?startIndex=200&count=100'))[0]?.id === 'seed-100'
      );
    },
  },
  {
    id: 'authentik-takes-over',
    says: 'POST with the same userName takes over the existing user',
    source: '[P9]',
    does: { takesOver: true },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const again = await tools.send('POST', '/Users', tools.person(1, { title: 'Chief', externalId: 'other' }));
      return again.status === 201 && again.body.id === id && tools.users.get(id)?.externalId === 'other';
    },
  },
  {
    id: 'authentik-409-empty',
    says: '409 may have no body (older version)',
    source: '[P9]',
    does: { error: (status, scimType, detail) => (status === 409 ? null : scimError(status, scimType, detail)) },
    probe: async (tools) => {
      await created(tools, 1);
      const id = await created(tools, 2);
      const userName = tools.person(1).userName;
      const answer = await tools.send(
        'PATCH',
        `/Users/${id}`,
        patchOf({ op: 'replace', path: 'userName', value: userName }),
      );
      return answer.status === 409 && answer.text === '';
    },
  },
  {
    id: 'authentik-no-etag',
    says: 'bulk, sort, ETag, changePassword all false',
    source: '[P9]',
    does: { etag: false, discovery: discoveryOf(CONFIG) },
    probe: async ({ send, person }) => {
      const { etag } = (await send('GET', '/ServiceProviderConfig')).body as { etag: { supported: boolean } };
      return !etag.supported && (await send('POST', '/Users', person(1))).headers.get('etag') === null;
    },
  },
  {
    id: 'authentik-older',
    says: 'POST, GET, PUT, DELETE; PATCH advertised in the newer version read',
    source: '[P9]',
    occasional: true,
    does: { patch: false, discovery: discoveryOf({ ...CONFIG, patch: { supported: false } }) },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const answer = await tools.send(
        'PATCH',
        `/Users/${id}`,
        patchOf({ op: 'replace', path: 'title', value: 'Chief' }),
      );
      return answer.status === 501 && (await tools.send('PUT', `/Users/${id}`, tools.person(1))).status === 200;
    },
  },
];

export const AUTHENTIK: Vendor = { name: 'authentik', quirks, person: (n) => personOf(n) };
