import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

export const ZITADEL: Profile = {
  ...GENERIC,
  name: 'zitadel',
  account: ACCOUNT_RULES.zitadel,
  // All of these [P10].
  discovery: false,
  paging: 'index',
  pageSize: 100,
  update: 'patch',
  bulk: { maxOps: 100, maxBytes: 1_000_000 },
  quirks: [
    { fields: ['discovery'], they: 'no discovery endpoints', we: 'nobody asks for them', source: 'P10' },
    {
      fields: ['account.needs'],
      they: 'needs `name.givenName`, `name.familyName` and a mail address',
      we: 'the file is refused without them',
      source: 'P10',
    },
    {
      fields: ['account.oneValue'],
      they: 'only the primary mail address and phone number are kept',
      we: 'the file is refused with more than one',
      source: 'P10',
    },
    { fields: ['account.groups'], they: 'no groups', we: 'the file is refused with groups', source: 'P10' },
    {
      fields: ['paging', 'pageSize', 'update'],
      they: '`count` up to 100; PUT and PATCH',
      we: 'pages of 100; PATCH of what differs',
      source: 'P10',
    },
    {
      fields: ['bulk'],
      they: '/Bulk with 100 operations and 1 MB unless configured otherwise',
      we: 'bulk within these limits; `capabilities.bulk` changes them',
      source: 'P10',
    },
    {
      fields: [],
      they: 'externalId belongs to the provisioning domain of the service user who wrote it',
      we: 'nothing: accounts that another service user made look like accounts without externalId',
      source: 'P10',
    },
  ],
};
