import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

/** WSO2 Identity Server, and Asgardeo. */
export const WSO2: Profile = {
  ...GENERIC,
  name: 'wso2',
  account: ACCOUNT_RULES.wso2,
  // [P14]
  pageSize: 100,
  ifMatch: false,
  bulk: { maxOps: 1000, maxBytes: 1_048_576 },
  quirks: [
    {
      fields: ['bulk'],
      they: '/Bulk with 1000 operations and 1,048,576 bytes as shipped [P14]; 100 operations at Asgardeo [P15]',
      we: 'bulk within these limits, or within smaller ones that discovery names',
      source: 'P14, P15',
    },
    { fields: ['ifMatch'], they: 'no ETag, no sort', we: 'neither is used', source: 'P14' },
    {
      fields: ['pageSize'],
      they: 'pages of 100, 200 at most',
      we: 'pages of 100',
      source: 'P14',
    },
    {
      fields: [],
      they: 'a userName may need the prefix of its user store, such as `DEFAULT/`',
      we: 'nothing: map it so',
      source: '(GK)',
    },
  ],
};
