// Google Cloud Identity: no list without a filter, and one filter.
import { discoveryOf, type Quirk, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { badRequest, created, filtered, isPatchOf, listIn, patchOf, seeded } from './rules.ts';

const userNameIs = (n: number) => filtered(`userName eq "worker.${n}@example.com"`);

const quirks: readonly Quirk[] = [
  {
    id: 'google-filter-mandatory',
    says: '**filter mandatory**, only `userName eq "…"`; none gives `tooMany`',
    source: '[P22]',
    does: {
      refuses: [
        {
          when: ({ method, on, id, query }) => method === 'GET' && on === 'User' && id === null && !query.get('filter'),
          ...badRequest('too many results; filter them', 'tooMany'),
        },
      ],
    },
    probe: async ({ send }) => (await send('GET', '/Users')).body.scimType === 'tooMany',
  },
  {
    id: 'google-username-only',
    says: 'only `userName eq "…"`',
    source: '[P22]',
    does: {
      filters: {
        User: { attributes: { userName: ['eq'] }, joins: [] },
        Group: { attributes: { displayName: ['eq'] }, joins: [] },
      },
    },
    probe: async (tools) => {
      await created(tools, 1);
      const byExternalId = await tools.send('GET', `/Users${filtered('externalId eq "W-100001"')}`);
      return byExternalId.status === 400 && listIn(await tools.send('GET', `/Users${userNameIs(1)}`)).length === 1;
    },
  },
  {
    id: 'google-no-paging',
    says: 'Paging: none',
    source: '[P22]',
    does: { paging: { by: 'none', total: 'page' } },
    probe: async (tools) => {
      const [id] = seeded(tools, 1);
      const name = tools.users.get(id as string)?.userName;
      const query = `${filtered(`userName eq "${name}"`)}&startIndex=2`;
      return listIn(await tools.send('GET', `/Users${query}`)).length === 1;
    },
  },
  {
    id: 'google-20-operations',
    says: '≤20 ops per user PATCH',
    source: '[P43]',
    does: {
      refuses: [
        {
          when: (call) => isPatchOf(call, 'User') && call.operations.length > 20,
          ...badRequest('at most 20 operations', 'tooMany'),
        },
      ],
    },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const one = { op: 'replace', path: 'title', value: 'Chief' };
      const operations = (count: number) => patchOf(...Array.from({ length: count }, () => one));
      const enough = await tools.send('PATCH', `/Users/${id}`, operations(20));
      return enough.status === 200 && (await tools.send('PATCH', `/Users/${id}`, operations(21))).status === 400;
    },
  },
  {
    id: 'google-empty-answer',
    says: 'answer is `{}`',
    source: '[P43]',
    does: { patchAnswer: 'braces' },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const answer = await tools.send(
        'PATCH',
        `/Users/${id}`,
        patchOf({ op: 'replace', path: 'title', value: 'Chief' }),
      );
      return answer.status === 200 && answer.text === '{}' && tools.users.get(id)?.title === 'Chief';
    },
  },
  {
    id: 'google-lower-case-list',
    says: 'list key is `resources` lower-case',
    source: '[P22]',
    does: { listKey: 'resources' },
    probe: async (tools) => {
      await created(tools, 1);
      const { body } = await tools.send('GET', `/Users${userNameIs(1)}`);
      return body.Resources === undefined && Array.isArray(body.resources);
    },
  },
  {
    id: 'google-no-etag',
    says: 'no sort, bulk, ETag',
    source: '[P23]',
    does: { etag: false, discovery: discoveryOf({ etag: { supported: false } }) },
    probe: async ({ send, person }) => {
      const { headers } = await send('POST', '/Users', person(1));
      const { etag } = (await send('GET', '/ServiceProviderConfig')).body as { etag: { supported: boolean } };
      return headers.get('etag') === null && !etag.supported;
    },
  },
];

export const GOOGLE: Vendor = { name: 'google', quirks, person: (n) => personOf(n) };
