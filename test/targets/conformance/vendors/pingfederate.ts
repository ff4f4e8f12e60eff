// PingFederate's inbound provisioning, SCIM 2.0: no PATCH, no groups.
import { discoveryOf, type Quirk, type Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { created, patchOf } from './rules.ts';

const quirks: readonly Quirk[] = [
  {
    id: 'pingfederate-no-patch',
    says: 'POST, GET, PUT, DELETE',
    source: '[P28]',
    does: { patch: false },
    probe: async (tools) => {
      const id = await created(tools, 1);
      return (
        (await tools.send('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'title', value: 'x' }))).status ===
        501
      );
    },
  },
  {
    id: 'pingfederate-no-groups',
    says: 'Groups: not in 2.0',
    source: '(obs) [P29]',
    does: { paths: { User: '/Users', Group: null } },
    probe: async ({ send }) => (await send('GET', '/Groups')).status === 404,
  },
];

export const PINGFEDERATE: Vendor = {
  name: 'pingfederate',
  // (GK): nothing was found about tags; and discovery says nothing of PATCH that could be wrong.
  base: { etag: false, discovery: discoveryOf({ etag: { supported: false }, patch: { supported: false } }) },
  quirks,
  person: (n) => personOf(n),
};
