// What is particular about one identity provider, as data. Code asks the profile and never the provider's name.

export interface Profile {
  readonly name: string;
  /** Equality filters that work, in the order in which an account is looked up. */
  readonly lookup: readonly ('externalId' | 'userName')[];
  /** `count` of one page of users. */
  readonly pageSize: number;
  /** True where the answer to a PATCH proves the effect, so that a disable needs no read-back. */
  readonly echoIsTruth: boolean;
  /** Send `If-Match` with the last tag seen. Never with a disable: that one must win. */
  readonly ifMatch: boolean;
  /** Whether a search for groups may leave out the members (`excludedAttributes`, RFC 7644 section 3.9). */
  readonly excludeMembers: boolean;
  /** Most members added or removed by one PATCH of a group. */
  readonly members: { readonly addMax: number; readonly removeMax: number };
  /** The attribute that holds the manager's reference; a PATCH writes it as an object (`{ value }`), or its `.value` alone. */
  readonly manager: { readonly path: string; readonly patch: 'object' | 'valuePath' };
  readonly headers: { readonly contentType: string; readonly accept: string; readonly acceptOnDelete: string | null };
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const JSON_TYPES = 'application/scim+json, application/json';

/** RFC 7643 and RFC 7644 as written, with limits that no provider known to us undercuts. */
const GENERIC: Profile = {
  name: 'generic',
  lookup: ['externalId', 'userName'],
  pageSize: 100,
  echoIsTruth: false,
  ifMatch: false,
  excludeMembers: true,
  members: { addMax: 100, removeMax: 100 },
  manager: { path: `${ENTERPRISE}:manager`, patch: 'object' },
  headers: { contentType: 'application/scim+json', accept: JSON_TYPES, acceptOnDelete: JSON_TYPES },
};

export const PROFILES = { generic: GENERIC } as const satisfies Readonly<Record<string, Profile>>;
export type ProfileName = keyof typeof PROFILES;
