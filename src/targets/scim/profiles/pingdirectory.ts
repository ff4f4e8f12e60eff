import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import { GENERIC } from './generic.ts';
import type { Profile } from './profile.ts';

export const PINGDIRECTORY: Profile = {
  ...GENERIC,
  name: 'pingdirectory',
  account: ACCOUNT_RULES.pingdirectory,
  // [P45]
  putMerges: true,
  quirks: [
    {
      fields: ['putMerges'],
      they: 'PUT keeps what is left out; null deletes',
      we: 'where PUT is used, what shall go is sent as null',
      source: 'P45',
    },
  ],
};
