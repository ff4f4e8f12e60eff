import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** authentik's SCIM source. */
export const AUTHENTIK: Profile = {
  ...GENERIC,
  name: 'authentik',
  account: ACCOUNT_RULES.authentik,
  // [P9]
  paging: 'index',
  nextPage: 'wholePages',
  lookBeforeCreate: true,
  ifMatch: false,
  bulk: null,
  quirks: [
    {
      fields: ['paging', 'nextPage'],
      they: '`count` is ignored, and `startIndex` is divided by the page size and cut: 101 of 100 is the first page again',
      we: 'page n is asked for at n times what a page held; each id counts once; a page that brings nothing new ends the listing as incomplete',
      source: 'P9',
    },
    {
      fields: ['lookBeforeCreate'],
      they: 'a POST takes over an existing user of the same userName',
      we: 'the userName is looked up before every POST',
      source: 'P9',
    },
    {
      fields: [],
      they: 'a 409 may have no body (older versions); only newer versions take PATCH',
      we: 'the status alone leads to a look-up; PUT where discovery says so, or after a 405',
      source: 'P9',
    },
    { fields: ['ifMatch', 'bulk'], they: 'no ETag, no bulk', we: 'neither is used', source: 'P9' },
    {
      fields: [],
      they: 'DELETE removes the user for good',
      we: 'leavers are disabled; a DELETE follows only after `lifecycle.retention`',
      source: 'P9',
    },
  ],
};
