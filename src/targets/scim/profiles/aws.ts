import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** AWS IAM Identity Center. */
export const AWS: Profile = {
  ...GENERIC,
  name: 'aws',
  account: ACCOUNT_RULES.aws,
  // [P33]: 50 results at most; whether totalResults counts more is not said.
  paging: 'index',
  pageSize: 50,
  totalIsTruth: false,
  // [P7] [P34]
  update: 'patch',
  patch: { ...GENERIC.patch, lists: 'whole' },
  // [P35]
  members: { addMax: 100, removeMax: 100, read: 'group' },
  // [P8]
  bulk: null,
  quirks: [
    {
      fields: ['account.needs', 'account.primaryEmail'],
      they: 'a create needs `name.givenName`, `name.familyName`, `userName`, `displayName`; the mail address must be `primary: true`',
      we: 'the file is refused without them',
      source: 'P37',
    },
    {
      fields: ['account.refuses'],
      they: 'no `password`, `ims`, `photos`, `x509Certificates`, `entitlements`, `groups`, `manager.displayName`',
      we: 'the file is refused with them; of a manager only the id is ever sent',
      source: 'P37',
    },
    {
      fields: ['account.oneValue', 'patch'],
      they: 'one value in each multi-valued attribute',
      we: 'the file is refused with more; a change replaces the whole list, so that there are never two',
      source: 'P34',
    },
    {
      fields: ['update'],
      they: 'PATCH with `value` for add and replace, `path` for remove; `userName` and `active` are not removed and not repeated',
      we: 'one operation with a path for each attribute; neither is ever removed',
      source: 'P7, P34',
    },
    {
      fields: ['paging', 'pageSize', 'totalIsTruth'],
      they: '50 results at most',
      we: 'pages of 50; a full page is never taken for the last one, whatever it says it counted',
      source: 'P33',
    },
    {
      fields: ['members'],
      they: '100 changes in one PATCH of a group; members are never replaced nor removed all at once; no PUT of groups',
      we: 'batches of 100; each removal names its member; groups are created empty',
      source: 'P35, P36',
    },
    { fields: ['bulk'], they: 'no bulk', we: 'single requests', source: 'P8' },
    {
      fields: [],
      they: '409 ConflictException, 429 ThrottlingException; the rate is not published (GK)',
      we: 'look up before the next name; wait as `Retry-After` asks, with jitter',
      source: 'P37, P38',
    },
  ],
};
