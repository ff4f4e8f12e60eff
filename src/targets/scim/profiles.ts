// What is known of each kind of endpoint, by the name that a connection file uses.
import type { ProfileName } from '../../mapping/account-rules.ts';
import { AUTH0 } from './profiles/auth0.ts';
import { AUTHENTIK } from './profiles/authentik.ts';
import { AWS } from './profiles/aws.ts';
import { ENTRA_SCIM } from './profiles/entra-scim.ts';
import { ENTRUST } from './profiles/entrust.ts';
import { GENERIC } from './profiles/generic.ts';
import { GOOGLE } from './profiles/google.ts';
import { KEYCLOAK } from './profiles/keycloak.ts';
import { OKTA_INBOUND } from './profiles/okta-inbound.ts';
import { ORACLE } from './profiles/oracle.ts';
import { PINGDIRECTORY } from './profiles/pingdirectory.ts';
import { PINGFEDERATE } from './profiles/pingfederate.ts';
import { PINGONE } from './profiles/pingone.ts';
import type { Profile } from './profiles/profile.ts';
import { WSO2 } from './profiles/wso2.ts';
import { ZITADEL } from './profiles/zitadel.ts';

export type { ProfileName } from '../../mapping/account-rules.ts';
export type { BulkLimits, LookupAttribute, Paging, Profile, Quirk } from './profiles/profile.ts';

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  generic: GENERIC,
  'entra-scim': ENTRA_SCIM,
  aws: AWS,
  google: GOOGLE,
  'okta-inbound': OKTA_INBOUND,
  auth0: AUTH0,
  pingone: PINGONE,
  authentik: AUTHENTIK,
  zitadel: ZITADEL,
  keycloak: KEYCLOAK,
  wso2: WSO2,
  entrust: ENTRUST,
  oracle: ORACLE,
  pingdirectory: PINGDIRECTORY,
  pingfederate: PINGFEDERATE,
};
