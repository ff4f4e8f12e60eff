// WSO2 Identity Server and Asgardeo.
import { discoveryOf, type Quirk, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { bulkOf, listIn, seeded } from './rules.ts';

const CONFIG = {
  etag: { supported: false },
  filter: { supported: true, maxResults: 200 },
  bulk: { supported: true, maxOperations: 1_000, maxPayloadSize: 1_048_576 },
};

const quirks: readonly Quirk[] = [
  {
    id: 'wso2-no-etag',
    says: 'sort and ETag false',
    source: '[P14]',
    does: {
      etag: false,
      discovery: discoveryOf(CONFIG),
    },
    probe: async ({ send, person }) => {
      const { etag } = (await send('GET', '/ServiceProviderConfig')).body as { etag: { supported: boolean } };
      return !etag.supported && (await send('POST', '/Users', person(1))).headers.get('etag') === null;
    },
  },
  {
    id: 'wso2-bulk',
    says: 'IS shipped config 1000 ops, 1,048,576 bytes',
    source: '[P14]',
    does: { bulk: { maxOperations: 1_000, maxPayloadSize: 1_048_576 } },
    probe: async ({ send, person }) => {
      const bulk = (count: number) => bulkOf(Array.from({ length: count }, (_, n) => person(n)));
      const enough = await send('POST', '/Bulk', bulk(2));
      return enough.status === 200 && (await send('POST', '/Bulk', bulk(1_001))).status === 413;
    },
  },
  {
    id: 'wso2-pages',
    says: 'default count 100, filter max 200',
    source: '[P14]',
    does: { paging: { usual: 100, max: 200 } },
    probe: async (tools) => {
      seeded(tools, 230);
      const sizes = [
        listIn(await tools.send('GET', '/Users')).length,
        listIn(await tools.send('GET', '/Users?count=230')).length,
      ];
      return sizes.join() === '100,200';
    },
  },
];

export const WSO2: Vendor = { name: 'wso2', quirks, person: (n) => personOf(n) };
