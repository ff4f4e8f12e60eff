// The SCIM provisioning API of Microsoft Entra ID (a SCIM server since 2026), not its bulkUpload.
import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

export const ENTRA_SCIM: Profile = {
  ...GENERIC,
  name: 'entra-scim',
  account: ACCOUNT_RULES['entra-scim'],
  // [E20]
  paths: {
    users: '/users',
    groups: '/groups',
    serviceProviderConfig: '/serviceproviderconfig',
    resourceTypes: '/resourcetypes',
    schemas: '/schemas',
  },
  // [E20]: more than 100 only with a projection that excludes the manager.
  paging: 'cursor',
  pageSize: 100,
  // [E20], and PUT answers 405 [E22] (obs).
  update: 'patch',
  // [E22] (obs); the documents say 404 [E25].
  unknownId: [400],
  // [E20]: a group never shows its members.
  excludeMembers: false,
  members: { addMax: 20, removeMax: 1, read: 'users' },
  // [E22] [E24] (obs): a DELETE that asks for JSON is answered 400. [E25]: everything else must ask for it.
  headers: { ...GENERIC.headers, acceptOnDelete: null },
  // [E20]
  bulk: null,
  // [E10]
  revokeSessions: 'graph',
  quirks: [
    {
      fields: ['paths'],
      they: 'paths in lower case: `/users`, `/groups`, `/serviceproviderconfig`',
      we: 'send them so',
      source: 'E20',
    },
    {
      fields: ['account.needs'],
      they: 'a create needs `password`, `name.givenName`, `name.familyName`, `displayName`, `userName`, `active`; no password where the domain is federated [E23]',
      we: 'the file is refused without them; `capabilities.needs` replaces the list for federated domains; `active` is always sent',
      source: 'E20',
    },
    {
      fields: ['paging', 'pageSize'],
      they: 'pages by cursor only, 100 users unless projected; later pages may lack `totalResults`; `resources` in lower case [E22] (obs)',
      we: 'RFC 9865 cursors; the list ends where no `nextCursor` comes; names are read in any case',
      source: 'E20',
    },
    { fields: ['update'], they: 'no PUT: 405 [E22] (obs)', we: 'PATCH only, whatever discovery says', source: 'E20' },
    {
      fields: [],
      they: 'a PATCH is answered 204 without a body',
      we: 'state is read with GET where it is needed: a disable is read back',
      source: 'E20',
    },
    {
      fields: [],
      they: 'the manager is replaced as `{ "value": "<id>" }`; externalId cannot be combined in a filter; no spaces around `=` in the query',
      we: 'as RFC 7644 has it; externalId always stands alone',
      source: 'E20',
    },
    {
      fields: [],
      they: 'externalId is a filter [E20], and is missing from the page that maps attributes: whether it is kept is not said',
      we: 'nothing: try it with one account before a first load; without it accounts are found by userName and taken for somebody else’s',
      source: 'E20, E23',
    },
    {
      fields: ['headers'],
      they: 'a DELETE with a JSON `Accept` is answered 400; every other verb needs one [E25]',
      we: 'a DELETE carries no `Accept`',
      source: 'E22, E24 (obs)',
    },
    {
      fields: ['unknownId'],
      they: 'an unknown id may be answered 400 instead of 404',
      we: 'a 400 on a GET by id counts as gone only when a search by `id` finds nobody',
      source: 'E22 (obs), documents say 404 [E25]',
    },
    {
      fields: ['members', 'excludeMembers'],
      they: '20 members added by one PATCH, one removed, never mixed; one bad id fails all; a group never shows its members',
      we: 'batches of 20 and single removals; a refused batch is halved; who is in a group is asked with `groups.value eq` and `id eq`',
      source: 'E20',
    },
    { fields: ['bulk'], they: 'no bulk', we: 'single requests', source: 'E20' },
    {
      fields: ['revokeSessions'],
      they: 'sessions end with `revokeSignInSessions` of Graph',
      we: 'a step after the disable',
      source: 'E10',
    },
  ],
};
