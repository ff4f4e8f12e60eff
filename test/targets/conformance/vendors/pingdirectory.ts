// PingDirectory, of which one thing is known: its PUT merges.
import type { Quirk, Vendor } from '../quirk.ts';
import { personOf } from './person.ts';
import { created } from './rules.ts';

const quirks: readonly Quirk[] = [
  {
    id: 'pingdirectory-put-merges',
    says: '**PUT treated like PATCH: omitted attributes are kept, null deletes**',
    source: '[P45]',
    does: { put: 'merges' },
    probe: async (tools) => {
      const id = await created(tools, 1);
      const { title: _, ...rest } = tools.person(1);
      await tools.send('PUT', `/Users/${id}`, rest);
      const kept = tools.users.get(id)?.title !== undefined;
      await tools.send('PUT', `/Users/${id}`, { ...rest, title: null });
      return kept && tools.users.get(id)?.title === undefined;
    },
  },
];

export const PINGDIRECTORY: Vendor = { name: 'pingdirectory', quirks, person: (n) => personOf(n) };
