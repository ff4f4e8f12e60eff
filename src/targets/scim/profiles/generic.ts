import { ACCOUNT_RULES } from '../../../mapping/account-rules.ts';
import type { Profile } from './profile.ts';

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const JSON_TYPES = 'application/scim+json, application/json';

/** RFC 7643 and RFC 7644 as written, with limits that no provider known to us undercuts. */
export const GENERIC: Profile = {
  name: 'generic',
  account: ACCOUNT_RULES.generic,
  paths: {
    users: '/Users',
    groups: '/Groups',
    serviceProviderConfig: '/ServiceProviderConfig',
    resourceTypes: '/ResourceTypes',
    schemas: '/Schemas',
  },
  discovery: true,
  lookup: ['externalId', 'userName'],
  filterAnd: true,
  listing: true,
  paging: 'discovered',
  pageSize: 100,
  nextPage: 'returned',
  totalIsTruth: true,
  update: 'discovered',
  putMerges: false,
  patch: { form: 'path', maxOperations: null, lists: 'byType' },
  echoIsTruth: false,
  ifMatch: 'discovered',
  readAround: false,
  lookBeforeCreate: false,
  confirmCreates: false,
  unknownId: [],
  excludeMembers: true,
  members: { addMax: 100, removeMax: 100, read: 'group' },
  manager: { path: `${ENTERPRISE}:manager`, patch: 'object' },
  headers: { contentType: 'application/scim+json', accept: JSON_TYPES, acceptOnDelete: JSON_TYPES },
  bulk: 'discovered',
  revokeSessions: 'none',
  quirks: [],
};
