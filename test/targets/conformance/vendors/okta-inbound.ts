// Okta Inbound SCIM: only base URL and credentials are documented. The endpoint does what it says of itself, so its stories run
// once for each way of saying it; see `selves.ts`.
import type { Vendor } from '../quirk.ts';
import { personOf } from './person.ts';

export const OKTA_INBOUND: Vendor = { name: 'okta-inbound', quirks: [], person: (n) => personOf(n) };
