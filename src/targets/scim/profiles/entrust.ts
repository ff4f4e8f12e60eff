import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** Entrust Identity as a Service. */
export const ENTRUST: Profile = {
  ...GENERIC,
  name: 'entrust',
  account: ACCOUNT_RULES.entrust,
  quirks: [
    {
      fields: [],
      they: 'users and groups; verbs, filters, paging and limits were not found',
      we: 'as `generic`: what discovery says',
      source: 'P1, P3',
    },
  ],
};
