// What the endpoint can do, from three sources: the connection file counts most, then the profile, then what the endpoint
// says of itself (RFC 7643 section 5). Pure.
import type { CapabilitySettings } from '../../mapping/connection-file.ts';
import type { BulkLimits, Paging, Profile } from './profiles.ts';

/** What the endpoint says of itself; null where it does not, or says something absurd. */
export interface Discovered {
  readonly patch: boolean | null;
  readonly bulk: BulkLimits | false | null;
  /** Most resources in one answer to a search. */
  readonly filterMax: number | null;
  readonly etag: boolean | null;
  readonly paging: 'index' | 'cursor' | null;
  /** Most resources on one page (RFC 9865). */
  readonly pageMax: number | null;
  /** Whether there are groups at all. */
  readonly groups: boolean | null;
  /** Names of the top-level attributes of a user that only the endpoint writes, in lower case. */
  readonly readOnly: readonly string[];
}

/** `capabilities:` of a target in the connection file; what is absent is left to the profile and to discovery. */
export type Configured = CapabilitySettings;

export interface Capabilities {
  readonly update: 'patch' | 'put';
  readonly patchForm: 'path' | 'pathless';
  /** Null: single requests only. */
  readonly bulk: BulkLimits | null;
  readonly ifMatch: boolean;
  readonly paging: Paging;
  readonly pageSize: number;
  readonly confirmCreates: boolean;
  readonly groups: boolean;
  readonly readOnly: readonly string[];
}

export const NOTHING_DISCOVERED: Discovered = {
  patch: null,
  bulk: null,
  filterMax: null,
  etag: null,
  paging: null,
  pageMax: null,
  groups: null,
  readOnly: [],
};

/** Where the profile and the endpoint both name a limit, the smaller one counts: neither is exceeded. */
export function capabilitiesOf(
  profile: Profile,
  discovered: Discovered | null,
  configured: Configured = {},
): Capabilities {
  const said = discovered ?? NOTHING_DISCOVERED;
  const patch = profile.update === 'discovered' ? (said.patch ?? true) : profile.update === 'patch';
  const paging = profile.paging === 'discovered' ? (said.paging ?? 'index') : profile.paging;
  const limits = [said.filterMax, said.pageMax].filter((limit) => limit !== null);
  return {
    update: configured.update ?? (patch ? 'patch' : 'put'),
    patchForm: configured.patchForm ?? profile.patch.form,
    bulk: bulkOf(profile, said, configured),
    ifMatch: configured.etag ?? (profile.ifMatch === 'discovered' ? (said.etag ?? false) : profile.ifMatch),
    paging: configured.paging ?? paging,
    // Without pages the size is what one answer can hold: asking for less would prove nothing.
    pageSize: configured.pageSize ?? Math.min(profile.pageSize, ...limits),
    confirmCreates: configured.confirmCreates ?? profile.confirmCreates,
    groups: profile.account.groups && said.groups !== false,
    readOnly: said.readOnly,
  };
}

function bulkOf(profile: Profile, said: Discovered, configured: Configured): BulkLimits | null {
  if (configured.bulk !== undefined) return configured.bulk === false ? null : configured.bulk;
  if (profile.bulk === null) return null;
  if (profile.bulk === 'discovered') return said.bulk === false ? null : said.bulk;
  if (said.bulk === null || said.bulk === false) return profile.bulk;
  return {
    ...profile.bulk,
    maxOps: Math.min(profile.bulk.maxOps, said.bulk.maxOps),
    maxBytes: Math.min(profile.bulk.maxBytes, said.bulk.maxBytes),
  };
}
