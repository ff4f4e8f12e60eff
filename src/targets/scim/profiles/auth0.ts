import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** Auth0 inbound SCIM, one endpoint for each enterprise connection. */
export const AUTH0: Profile = {
  ...GENERIC,
  name: 'auth0',
  account: ACCOUNT_RULES.auth0,
  // (GK)
  paging: 'index',
  // [P17]
  update: 'patch',
  // (GK)
  bulk: null,
  // [P17]
  revokeSessions: 'implicit',
  quirks: [
    {
      fields: ['account.perSecond'],
      they: '25 requests a second for each connection (5 in free tenants), 100 for a tenant',
      we: '22, so that no second holds more than 25, unless `limits.perSecond` says otherwise',
      source: 'P40',
    },
    {
      fields: ['account.refuses'],
      they: '`password` cannot be used',
      we: 'the file is refused with it',
      source: 'P17',
    },
    {
      fields: ['revokeSessions'],
      they: '`active: false` blocks the user and ends all sessions and refresh tokens',
      we: 'no call of its own',
      source: 'P17',
    },
    {
      fields: ['update'],
      they: 'POST, GET, PUT, PATCH and DELETE',
      we: 'PATCH of what differs',
      source: 'P17',
    },
    {
      fields: ['paging', 'bulk'],
      they: 'pages by index, no bulk',
      we: 'the same',
      source: '(GK)',
    },
    {
      fields: [],
      they: 'attributes that are not mapped there are ignored without a word; OIDC connections need `externalId` to be the login’s `sub`',
      we: 'nothing: map them there, and map `externalId` so',
      source: 'P17, P39',
    },
  ],
};
