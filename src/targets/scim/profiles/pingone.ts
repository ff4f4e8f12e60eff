import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** PingOne's SCIM layer. */
export const PINGONE: Profile = {
  ...GENERIC,
  name: 'pingone',
  account: ACCOUNT_RULES.pingone,
  // [X5] (obs)
  paging: 'none',
  pageSize: 200,
  totalIsTruth: false,
  // [P32]
  patch: { ...GENERIC.patch, lists: 'whole' },
  // (GK)
  bulk: null,
  quirks: [
    {
      fields: ['paging', 'pageSize', 'totalIsTruth'],
      they: 'no paging, 200 results at most',
      we: 'a list of 200 is incomplete, and nothing is concluded from it: people are looked up one by one',
      source: 'X5 (obs)',
    },
    { fields: ['account.groups'], they: 'no groups', we: 'the file is refused with groups', source: 'X5 (obs)' },
    {
      fields: ['account.oneValue', 'patch'],
      they: 'the first value of a multi-valued attribute wins',
      we: 'the file is refused with more; a change replaces the whole list',
      source: 'P32',
    },
    { fields: ['bulk'], they: 'no bulk', we: 'single requests', source: '(GK)' },
  ],
};
