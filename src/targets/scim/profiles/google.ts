import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** Google Cloud Identity. */
export const GOOGLE: Profile = {
  ...GENERIC,
  name: 'google',
  account: ACCOUNT_RULES.google,
  // [P22]
  lookup: ['userName'],
  filterAnd: false,
  listing: false,
  paging: 'none',
  // [P43]
  update: 'patch',
  patch: { ...GENERIC.patch, maxOperations: 20 },
  // [P23]
  ifMatch: false,
  bulk: null,
  quirks: [
    {
      fields: ['lookup', 'filterAnd'],
      they: 'the only filter is `userName eq`',
      we: 'people are looked up by userName, and are ours only when the externalId of what was found says so',
      source: 'P22',
    },
    {
      fields: ['listing', 'paging'],
      they: 'a list without a filter is refused (`tooMany`); there is no paging',
      we: 'nobody is listed: before a plan, each new worker’s names are looked up one by one',
      source: 'P22',
    },
    {
      fields: ['patch', 'update'],
      they: '20 operations in one PATCH of a user, answered `{}`',
      we: 'more are sent in several; a disable is read back',
      source: 'P43',
    },
    { fields: ['ifMatch', 'bulk'], they: 'no ETag, no bulk, no sort', we: 'neither is used', source: 'P23' },
  ],
};
