import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** Okta Inbound SCIM: only base URL and credentials are documented, so everything else follows from discovery. */
export const OKTA_INBOUND: Profile = {
  ...GENERIC,
  name: 'okta-inbound',
  account: ACCOUNT_RULES['okta-inbound'],
  // [O2]
  revokeSessions: 'okta',
  quirks: [
    {
      fields: [],
      they: 'verbs, filters, paging and limits are not documented',
      we: 'as `generic`: what discovery says',
      source: 'O7',
    },
    {
      fields: ['revokeSessions'],
      they: 'sessions end with a call of the core API',
      we: 'a step after the disable',
      source: 'O2',
    },
  ],
};
