// PingOne: a SCIM layer over a store of its own, without pages and without groups.
import { discoveryOf, type Quirk, type Resource, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { listIn, MULTI_VALUED, seeded } from './rules.ts';

const PATHS = { User: '/Users', Group: null } as const;

const firstValues = (resource: Resource): Resource =>
  Object.fromEntries(
    Object.entries(resource).map(([key, value]) => [
      key,
      MULTI_VALUED.includes(key) && Array.isArray(value) ? value.slice(0, 1) : value,
    ]),
  );

const quirks: readonly Quirk[] = [
  {
    id: 'pingone-no-paging',
    says: '**none; ≤200 results**',
    source: '(obs) [X5]',
    does: { paging: { by: 'none', max: 200, total: 'page' } },
    probe: async (tools) => {
      seeded(tools, 230);
      const answer = await tools.send('GET', '/Users?startIndex=201&count=100');
      return listIn(answer).length === 200 && answer.body.totalResults === 200;
    },
  },
  {
    id: 'pingone-no-groups',
    says: 'Groups: no',
    source: '(obs) [X5]',
    does: { paths: PATHS, discovery: discoveryOf({ etag: { supported: false } }, PATHS) },
    probe: async ({ send }) => (await send('GET', '/Groups')).status === 404,
  },
  {
    id: 'pingone-first-value',
    says: 'single-valued store: first value of a multi-valued attribute wins',
    source: '[P32]',
    does: { stepwise: true, keeps: [(resource, kind) => (kind === 'User' ? firstValues(resource) : resource)] },
    probe: async ({ send, person }) => {
      const emails = [
        { value: 'one@example.com', type: 'work' },
        { value: 'two@example.com', type: 'home' },
      ];
      const { status, body } = await send('POST', '/Users', person(1, { emails }));
      return status === 201 && JSON.stringify(body.emails) === JSON.stringify(emails.slice(0, 1));
    },
  },
];

export const PINGONE: Vendor = {
  name: 'pingone',
  // (GK): nothing was found about tags.
  base: { discovery: discoveryOf({ etag: { supported: false } }), etag: false },
  quirks,
  person: (n) => personOf(n),
};
