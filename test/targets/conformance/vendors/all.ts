// Every vendor that a profile exists for.
import type { Vendor } from '../quirk.ts';
import { AUTH0 } from './auth0.ts';
import { AUTHENTIK } from './authentik.ts';
import { AWS } from './aws.ts';
import { ENTRA } from './entra-scim.ts';
import { ENTRUST } from './entrust.ts';
import { GENERIC_VENDOR } from './generic.ts';
import { GOOGLE } from './google.ts';
import { KEYCLOAK } from './keycloak.ts';
import { OKTA_INBOUND } from './okta-inbound.ts';
import { ORACLE } from './oracle.ts';
import { PINGDIRECTORY } from './pingdirectory.ts';
import { PINGFEDERATE } from './pingfederate.ts';
import { PINGONE } from './pingone.ts';
import { WSO2 } from './wso2.ts';
import { ZITADEL } from './zitadel.ts';

export const VENDORS: readonly Vendor[] = [
  GENERIC_VENDOR,
  ENTRA,
  AWS,
  GOOGLE,
  OKTA_INBOUND,
  AUTH0,
  PINGONE,
  AUTHENTIK,
  ZITADEL,
  KEYCLOAK,
  WSO2,
  ENTRUST,
  ORACLE,
  PINGDIRECTORY,
  PINGFEDERATE,
];
