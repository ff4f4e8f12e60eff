// Oracle OCI IAM identity domains.
import type { Quirk, Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { listIn, seeded } from './rules.ts';

const quirks: readonly Quirk[] = [
  {
    id: 'oracle-pages',
    says: 'count ≤1000, default 50',
    source: '[P41]',
    does: { paging: { usual: 50, max: 1_000 } },
    probe: async (tools) => {
      seeded(tools, 60);
      return listIn(await tools.send('GET', '/Users')).length === 50;
    },
  },
  {
    id: 'oracle-20-a-second',
    says: 'Others 20-90/s',
    source: '[P18]',
    does: { throttle: { calls: 20, perMs: 1_000 } },
    probe: async ({ send }) => {
      const statuses: number[] = [];
      for (let n = 0; n < 21; n += 1) statuses.push((await send('GET', '/ServiceProviderConfig')).status);
      return statuses[19] === 200 && statuses[20] === 429;
    },
  },
];

export const ORACLE: Vendor = { name: 'oracle', quirks, person: (n) => personOf(n) };
