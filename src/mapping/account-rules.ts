// What each kind of endpoint demands of a connection file, checked when the file is read. The rest of what is known of an
// endpoint stands in the targets' room. Keys such as [E20] name the sources listed in docs/profiles.md.

export interface AccountRules {
  /** Attributes under `user` that a new account needs, flattened; `emails` is met by any element with a value. */
  readonly needs: readonly string[];
  /** Attributes under `user` that the endpoint does not take: names at the top, or flattened paths. */
  readonly refuses: readonly string[];
  /** Lists under `user` that hold one element each; `*` is every list. */
  readonly oneValue: readonly string[];
  /** The element of `emails` says `primary: true`. */
  readonly primaryEmail: boolean;
  /** Whether there are groups to put anybody into. */
  readonly groups: boolean;
  /** Requests a second unless the file says otherwise. */
  readonly perSecond: number;
}

const PLAIN: AccountRules = {
  needs: [],
  refuses: [],
  oneValue: [],
  primaryEmail: false,
  groups: true,
  perSecond: 50,
};

export const ACCOUNT_RULES = {
  generic: PLAIN,
  'entra-scim': {
    ...PLAIN,
    // [E20]; active and userName always stand in a create.
    needs: ['password', 'name.familyName', 'name.givenName', 'displayName'],
  },
  aws: {
    ...PLAIN,
    // [P37]
    needs: ['name.givenName', 'name.familyName', 'displayName'],
    // [P37]
    refuses: ['password', 'ims', 'photos', 'x509Certificates', 'entitlements'],
    // [P34] [P37]
    oneValue: ['*'],
    primaryEmail: true,
  },
  google: PLAIN,
  'okta-inbound': PLAIN,
  auth0: {
    ...PLAIN,
    // [P17]
    refuses: ['password'],
    // [P40]: 25 for each connection. A tenth of a second's requests may leave at once, beside those that flow.
    perSecond: 22,
  },
  pingone: {
    ...PLAIN,
    // [X5] (obs)
    groups: false,
    // [P32]
    oneValue: ['*'],
  },
  authentik: PLAIN,
  zitadel: {
    ...PLAIN,
    // [P10]
    needs: ['name.familyName', 'name.givenName', 'emails'],
    oneValue: ['emails', 'phoneNumbers'],
    groups: false,
  },
  keycloak: PLAIN,
  wso2: PLAIN,
  entrust: PLAIN,
  oracle: {
    ...PLAIN,
    // [P18]: 20 to 90 by the domain's type. A tenth of a second's requests may leave at once, beside those that flow.
    perSecond: 18,
  },
  pingdirectory: PLAIN,
  pingfederate: {
    ...PLAIN,
    // [P29]: only its SCIM 1.1 has them (obs).
    groups: false,
  },
} as const satisfies Readonly<Record<string, AccountRules>>;

export type ProfileName = keyof typeof ACCOUNT_RULES;
export const PROFILE_NAMES = Object.keys(ACCOUNT_RULES) as [ProfileName, ...ProfileName[]];
