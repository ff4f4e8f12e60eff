import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** Keycloak's own SCIM endpoint (a preview), not one of its extensions. */
export const KEYCLOAK: Profile = {
  ...GENERIC,
  name: 'keycloak',
  account: ACCOUNT_RULES.keycloak,
  // (GK)
  paging: 'index',
  // [X2] (obs)
  update: 'patch',
  ifMatch: false,
  readAround: true,
  bulk: null,
  quirks: [
    {
      fields: ['ifMatch', 'readAround'],
      they: 'an outdated `If-Match` is accepted, and no ETag ever comes back',
      we: 'no tags: read, compare, write what still differs, read back',
      source: 'X2 (obs)',
    },
    { fields: ['update', 'bulk'], they: 'PATCH answers 200; no bulk', we: 'single PATCHes', source: 'X2 (obs)' },
    { fields: ['paging'], they: 'pages by index', we: 'the same', source: '(GK)' },
    {
      fields: [],
      they: '`externalId eq` works once the realm’s user profile has an attribute that stores it; the feature is off by default',
      we: 'nothing: switch it on there',
      source: 'X2 (obs), P12',
    },
  ],
};
