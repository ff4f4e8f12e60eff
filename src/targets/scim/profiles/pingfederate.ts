import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** PingFederate's inbound provisioning, SCIM 2.0. */
export const PINGFEDERATE: Profile = {
  ...GENERIC,
  name: 'pingfederate',
  account: ACCOUNT_RULES.pingfederate,
  // [P28]
  update: 'put',
  // (GK)
  bulk: null,
  quirks: [
    {
      fields: ['update'],
      they: 'POST, GET, PUT and DELETE, no PATCH',
      we: 'GET, overlay what differs, PUT',
      source: 'P28',
    },
    {
      fields: ['account.groups'],
      they: 'no groups in SCIM 2.0',
      we: 'the file is refused with groups',
      source: 'P29 (obs)',
    },
    { fields: ['bulk'], they: 'no bulk', we: 'single requests', source: '(GK)' },
    {
      fields: [],
      they: 'DELETE deletes or disables, as configured there',
      we: 'leavers are disabled; a DELETE follows only after `lifecycle.retention`',
      source: '(obs)',
    },
  ],
};
