import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** Oracle OCI IAM identity domains. */
export const ORACLE: Profile = {
  ...GENERIC,
  name: 'oracle',
  account: ACCOUNT_RULES.oracle,
  // [P41]: 1000 at most, 50 unless asked.
  paging: 'index',
  quirks: [
    {
      fields: ['account.perSecond'],
      they: '20 to 90 requests a second by the type of domain, and no headers that tell [P42] (obs)',
      we: '18, so that no second holds more than 20, unless `limits.perSecond` says otherwise',
      source: 'P18',
    },
    { fields: ['paging'], they: '`count` up to 1000, 50 unless asked', we: 'pages of 100', source: 'P41' },
    {
      fields: [],
      they: '/Bulk is answered 201',
      we: 'any 2xx is the envelope; each operation has its own status',
      source: 'P20',
    },
  ],
};
